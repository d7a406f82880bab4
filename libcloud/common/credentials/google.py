# SPDX-License-Identifier: Apache-2.0
"""Discovers credentials for Google Cloud Storage in the environment. Nothing is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import copy
from functools import partial

from libcloud.common.credentials.discovery import Discovery
from libcloud.common.credentials.provider import Credentials, CredentialsNotFoundError

HINT = (
    "set GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY to an HMAC key (GOOG...), or "
    "GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account"
)

_KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def find_google_credentials(aws: Discovery, environ: Mapping[str, str]) -> Discovery:
    """Find an HMAC key or a service account, using Google's environment variables.

    :param aws: the credentials found for Amazon; they are used if they are an HMAC key of Google's.
    :return: credentials whose secret is that of an HMAC key, or the path of a key file.
    """
    key, secret = environ.get("GS_ACCESS_KEY_ID"), environ.get("GS_SECRET_ACCESS_KEY")
    if key and secret:
        return _found(
            Credentials(key, secret), "the variables GS_ACCESS_KEY_ID, GS_SECRET_ACCESS_KEY"
        )
    path = environ.get(_KEY_FILE)
    if path:
        return _found(_service_account(os.path.expanduser(path)), f"the variable {_KEY_FILE}")
    if aws.credentials is not None and aws.credentials.key.startswith("GOOG"):
        return _found(aws.credentials, aws.credentials_origin)
    missing = "there are no credentials for Google Cloud Storage"
    if aws.credentials is not None:
        missing += f" (those from {aws.credentials_origin} are not for Google)"
    return Discovery(None, missing=missing, hint=HINT)


def require_google_key(key: str) -> None:
    """:raises CredentialsNotFoundError: the key could only be used with an interactive login."""
    if not key.startswith("GOOG") and not key.endswith(
        (".gserviceaccount.com", "apps.googleusercontent.com")
    ):
        reason = "the access key is not a key for Google Cloud Storage"
        raise CredentialsNotFoundError(reason, hint=HINT)


def _found(credentials: Credentials, origin: str) -> Discovery:
    require_google_key(credentials.key)
    return Discovery(credentials, origin, provider=partial(copy, credentials))


def _service_account(path: str) -> Credentials:
    try:
        with open(path, encoding="utf-8") as file:
            parsed = json.load(file)
        return Credentials(parsed["client_email"], path)
    except OSError as error:
        reason = f"{path}, which {_KEY_FILE} names, cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError):
        reason = f"{path}, which {_KEY_FILE} names, is not the key file of a service account"
    raise CredentialsNotFoundError(reason, hint=HINT)
