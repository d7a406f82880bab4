# SPDX-License-Identifier: Apache-2.0
"""Connections that ask Google for access tokens, one for each place that they come from.

The classes are public as ``libcloud.common.google``.

References: Google Identity, "Using OAuth 2.0 for Server to Server Applications" and "OAuth 2.0 for
iOS & Desktop Apps".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from libcloud.common.base import BaseDriver, ConnectionUserAndKey
from libcloud.common.credential_sources import masked
from libcloud.common.google_errors import GoogleAuthError, GoogleResponse
from libcloud.common.google_keys import load_private_key, private_key_text, signed_token
from libcloud.common.google_loopback import CodeServer
from libcloud.utils.documents import parse_json
from libcloud.utils.terminal import can_ask_user

__all__ = [
    "UTC_TIMESTAMP_FORMAT",
    "GoogleBaseAuthConnection",
    "GoogleBaseDriver",
    "GoogleGCEServiceAcctAuthConnection",
    "GoogleInstalledAppAuthConnection",
    "GoogleServiceAcctAuthConnection",
    "from_utc_timestamp",
    "utc_timestamp",
    "utcnow",
]

UTC_TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_TOKEN_PATH = "/o/oauth2/token"

# "exp ... maximum of 1 hour after the issued time": Server to Server Applications.
_ASSERTION_SECONDS = 3600


def utcnow() -> datetime:
    """The time in UTC, without a time zone, as the tokens' times are compared."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def _now() -> datetime:
    """The time by the clock of :mod:`libcloud.common.google`, which tests replace."""
    import libcloud.common.google

    return libcloud.common.google._utcnow()


def _metadata(path: str) -> tuple[int | None, str, str | None]:
    """An answer of the metadata server, by the function that tests replace."""
    import libcloud.common.google

    return libcloud.common.google._get_gce_metadata(path)


def utc_timestamp(datetime_obj: datetime) -> str:
    """A time in UTC as it stands in a token."""
    return datetime_obj.strftime(UTC_TIMESTAMP_FORMAT)


def from_utc_timestamp(timestamp: str) -> datetime:
    """The inverse of :func:`utc_timestamp`, without a time zone."""
    return datetime.strptime(timestamp, UTC_TIMESTAMP_FORMAT)


class GoogleBaseDriver(BaseDriver):
    """What the connections below belong to; for errors and the user agent."""

    name = "Google API"


