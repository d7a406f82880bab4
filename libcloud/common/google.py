# SPDX-License-Identifier: Apache-2.0
"""OAuth 2.0 access tokens for Google's services, and connections that use them.

A token is obtained with a service account's private key, from the metadata server of a Compute
Engine instance, or from a user who consents in a browser. It is cached in a file.

References: Google Identity, "Using OAuth 2.0 for Server to Server Applications" and "OAuth 2.0 for
iOS & Desktop Apps".
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from libcloud.common.base import BaseDriver, ConnectionUserAndKey, PollingConnection
from libcloud.common.base import JsonResponse as JsonResponse
from libcloud.common.credentials import masked
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
from libcloud.common.google_identity import (
    CodeServer,
    load_private_key,
    private_key_text,
    signed_token,
)
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.common.types import ProviderError as ProviderError
from libcloud.utils.connection import get_response_object
from libcloud.utils.documents import parse_json
from libcloud.utils.environment import can_ask_user
from libcloud.utils.local import PerProcess
from libcloud.utils.staging import write_private

__all__ = [
    "UTC_TIMESTAMP_FORMAT", "GoogleAuthError", "GoogleAuthType", "GoogleBaseAuthConnection",
    "GoogleBaseConnection", "GoogleBaseDriver", "GoogleBaseError",
    "GoogleGCEServiceAcctAuthConnection", "GoogleInstalledAppAuthConnection",
    "GoogleOAuth2Credential", "GoogleResponse", "GoogleServiceAcctAuthConnection",
    "InvalidRequestError", "JsonParseError", "QuotaExceededError", "ResourceExistsError",
    "ResourceInUseError", "ResourceNotFoundError",
]  # fmt: skip

LOG = logging.getLogger(__name__)

UTC_TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_TOKEN_PATH = "/o/oauth2/token"

# "exp ... maximum of 1 hour after the issued time": Server to Server Applications.
_ASSERTION_SECONDS = 3600

_METADATA_URL = "http://metadata.google.internal/computeMetadata/v1/"

# Refresh early, so that a token does not expire during a request.
_REFRESH_EARLY = timedelta(seconds=30)


def _utcnow() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def _utc_timestamp(datetime_obj: datetime) -> str:
    return datetime_obj.strftime(UTC_TIMESTAMP_FORMAT)


def _from_utc_timestamp(timestamp: str) -> datetime:
    return datetime.strptime(timestamp, UTC_TIMESTAMP_FORMAT)


def _get_gce_metadata(
    path: str = "", retry_failed: bool | None = None
) -> tuple[int | None, str, str | None]:
    """Return status, reason and body from the metadata server; status ``None``: no response."""
    try:
        response = get_response_object(
            _METADATA_URL + path.lstrip("/"),
            headers={"Metadata-Flavor": "Google"},
            retry_failed=retry_failed,
        )
    except Exception as error:  # any error means that there is no metadata server
        return None, str(error), None
    return int(response.status), "", response.body


class GoogleAuthType:
    """How a user authenticates with Google."""

    SA = "SA"  # service account: a private key
    IA = "IA"  # installed application: a user consents in a browser
    GCE = "GCE"  # the service account of the Compute Engine instance this runs on
    GCS_S3 = "GCS_S3"  # interoperable access to Cloud Storage: an access key and a secret

    ALL_TYPES = (SA, IA, GCE, GCS_S3)
    OAUTH2_TYPES = (SA, IA, GCE)

    @classmethod
    def guess_type(cls, user_id: str | None) -> str:
        """Derive the type from the form of ``user_id``. May query the metadata server."""
        user_id = user_id or ""
        if cls._is_sa(user_id):
            return cls.SA
        if cls._is_gcs_s3(user_id):
            return cls.GCS_S3
        if cls._is_installed_application(user_id):
            return cls.IA
        return cls.GCE if cls._is_gce() else cls.IA

    @classmethod
    def is_oauth2(cls, auth_type: str) -> bool:
        return auth_type in cls.OAUTH2_TYPES

    @staticmethod
    def _is_installed_application(user_id: str) -> bool:
        return user_id.endswith("apps.googleusercontent.com")

    @staticmethod
    def _is_sa(user_id: str) -> bool:
        return user_id.endswith(".gserviceaccount.com")

    @staticmethod
    def _is_gcs_s3(user_id: str) -> bool:
        return user_id.startswith("GOOG")

    @staticmethod
    def _is_gce() -> bool:
        status, _, _ = _get_gce_metadata(retry_failed=False)
        return status == 200


class GoogleBaseDriver(BaseDriver):
    """The driver of the connections below, for errors and the user agent."""

    name = "Google API"


class GoogleBaseAuthConnection(ConnectionUserAndKey):
    """Requests tokens from Google.

    :param scopes: scopes of the token, as URLs.
    :param login_hint: account that the consent page suggests.
    """

    driver = GoogleBaseDriver
    responseCls = GoogleResponse
    name = "Google Auth"
    # The request body contains a secret.
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
        raise NotImplementedError("get_new_token not implemented")

    def refresh_token(self, token_info: dict[str, Any]) -> dict[str, Any]:
        return self.get_new_token()

    def _token_request(self, request_body: dict[str, Any]) -> dict[str, Any]:
        response = self.request(_TOKEN_PATH, method="POST", data=urlencode(request_body))
        return _with_expiry(response.object)


class GoogleInstalledAppAuthConnection(GoogleBaseAuthConnection):
    """Tokens of a user who consents in a browser on this machine."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state = secrets.token_urlsafe(16)

    def get_code(self) -> str:
        """Print the URL of the consent page and wait for its authorization code."""
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
            "Open this page in a browser on this machine and give your consent:\n"
            f"https://{self.host}{self.auth_path}?{urlencode(query)}"
        )
        return self._receive_code_through_local_loopback()

    def get_new_token(self) -> dict[str, Any]:
        """Exchange the authorization code of the user, who is asked on a terminal, for a token."""
        asks = getattr(self.get_code, "__func__", None) is _ASK_FOR_CODE
        if asks and not can_ask_user():
            raise GoogleAuthError(
                f"The key {masked(self.user_id)} requires a login in a browser, and there is no "
                "terminal to ask for it. Use an HMAC key (GOOG...) or a service account"
            )
        code, uri = self.get_code(), self._redirect_uri_with_port
        return self._granted("authorization_code", code=code, redirect_uri=uri)

    def refresh_token(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Without asking the user if ``token_info`` has a refresh token."""
        if "refresh_token" not in token_info:
            return self.get_new_token()
        kept = {"refresh_token": token_info["refresh_token"]}
        return {**kept, **self._granted("refresh_token", **kept)}

    def _granted(self, grant_type: str, **fields: str) -> dict[str, Any]:
        own = {"client_id": self.user_id, "client_secret": self.key, "grant_type": grant_type}
        return self._token_request({**fields, **own})

    @property
    def _redirect_uri_with_port(self) -> str:
        return f"{self.redirect_uri}:{self.redirect_uri_port}"

    def _receive_code_through_local_loopback(self) -> str:
        try:
            with CodeServer(self.redirect_uri_port, self._state) as server:
                return server.wait()
        except PermissionError as error:
            raise GoogleAuthError(str(error)) from error


# A subclass or a test may replace this method by one that does not ask the user.
_ASK_FOR_CODE = GoogleInstalledAppAuthConnection.get_code


class GoogleServiceAcctAuthConnection(GoogleBaseAuthConnection):
    """Tokens of a service account; for ``key`` see :func:`.google_identity.private_key_text`."""

    def __init__(
        self, user_id: str, key: str | Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        text = private_key_text(key)
        self._private_key = load_private_key(text)
        super().__init__(user_id, text, *args, **kwargs)

    def get_new_token(self) -> dict[str, Any]:
        issued = int(_utcnow().replace(tzinfo=timezone.utc).timestamp())
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
        """Request a token from the metadata server. :raises ValueError: it returns none."""
        status, reason, body = _get_gce_metadata("/instance/service-accounts/default/token")
        if status == 404:
            raise ValueError("Service Accounts are not enabled for this GCE instance.")
        if status != 200 or body is None:
            raise ValueError(f"Internal GCE Authorization failed: '{reason or status}'")
        return _with_expiry(parse_json(body))


class GoogleOAuth2Credential:
    """Provides a valid access token, refreshed when necessary. Safe for threads.

    :param user_id: service account, or client id.
    :param key: private key, see :class:`GoogleServiceAcctAuthConnection`, or client secret.
    :param auth_type: see :class:`GoogleAuthType`; ``None``: derived from ``user_id``.
    :param credential_file: cache of the token; ``None``: a file in the home directory, named
        after ``user_id``.
    :param scopes: scopes of the token, as URLs; ``None``: Compute Engine, Cloud Storage and
        Cloud DNS.
    :raises GoogleAuthError: the type is unknown, or does not use tokens.
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
        """Without the token: a copy or another process reads it from the file."""
        return {**vars(self), "token": None}

    @property
    def access_token(self) -> str:
        """The token, refreshed if it has expired or is about to expire."""
        with self._lock():
            if self.token is None:
                self._load_token()
            if self._is_stale():
                self._refresh_token()
            return str(self._token_info()["access_token"])

    def renew(self, refused: str) -> None:
        """Get another token than ``refused``, unless another thread has done so."""
        with self._lock():
            if self._token_info().get("access_token") == refused:
                self._refresh_token()

    @property
    def token_expire_utc_datetime(self) -> datetime:
        """In UTC, naive."""
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
        try:
            with open(os.path.expanduser(self.credential_file), encoding="utf-8") as file:
                token = json.load(file)
        except (OSError, ValueError) as error:
            LOG.info("No token read from %s: %s", self.credential_file, type(error).__name__)
            return None
        return token if isinstance(token, dict) and "access_token" in token else None

    def _write_token_to_file(self) -> None:
        """Cache the token in a file that only its owner can read. A failure is only logged."""
        path = os.path.realpath(os.path.expanduser(self.credential_file))
        try:
            write_private(path, json.dumps(self.token))
        except OSError as error:
            LOG.warning("The token could not be written to %s: %s", path, error)


class GoogleBaseConnection(ConnectionUserAndKey, PollingConnection):
    """A connection to a JSON service of Google; each request contains a token."""

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
            user_id, key or "", auth_type, credential_file, scopes, proxy_url=proxy
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
        """Return a path below ``request_path``, or path and query of an absolute URL."""
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


def _with_expiry(token: Any) -> dict[str, Any]:
    if not isinstance(token, dict) or "access_token" not in token:
        raise GoogleAuthError(
            "The response of Google contains no token. Check the credentials and the system clock."
        )
    if "expires_in" in token:
        expires = _utcnow() + timedelta(seconds=int(token["expires_in"]))
        token["expire_time"] = _utc_timestamp(expires)
    return token
