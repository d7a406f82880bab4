# SPDX-License-Identifier: Apache-2.0
"""Authentication for Google's tokens: by a private key, or by a user's consent in a browser.

Private keys require ``cryptography``. The authorization code of the consent page arrives on a
loopback port: RFC 8252, "OAuth 2.0 for Native Apps", section 7.3.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from libcloud.common.google_errors import GoogleAuthError

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Authorization</title></head><body><p>%s</p></body></html>"
)


class CodeServer(HTTPServer):
    """Listens on 127.0.0.1 for the redirect of the consent page, which must contain ``state``.

    Requests with neither a code nor an error, such as for an icon, are ignored.
    """

    def __init__(self, port: int, state: str) -> None:
        self.state = state
        self.query: dict[str, str] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def wait(self) -> str:
        """Wait for the code. :raises PermissionError: it was refused, or the state is wrong."""
        while not self.query:
            self.handle_request()
        refusal = _refusal(self.query, self.state)
        if refusal:
            raise PermissionError(refusal)
        return self.query["code"]


class _Handler(BaseHTTPRequestHandler):
    server: CodeServer

    # Browsers open connections in advance and send nothing; these must not block others.
    timeout = 5

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        refusal = "Not found."
        if "code" in query or "error" in query:
            self.server.query = query
            refusal = _refusal(query, self.server.state)
        self.send_response(400 if refusal else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(_PAGE % (refusal or "You may close this window.").encode("utf-8"))

    def log_message(self, format: str, *args: object) -> None:
        """The request line contains the code."""


def _refusal(query: dict[str, str], state: str) -> str:
    """Why the redirect is rejected; empty if it is valid. Quotes nothing of it."""
    if not hmac.compare_digest(query.get("state", "").encode("utf-8"), state.encode("utf-8")):
        return "The state in the response is not the one that was sent: authorization is aborted."
    if "code" not in query:
        return "Authorization was refused."
    return ""


def private_key_text(key: str | Mapping[str, Any]) -> str:
    """The PEM text of a key: PEM or a JSON key, as text, parsed, or the path of a file."""
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
    """Load a private key in PEM format. :raises GoogleAuthError: that failed."""
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
    """A JSON Web Token of ``claims``, signed with RS256: RFC 7515 and RFC 7519."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    text = b".".join(_base64url(json.dumps(part).encode("utf-8")) for part in parts)
    signature = private_key.sign(text, PKCS1v15(), SHA256())
    return (text + b"." + _base64url(signature)).decode("ascii")


def _base64url(data: bytes) -> bytes:
    """Without padding: RFC 7515, section 2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")