class GoogleBaseAuthConnection(ConnectionUserAndKey):
    """Asks Google for tokens.

    :param scopes: URLs of what the token shall allow.
    :param redirect_uri: where the consent page leads back to.
    :param login_hint: account that the consent page suggests.
    """

    driver = GoogleBaseDriver
    responseCls = GoogleResponse
    name = "Google Auth"
    # The form that is posted holds a secret.
    follow_redirects = False
    host = "accounts.google.com"
    auth_path = "/o/oauth2/auth"
    redirect_uri_port = 8087

    def __init__(
        self,
        user_id: str,
        key: str | None = None,
        scopes: list[str] | None = None,
        redirect_uri: str = "http://127.0.0.1",
        login_hint: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.scopes = " ".join(scopes or [])
        self.redirect_uri = redirect_uri
        self.login_hint = login_hint
        super().__init__(user_id, key, **kwargs)

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Host"] = self.host
        return headers

    def get_new_token(self) -> dict[str, Any]:
        """A token, and when it expires."""
        raise NotImplementedError("A subclass knows where tokens come from")

    def refresh_token(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """A token in place of ``token_info``."""
        return self.get_new_token()

    def _token_request(self, request_body: dict[str, Any]) -> dict[str, Any]:
        """Post to the token endpoint.

        :raises GoogleBaseError: Google refused.
        :raises GoogleAuthError: the answer holds no token.
        """
        response = self.request(_TOKEN_PATH, method="POST", data=urlencode(request_body))
        return _with_expiry(response.object)


class GoogleInstalledAppAuthConnection(GoogleBaseAuthConnection):
    """Tokens of a user who agrees in a browser on this machine."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state = secrets.token_urlsafe(16)

    def get_code(self) -> str:
        """Ask the user, on standard output, to open the consent page; wait for its code."""
        query = {
            "response_type": "code",
            "client_id": self.user_id,
            "redirect_uri": self._redirect_uri_with_port,
            "scope": self.scopes,
            "state": self._state,
        }
        if self.login_hint:
            query["login_hint"] = self.login_hint
        print(
            "Open this page in a browser on this machine and agree:\n"
            f"https://{self.host}{self.auth_path}?{urlencode(query)}"
        )
        return self._receive_code_through_local_loopback()

    def get_new_token(self) -> dict[str, Any]:
        """A token for the code that the user brings.

        :raises GoogleAuthError: there is no terminal, so that nobody would see the request for it.
        """
        asks = getattr(self.get_code, "__func__", None) is _ASK_FOR_CODE
        if asks and not can_ask_user():
            raise GoogleAuthError(
                f"The key {masked(self.user_id)} asks for a log-in in a browser, and there is no "
                "terminal to ask for it. Use an HMAC key (GOOG...) or a service account"
            )
        return self._token_request(
            {
                "code": self.get_code(),
                "client_id": self.user_id,
                "client_secret": self.key,
                "redirect_uri": self._redirect_uri_with_port,
                "grant_type": "authorization_code",
            }
        )

    def refresh_token(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """A token without asking the user again, if ``token_info`` allows it."""
        if "refresh_token" not in token_info:
            return self.get_new_token()
        token = self._token_request(
            {
                "refresh_token": token_info["refresh_token"],
                "client_id": self.user_id,
                "client_secret": self.key,
                "grant_type": "refresh_token",
            }
        )
        return {"refresh_token": token_info["refresh_token"], **token}

    @property
    def _redirect_uri_with_port(self) -> str:
        return f"{self.redirect_uri}:{self.redirect_uri_port}"

    def _receive_code_through_local_loopback(self) -> str:
        try:
            with CodeServer(self.redirect_uri_port, self._state) as server:
                return server.wait()
        except PermissionError as error:
            raise GoogleAuthError(str(error)) from error


# A subclass, or a test, may have a way to the code that waits for nobody.
_ASK_FOR_CODE = GoogleInstalledAppAuthConnection.get_code


class GoogleServiceAcctAuthConnection(GoogleBaseAuthConnection):
    """Tokens of a service account.

    :param key: its private key: what :func:`libcloud.common.google_keys.private_key_text` takes.
    :raises GoogleAuthError: the key cannot be read, or the package ``cryptography`` is missing.
    """

    def __init__(
        self, user_id: str, key: str | Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        text = private_key_text(key)
        self._private_key = load_private_key(text)
        super().__init__(user_id, text, *args, **kwargs)

    def get_new_token(self) -> dict[str, Any]:
        issued = int(_now().replace(tzinfo=timezone.utc).timestamp())
        claims = {
            "iss": self.user_id,
            "scope": self.scopes,
            "aud": f"https://{self.host}{_TOKEN_PATH}",
            "exp": issued + _ASSERTION_SECONDS,
            "iat": issued,
        }
        return self._token_request(
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": signed_token(self._private_key, claims),
            }
        )


class GoogleGCEServiceAcctAuthConnection(GoogleBaseAuthConnection):
    """Tokens of the service account of the Compute Engine instance this runs on."""

    def get_new_token(self) -> dict[str, Any]:
        """Ask the metadata server.

        :raises ValueError: it gives no token.
        """
        status, reason, body = _metadata("/instance/service-accounts/default/token")
        if status == 404:
            raise ValueError("Service Accounts are not enabled for this GCE instance.")
        if status != 200 or body is None:
            raise ValueError(f"Internal GCE Authorization failed: '{reason or status}'")
        return _with_expiry(parse_json(body))


def _with_expiry(token: Any) -> dict[str, Any]:
    """``token`` with the time at which it expires."""
    if not isinstance(token, dict) or "access_token" not in token:
        raise GoogleAuthError(
            "Google answered without a token. Check the credentials and the clock of this machine."
        )
    if "expires_in" in token:
        expires = _now() + timedelta(seconds=int(token["expires_in"]))
        token["expire_time"] = utc_timestamp(expires)
    return token
