# SPDX-License-Identifier: Apache-2.0
"""Responses, signers, connections and drivers for services with Amazon's protocols.

Drivers of other projects derive from these classes and override their protected methods.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import datetime, timedelta, timezone
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ClassVar, cast

from libcloud import common
from libcloud.common import signing
from libcloud.common.base import BaseDriver, ConnectionUserAndKey, JsonResponse, XmlResponse
from libcloud.common.credentials import clean_key
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.common.types import MalformedResponseError as MalformedResponseError
from libcloud.utils.headers import authority
from libcloud.utils.xml import findall_ignore_namespace, findtext_ignore_namespace

if TYPE_CHECKING:
    from libcloud.common.signing import sigv4

DEFAULT_SIGNATURE_VERSION = "2"
TOKEN_NAME = "x-amz-security-token"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

PARAMS_NOT_STRING_ERROR_MSG = (
    '"params" dictionary contains an attribute "%s" which value (%s, %s) is not a string. '
    "Parameters are sent in the query, so each value must be a str, an int or a bool. Write lists "
    "and nested values as one parameter for each item, such as params['Tag.1.Value'] = 'x'."
)

_Headers = Mapping[str, Any]
_Pairs = tuple[tuple[str, str], ...]


class AWSBaseResponse(XmlResponse):
    """An XML response whose errors consist of a code and a message."""

    namespace: str | None = None

    def _parse_error_details(self, element: Any) -> tuple[str | None, str | None]:
        code = findtext_ignore_namespace(element, "Code", self.namespace)
        message = findtext_ignore_namespace(element, "Message", self.namespace)
        return code, message


class AWSGenericResponse(AWSBaseResponse):
    """A response with a list of errors at :attr:`xpath`; :attr:`exceptions` maps their codes."""

    xpath: str | None = None
    exceptions: ClassVar[dict[str, type[LibcloudError]]] = {}

    def parse_error(self) -> str:
        """Return the errors of the response as lines of ``Code: message``.

        :raises InvalidCredsError: the status is 403.
        :raises LibcloudError: a subclass that :attr:`exceptions` has for a code of the response.
        :raises MalformedResponseError: the response is not XML.
        """
        if self.status == 403:
            raise InvalidCredsError(self._without_secrets(str(self.body)))
        driver = self.connection.driver
        try:
            body = self.parse_body()
        except Exception as error:
            raise self._malformed("Failed to parse XML") from error
        if not hasattr(body, "findall"):
            return str(body)
        elements, lines = [body], []
        if self.xpath:
            elements = findall_ignore_namespace(body, self.xpath, self.namespace)
        for element in elements:
            code, message = self._parse_error_details(element=element)
            failure = self.exceptions.get(code or "")
            if failure is not None:
                context = getattr(self.connection, "context", None) or {}
                raise failure(value=message, driver=driver, **_accepted(failure, context))
            lines.append(f"{code}: {message}")
        return "\n".join(lines)


def _accepted(failure: type[LibcloudError], context: Mapping[str, Any]) -> dict[str, Any]:
    """The items of ``context`` that the constructor of ``failure`` accepts."""
    parameters = signature(failure).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(context)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in context.items() if name in names}


class AWSJsonResponse(JsonResponse):
    """A JSON response whose errors consist of ``__type`` and ``message``."""

    def parse_error(self) -> str:
        response = self.parse_body() or {}
        return f"{response.get('__type')}: {response.get('message', '')}"


class UnsignedPayloadSentinel:
    """Passed as the data of a request whose body should not be signed."""


class AWSRequestSigner:
    """Adds a signature to the parameters or headers of a request.

    :param version: API version, for requests that contain one.
    """

    def __init__(
        self, access_key: str, access_secret: str, version: str | None, connection: Any
    ) -> None:
        self.access_key = access_key
        self.access_secret = access_secret
        self.version = version
        self.connection = connection
        self._keys = signing.sigv4.SigningKeys()  # of version 4

    def __repr__(self) -> str:
        return f"{type(self).__name__}(access_key={self.access_key!r}, version={self.version!r})"

    def get_request_params(self, params: Any, method: str = "GET", path: str = "/") -> Any:
        return params

    def get_request_headers(
        self, params: Any, headers: Any, method: str = "GET", path: str = "/", data: Any = None
    ) -> tuple[Any, Any]:
        return params, headers

    def _time(self) -> datetime:
        offset = getattr(self.connection, "clock_offset", None)
        return _now() + offset if isinstance(offset, timedelta) else _now()


class AWSRequestSignerAlgorithmV2(AWSRequestSigner):
    """Signature Version 2 of the query APIs: the signature is a parameter."""

    def get_request_params(self, params: Any, method: str = "GET", path: str = "/") -> Any:
        params["SignatureVersion"] = "2"
        params["SignatureMethod"] = "HmacSHA256"
        params["AWSAccessKeyId"] = self.access_key
        params["Version"] = self.version
        params["Timestamp"] = self._time().strftime("%Y-%m-%dT%H:%M:%SZ")
        params["Signature"] = self._get_aws_auth_param(
            params=params, secret_key=self.access_secret, path=path
        )
        return params

    def get_request_headers(
        self, params: Any, headers: Any, method: str = "GET", path: str = "/", data: Any = None
    ) -> tuple[Any, Any]:
        return self.get_request_params(params, method=method, path=path), headers

    def _get_aws_auth_param(
        self, params: Mapping[str, object], secret_key: str, path: str = "/"
    ) -> str:
        """Return the signature: AWS General Reference, "Signature Version 2 signing process"."""
        from base64 import b64encode

        query = signing.sigv4.canonical_query(_pairs(params))
        scheme = "https" if self.connection.secure else "http"
        host = authority(str(self.connection.host), self.connection.port, scheme=scheme)
        text = "\n".join(("GET", host, path, query))
        return b64encode(_sign(secret_key, text)).decode("ascii")


class AWSRequestSignerAlgorithmV4(AWSRequestSigner):
    """Signature Version 4: the signature is a header."""

    def get_request_params(self, params: Any, method: str = "GET", path: str = "/") -> Any:
        if method == "GET":
            params["Version"] = self.version
        return params

    def get_request_headers(
        self, params: Any, headers: Any, method: str = "GET", path: str = "/", data: Any = None
    ) -> tuple[Any, Any]:
        """Sign with the current time. An ``x-amz-content-sha256`` header is the payload hash."""
        when = self._time()
        params = self.get_request_params(params, method=method, path=path)
        own_hash = _pop(headers, "x-amz-content-sha256")
        _pop(headers, "x-amz-date")
        _pop(headers, "authorization")
        headers["X-AMZ-Date"] = when.strftime("%Y%m%dT%H%M%SZ")
        headers["X-AMZ-Content-SHA256"] = own_hash or self._get_payload_hash(method, data)
        headers["Authorization"] = self._get_authorization_v4_header(
            params=params,
            headers=signing.sigv4.headers_to_sign({name: str(headers[name]) for name in headers}),
            dt=when,
            method=method,
            path=path,
            data=data,
        )
        return params, headers

    def _get_authorization_v4_header(
        self,
        params: Any,
        headers: _Headers,
        dt: datetime,
        method: str = "GET",
        path: str = "/",
        data: Any = None,
    ) -> str:
        signature = self._get_signature(params, headers, dt, method, path, data)
        return signing.sigv4.authorization(
            f"{self.access_key}/{self._get_credential_scope(dt)}",
            signed=[self._get_signed_headers(headers)],
            signature=signature,
        )

    def _get_signature(
        self, params: Any, headers: _Headers, dt: datetime, method: str, path: str, data: Any
    ) -> str:
        text = self._get_string_to_sign(params, headers, dt, method, path, data)
        return str(_sign(self._get_key_to_sign_with(dt), text, hex=True))

    def _get_key_to_sign_with(self, dt: datetime) -> bytes:
        scope = self._scope()
        key: Any = f"AWS4{self.access_secret}"
        for part in (f"{dt:%Y%m%d}", scope.region, scope.service, "aws4_request"):
            key = _sign(key, part)
        return cast(bytes, key)

    def _get_string_to_sign(
        self, params: Any, headers: _Headers, dt: datetime, method: str, path: str, data: Any
    ) -> str:
        canonical = self._get_canonical_request(params, headers, method, path, data)
        stamp, dated = signing.sigv4.stamp_of(dt), self._get_credential_scope(dt)
        return signing.sigv4.string_to_sign(canonical, stamp=stamp, dated=dated)

    def _get_credential_scope(self, dt: datetime) -> str:
        return self._scope().on(dt)

    def _get_signed_headers(self, headers: _Headers) -> str:
        return ";".join(sorted(name.lower() for name in headers))

    def _get_canonical_headers(self, headers: _Headers) -> str:
        lines = sorted((name.lower(), str(value).strip()) for name, value in headers.items())
        return "".join(f"{name}:{value}\n" for name, value in lines)

    def _get_payload_hash(self, method: str, data: Any = None) -> str:
        """The hash of the body, or ``UNSIGNED-PAYLOAD`` if it can be read only once."""
        if data is UnsignedPayloadSentinel or isinstance(data, UnsignedPayloadSentinel):
            return UNSIGNED_PAYLOAD
        if method not in ("POST", "PUT"):
            return _hash("")
        if not data or not isinstance(data, (str, bytes, bytearray, memoryview)):
            return UNSIGNED_PAYLOAD
        return _hash(data)

    def _get_request_params(self, params: Any) -> str:
        return signing.sigv4.canonical_query(_pairs(params))

    def _get_canonical_request(
        self, params: Any, headers: _Headers, method: str, path: str, data: Any
    ) -> str:
        bare_path, own = common.request.split_target(path)
        own_hash = {name.lower(): headers[name] for name in headers}.get("x-amz-content-sha256")
        return "\n".join(
            (
                method,
                bare_path,
                self._get_request_params([*own, *_pairs(params)]),
                self._get_canonical_headers(headers),
                self._get_signed_headers(headers),
                own_hash or self._get_payload_hash(method, data),
            )
        )

    def _scope(self) -> sigv4.Scope:
        region = self.connection.driver.region_name
        return signing.sigv4.Scope(str(region or ""), self.connection.service_name)


class AWSTokenConnection(ConnectionUserAndKey):
    """Sends the session token of temporary credentials as a header and as a parameter."""

    def __init__(
        self,
        user_id: str,
        key: str,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        url: str | None = None,
        timeout: float | None = None,
        proxy_url: str | None = None,
        token: str | None = None,
        retry_delay: float | None = None,
        backoff: float | None = None,
    ) -> None:
        self.token = clean_key(token, "session token")
        user_id = clean_key(user_id, "access key")
        # By name: the next class may have another order of these two.
        retries: dict[str, Any] = {"retry_delay": retry_delay, "backoff": backoff}
        super().__init__(user_id, key, secure, host, port, url, timeout, proxy_url, **retries)

    def add_default_params(self, params: Any) -> Any:
        if self.token:
            params = with_param(params, TOKEN_NAME, self.token)
        return super().add_default_params(params)

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        if self.token:
            headers[TOKEN_NAME] = self.token
        return super().add_default_headers(headers)


class SignedAWSConnection(AWSTokenConnection):
    """Signs every attempt of a request, by signature version "2" or "4"."""

    version: str | None = None
    service_name: str = ""
    anonymous = False  # whether requests are sent without a signature

    _SIGNERS: ClassVar[Mapping[str, type[AWSRequestSigner]]] = {
        "2": AWSRequestSignerAlgorithmV2,
        "4": AWSRequestSignerAlgorithmV4,
    }

    def __init__(
        self,
        user_id: str,
        key: str,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        url: str | None = None,
        timeout: float | None = None,
        proxy_url: str | None = None,
        token: str | None = None,
        retry_delay: float | None = None,
        backoff: float | None = None,
        signature_version: str = DEFAULT_SIGNATURE_VERSION,
    ) -> None:
        super().__init__(
            user_id, key, secure, host, port, url, timeout, proxy_url, token, retry_delay, backoff
        )
        self.signature_version = str(signature_version)
        if self.signature_version not in self._SIGNERS:
            raise ValueError(f"Unsupported signature_version: {signature_version}; choose 2 or 4")
        self.signer = self._SIGNERS[self.signature_version](
            access_key=self.user_id, access_secret=self.key, version=self.version, connection=self
        )

    def add_default_params(self, params: Any) -> Any:
        check_params(params)
        return super().add_default_params(params)

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        if self.anonymous:
            return params, headers
        return self._current_signer().get_request_headers(
            params=params, headers=headers, method=self.method, path=self.action, data=self.data
        )

    def _current_signer(self) -> AWSRequestSigner:
        return self.signer


class AWSDriver(BaseDriver):
    """A driver with temporary credentials; without a ``token``, they are long-term ones."""

    def __init__(
        self,
        key: str | None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        token: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.token = token
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        return {**super()._ex_connection_class_kwargs(), "token": self.token}


def with_param(params: Any, name: str, value: str | None) -> Any:
    """Set one parameter in ``params``, a mapping (changed in place) or pairs; return them."""
    if hasattr(params, "items"):
        params[name] = value
        return params
    return [*(pair for pair in params if pair[0] != name), (name, value)]


def check_params(params: Any) -> None:
    """:raises ValueError: a value is not a str, int or bool. Nothing was sent."""
    for name, value in params.items() if hasattr(params, "items") else params:
        if not isinstance(value, (str, int)):
            raise ValueError(PARAMS_NOT_STRING_ERROR_MSG % (name, value, type(value)))


def _sign(key: bytes | str, msg: str, hex: bool = False) -> Any:
    """The HMAC-SHA256 of ``msg``: 32 bytes, or 64 hexadecimal digits."""
    import hmac

    secret = key.encode("utf-8") if isinstance(key, str) else key
    digest = hmac.new(secret, msg.encode("utf-8"), "sha256")
    return digest.hexdigest() if hex else digest.digest()


def _hash(msg: str | bytes | bytearray | memoryview) -> str:
    import hashlib

    return hashlib.sha256(msg.encode("utf-8") if isinstance(msg, str) else msg).hexdigest()


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _pairs(params: Any) -> _Pairs:
    items = params.items() if hasattr(params, "items") else params
    return tuple((str(name), "" if value is None else str(value)) for name, value in items)


def _pop(headers: MutableMapping[str, Any], wanted: str) -> str | None:
    taken = None
    for name in [name for name in headers if name.lower() == wanted]:
        taken = str(headers.pop(name))
    return taken
