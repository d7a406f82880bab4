# SPDX-License-Identifier: Apache-2.0
"""Access tokens for Google's services, and connections that carry them.

A token comes from one of three places: a service account's private key, the metadata server of a
Google Compute Engine instance, or a user who agrees in a browser. It is kept in a file that only
its owner can read, and refreshed before it expires.

References: Google Identity, "Using OAuth 2.0 for Server to Server Applications" and "OAuth 2.0 for
iOS & Desktop Apps".
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from libcloud.common.base import BaseDriver as BaseDriver
from libcloud.common.base import ConnectionUserAndKey, PollingConnection
from libcloud.common.base import JsonResponse as JsonResponse
from libcloud.common.google_auth import (
    UTC_TIMESTAMP_FORMAT,
    GoogleBaseAuthConnection,
    GoogleBaseDriver,
    GoogleGCEServiceAcctAuthConnection,
    GoogleInstalledAppAuthConnection,
    GoogleServiceAcctAuthConnection,
    from_utc_timestamp,
    utc_timestamp,
    utcnow,
)
from libcloud.common.google_errors import (
    GoogleAuthError,
    GoogleBaseError,
    GoogleResponse,
    InvalidRequestError,
    JsonParseError,
    QuotaExceededError,
    ResourceExistsError,
    ResourceInUseError,
    ResourceNotFoundError,
)
from libcloud.common.google_types import GoogleAuthType, gce_metadata
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.common.types import ProviderError as ProviderError
from libcloud.utils.per_process import PerProcess

__all__ = [
    "UTC_TIMESTAMP_FORMAT",
    "GoogleAuthError",
    "GoogleAuthType",
    "GoogleBaseAuthConnection",
    "GoogleBaseConnection",
    "GoogleBaseDriver",
    "GoogleBaseError",
    "GoogleGCEServiceAcctAuthConnection",
    "GoogleInstalledAppAuthConnection",
    "GoogleOAuth2Credential",
    "GoogleResponse",
    "GoogleServiceAcctAuthConnection",
    "InvalidRequestError",
    "JsonParseError",
    "QuotaExceededError",
    "ResourceExistsError",
    "ResourceInUseError",
    "ResourceNotFoundError",
]

LOG = logging.getLogger(__name__)

# A token must outlive the requests that are under way with it.
_REFRESH_EARLY = timedelta(seconds=30)

_utcnow = utcnow
_utc_timestamp = utc_timestamp
_from_utc_timestamp = from_utc_timestamp
_get_gce_metadata = gce_metadata


class GoogleOAuth2Credential:
    """An access token that is always valid when it is asked for. Safe for threads.

    :param user_id: service account, or client id.
    :param key: what :class:`GoogleServiceAcctAuthConnection` takes, or the client secret.
    :param auth_type: of :class:`GoogleAuthType`; ``None`` guesses it from ``user_id``.
    :param credential_file: where tokens are kept; ``None``: a file in the home directory, named
        after ``user_id``.
    :param scopes: URLs of what the token shall allow; ``None``: Compute Engine, Cloud Storage and
        Cloud DNS.
    :raises GoogleAuthError: the type is unknown, or has no tokens.
    """

    default_credential_file = "~/.google_libcloud_auth"

    def __init__(
        self,
        user_id: str,
        key: str | Mapping[str, Any],
        auth_type: str | None = None,
        credential_file: str | None = None,
        scopes: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.auth_type = auth_type or GoogleAuthType.guess_type(user_id)
        if self.auth_type not in GoogleAuthType.ALL_TYPES:
            raise GoogleAuthError(f"Invalid auth type: {self.auth_type}")
        if not GoogleAuthType.is_oauth2(self.auth_type):
            raise GoogleAuthError(f"Auth type {self.auth_type} cannot be used with OAuth2")
        self.user_id = user_id
        self.key = key
        self.credential_file = credential_file or f"{self.default_credential_file}.{user_id}"
        self.scopes = scopes or [
            "https://www.googleapis.com/auth/compute",
            "https://www.googleapis.com/auth/devstorage.full_control",
            "https://www.googleapis.com/auth/ndev.clouddns.readwrite",
        ]
        self._lock = PerProcess(threading.RLock)
        self.token: dict[str, Any] | None = None
        self.oauth2_conn = self._make_connection(**kwargs)
        self._load_token()

    def __getstate__(self) -> dict[str, Any]:
        """Without the token: a copy, or another process, looks for it in its file again."""
        return {**vars(self), "token": None}

    @property
    def access_token(self) -> str:
        """The token; a new one if it has expired or is about to."""
        with self._lock():
            if self.token is None:
                self._load_token()
            if self._is_stale():
                self._refresh_token()
            return str(self._token_info()["access_token"])

    @property
    def token_expire_utc_datetime(self) -> datetime:
        """When the token expires, in UTC without a time zone."""
        return _from_utc_timestamp(self._token_info()["expire_time"])

    def _make_connection(self, **kwargs: Any) -> GoogleBaseAuthConnection:
        kinds: dict[str, Any] = {
            GoogleAuthType.SA: GoogleServiceAcctAuthConnection,
            GoogleAuthType.IA: GoogleInstalledAppAuthConnection,
            GoogleAuthType.GCE: GoogleGCEServiceAcctAuthConnection,
        }
        connection = kinds[self.auth_type](self.user_id, self.key, self.scopes, **kwargs)
        return cast(GoogleBaseAuthConnection, connection)

    def _token_info(self) -> dict[str, Any]:
        return self.token or {}

    def _is_stale(self) -> bool:
        try:
            return self.token_expire_utc_datetime <= _utcnow() + _REFRESH_EARLY
        except (KeyError, ValueError):
            return True

    def _refresh_token(self) -> None:
        self.token = self.oauth2_conn.refresh_token(self._token_info())
        self._write_token_to_file()

    def _load_token(self) -> None:
        self.token = self._get_token_from_file()
        if self.token is None:
            self.token = self.oauth2_conn.get_new_token()
            self._write_token_to_file()

    def _get_token_from_file(self) -> dict[str, Any] | None:
        """The token kept last; ``None`` if there is none that can be read."""
        try:
            with open(os.path.expanduser(self.credential_file), encoding="utf-8") as file:
                token = json.load(file)
        except (OSError, ValueError) as error:
            LOG.info("No token in %s: %s", self.credential_file, type(error).__name__)
            return None
        return token if isinstance(token, dict) and "access_token" in token else None

    def _write_token_to_file(self) -> None:
        """Keep the token, in a file that only its owner can read. A failure is only logged."""
        path = os.path.realpath(os.path.expanduser(self.credential_file))
        try:
            _write_private(path, json.dumps(self.token))
        except OSError as error:
            LOG.warning("The token could not be kept in %s: %s", path, error)


class GoogleBaseConnection(ConnectionUserAndKey, PollingConnection):
    """A connection to a JSON service of Google; each request carries a token."""

    driver = GoogleBaseDriver
    responseCls = GoogleResponse
    host = "www.googleapis.com"
    poll_interval = 2.0
    timeout = 180

    def __init__(
        self,
        user_id: str,
        key: str | None = None,
        auth_type: str | None = None,
        credential_file: str | None = None,
        scopes: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(user_id, key, **kwargs)
        proxy = kwargs.get("proxy_url")
        self.oauth2_credential = GoogleOAuth2Credential(
            user_id,
            key or "",
            auth_type,
            credential_file,
            scopes,
            **({"proxy_url": proxy} if proxy else {}),
        )

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        headers["Content-Type"] = "application/json"
        headers["Host"] = self.host
        return headers

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        headers["Authorization"] = f"Bearer {self.oauth2_credential.access_token}"
        return params, headers

    def encode_data(self, data: Any) -> str:
        return json.dumps(data)

    def morph_action_hook(self, action: str) -> str:
        """A path below ``request_path``; of a whole URL, its path and query."""
        if not action.startswith("https://"):
            return f"{self.request_path}{action}"
        parts = urlsplit(action)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def get_poll_request_kwargs(
        self, response: Any, context: dict[str, Any], request_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        return {"action": response.object["selfLink"]}

    def has_completed(self, response: Any) -> bool:
        return bool(response.object["status"] == "DONE")


def _write_private(path: str, text: str) -> None:
    """Put ``text`` in place of the file at ``path``, at once; readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".token-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
