# SPDX-License-Identifier: Apache-2.0
"""Private keys of service accounts, and tokens signed with them. Requires ``cryptography``."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from libcloud.common.google_errors import GoogleAuthError


def private_key_text(key: str | Mapping[str, Any]) -> str:
    """Return the PEM text of a key: PEM or a JSON key, as text, parsed, or the path of a file.

    :raises GoogleAuthError: the JSON key contains no private key.
    """
    if isinstance(key, str) and "PRIVATE KEY" not in key and not key.lstrip().startswith("{"):
        path = os.path.expanduser(key)
        with suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
            key = file.read()
    if isinstance(key, str) and not key.lstrip().startswith("{"):
        return key
    try:
        parsed = json.loads(key) if isinstance(key, str) else key
        return str(parsed["private_key"])
    except (ValueError, KeyError, TypeError):
        raise GoogleAuthError("Missing or malformed private_key in the JSON key") from None


def load_private_key(text: str) -> Any:
    """Load a private key in PEM format.

    :raises GoogleAuthError: ``text`` contains none, or the package ``cryptography`` is missing.
    """
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise GoogleAuthError(
            "Service accounts need the package cryptography: pip install cryptography"
        ) from None
    try:
        return load_pem_private_key(text.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnicodeError) as error:
        raise GoogleAuthError(
            "Unable to decode provided PEM key: pass PEM text, or the path of an existing PEM or "
            f"JSON key file. ({type(error).__name__})"
        ) from None


def signed_token(private_key: Any, claims: Mapping[str, Any]) -> str:
    """Return a JSON Web Token of ``claims``, signed with RS256: RFC 7515 and RFC 7519."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    text = b".".join(_base64url(json.dumps(part).encode("utf-8")) for part in parts)
    signature = private_key.sign(text, PKCS1v15(), SHA256())
    return (text + b"." + _base64url(signature)).decode("ascii")


def _base64url(data: bytes) -> bytes:
    """Encode without padding: RFC 7515, section 2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")
