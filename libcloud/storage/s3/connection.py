# SPDX-License-Identifier: Apache-2.0
"""Connections to S3: addressing and signatures.

There is one class for each signature version. The classes are public in
``libcloud.storage.drivers.s3``, and drivers and users derive from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from itertools import compress
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from libcloud import common
from libcloud.common import signing
from libcloud.common.aws import (
    AWSRequestSigner,
    AWSRequestSignerAlgorithmV4,
    AWSTokenConnection,
    SignedAWSConnection,
    check_params,
    with_param,
)
from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.credentials import check_credentials, clean_key, clean_secret
from libcloud.storage.s3.http_response import S3RawResponse, S3Response
from libcloud.utils.bodies import Pieces, hashed
from libcloud.utils.headers import authority
from libcloud.utils.local import PerProcess, PerThread, values_of

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.common.credentials.provider import CredentialProvider
    from libcloud.storage.s3.endpoint import Address, Addressing

API_VERSION = "2006-03-01"

# Part of the public API: validity of a URL signed with Signature Version 2, in seconds.
EXPIRATION_SECONDS = 15 * 60

_DATES = frozenset({"date", "x-amz-date"})
_PAYLOAD = "x-amz-content-sha256"
_SET_BY_SIGNER = frozenset({_PAYLOAD, "x-amz-date", "authorization"})


class _CredentialField:
    """An attribute: the assigned value, or that of the current credentials of the provider."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return None
        credentials = instance.current_credentials()  # a subclass may have another source
        if credentials is None:
            return instance.__dict__.get(self._name)
        return getattr(credentials, self._field)

    def __set__(self, instance: Any, value: Any) -> None:
        if self._field == "secret":
            value = clean_secret(value)
        else:
            value = clean_key(value, "access key" if self._field == "key" else "session token")
        vars(instance)[self._name] = value


class _Current(NamedTuple):
    """The state of a thread's current attempt; ``None``: the settings of the connection."""

    address: Address | None = None
    credentials: Credentials | None = None


_NOTHING = _Current()


class BaseS3Connection(ConnectionUserAndKey):
    """A connection that signs with Signature Version 2, in the ``Authorization`` header.

    A signature in the query would remain usable in the access logs of servers and proxies, and
    MinIO rejects multipart uploads that are signed like that. It is used only if a subclass adds an
    ``Expires`` parameter.

    Paths are sent as the driver builds them: object names may contain ``//`` and dot segments.
    Redirects are not followed, because they lead to a host that the request is not signed for and
    that must not receive the credentials.
    """

    host = "s3.amazonaws.com"
    responseCls = S3Response
    rawResponseCls = S3RawResponse
    follow_redirects = False
    bare_keys = True

    user_id: Any = _CredentialField("key")
    key: Any = _CredentialField("secret")
    token: Any = _CredentialField("token")

    credential_provider: CredentialProvider | None = None
    """The source of credentials; ``None``: the arguments."""

    anonymous = False
    """Whether requests are sent without a signature."""

    clock_offset = timedelta(0)
    """The time by which the store's clock is ahead of this machine's."""

    addressing: Addressing | None = None
    """Resolves requests to hosts; ``None``: all go to :attr:`host`."""

    _current: Any = PerThread(_NOTHING)

    def server_time(self) -> datetime:
        """Return the current time by the clock of the store, as far as it is known."""
        return datetime.now(timezone.utc) + self.clock_offset

    def renew_token(self) -> bool:
        """Hook: replace the token that the last request of this thread was refused with.

        :return: whether there may be another one.
        """
        return False

    def current_credentials(self) -> Credentials | None:
        """Return the credentials of the provider, if any; the same throughout an attempt."""
        provider = self.credential_provider
        if provider is None:
            return None
        return self._current.credentials or provider.current()

    def address_of(self, action: str) -> Address | None:
        """Return the address of a request; within an attempt, that of the attempt.

        ``None``: the request goes to :attr:`host` unchanged.
        """
        addressing = self.addressing
        if addressing is None or addressing.is_plain:
            return None
        return self._address() or addressing.resolve(action)

    def _address(self) -> Address | None:
        """Return the address of the current attempt of this thread."""
        if self.addressing is None or self.addressing.is_plain:
            return None
        return self._current.address  # type: ignore[no-any-return]

    def signing_region(self) -> str:
        """Return the region that the request of this thread is signed for."""
        address = self._address()
        if address is not None and address.region is not None:
            return address.region
        return str(getattr(self.driver, "region_name", None) or "")

    def morph_action_hook(self, action: str) -> str:
        """Prepend the path of the endpoint to ``action``, without normalising either.

        A bucket that is part of the host name is removed from the path.
        """
        address = self.address_of(action)
        action = action if address is None else address.action
        is_whole = action[:1] == "/" and not self.request_path
        return action if is_whole else self._with_prefix(action)

    def _with_prefix(self, action: str) -> str:
        action = action if action[:1] == "/" else f"/{action}"
        return f"{self.request_path.rstrip('/')}{action}" if self.request_path else action

    def _begin_attempt(self, action: str) -> None:
        addressing, provider = self.addressing, self.credential_provider
        address = None
        if addressing is not None and not addressing.is_plain:
            address = addressing.resolve(action)
        if address is not None or provider is not None:
            self._current = _Current(address, provider.current() if provider is not None else None)

    def _end_attempt(self) -> None:
        values = values_of(self)
        values["_last"] = values.pop("_current", _NOTHING)

    def last_attempt(self) -> _Current:
        """Return what the last attempt of this thread has used."""
        found: _Current = values_of(self).get("_last", _NOTHING)
        return found

    def _host_header(self) -> str:
        address = self._address()
        if address is None or address.host == self.host:
            return super()._host_header()
        return authority(address.host, int(self.port), scheme=self._scheme)

    def _request_url(self, target: str) -> str:
        address = self._address()
        if address is None or address.host == self.host:
            return target
        return f"{self._scheme}://{self._host_header()}{target}"

    @staticmethod
    def get_auth_signature(
        method: str,
        headers: Mapping[str, Any],
        params: Any,
        expires: Any,
        secret_key: str,
        path: str,
        vendor_prefix: str,
    ) -> str:
        """Return the signature in base64.

        :param params: the query, a mapping or pairs. Its sub-resources are signed, and so are those
            in the query of ``path``.
        :param expires: the ``Expires`` parameter, seconds since 1970; ``None``: the ``Date`` header
            is signed.
        :param vendor_prefix: prefix of the headers that are signed: ``x-amz`` or ``x-goog``.
        """
        text = signing.sigv2.string_to_sign(
            method=method,
            target=path,
            headers={name: str(value) for name, value in headers.items()},
            params=_pairs(params),
            expires=None if expires is None else str(expires),
            vendor_prefix=vendor_prefix,
        )
        return signing.sigv2.sign(secret_key, text)

    def add_default_params(self, params: Any) -> Any:
        """Send sub-resources without a value as bare keys.

        Servers differ in whether ``uploads=`` is signed like that or as ``uploads``.
        """
        for name, value in _pairs(params):
            if value == "" and name in signing.sigv2.SUB_RESOURCES:
                params = with_param(params, name, None)
        return params

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Sign with the time of this attempt."""
        if self.anonymous:
            return params, headers
        check_credentials(self.user_id, self.key)
        expires = dict(_pairs(params)).get("Expires")
        if expires is None and not _DATES.intersection(name.lower() for name in headers):
            from email.utils import formatdate

            headers["Date"] = formatdate(self.server_time().timestamp(), usegmt=True)
        signature = self.get_auth_signature(
            method=self.method,
            headers=headers,
            params=params,
            expires=expires,
            secret_key=self.key,
            path=self._resource(),
            vendor_prefix=getattr(self.driver, "http_vendor_prefix", "x-amz"),
        )
        if expires is not None:
            return with_param(params, "Signature", signature), headers
        headers["Authorization"] = f"AWS {self.user_id}:{signature}"
        return params, headers

    def _resource(self) -> str:
        """Return the path to sign, which includes the bucket even if that is part of the host.

        Reference: Amazon S3 User Guide, "Signing and authenticating REST requests (AWS signature
        version 2)", CanonicalizedResource.
        """
        address = self._address()
        if address is None or not address.in_host:
            return str(self.action)
        return self._with_prefix(address.resource)


class S3Connection(AWSTokenConnection, BaseS3Connection):
    """Signature Version 2 with temporary credentials, whose token is a signed header."""

    add_default_params = BaseS3Connection.add_default_params


class S3RequestSigner(AWSRequestSignerAlgorithmV4):
    """Signature Version 4 of S3: no ``Version`` parameter, and a hash of every body if possible."""

    def get_request_params(self, params: Any, method: str = "GET", path: str = "/") -> Any:
        return params

    def get_request_headers(
        self, params: Any, headers: Any, method: str = "GET", path: str = "/", data: Any = None
    ) -> tuple[Any, Any]:
        """Sign with the current time; see the base class. In one pass, because this is costly."""
        stamp = signing.sigv4.stamp_of(self._time())
        own_hash = None
        are_set = map(_SET_BY_SIGNER.__contains__, (name.lower() for name in headers))
        for name in (*compress(headers, are_set),):
            value = headers.pop(name)
            own_hash = value if name.lower() == _PAYLOAD else own_hash
        payload_hash = str(own_hash or self._get_payload_hash(method, data))
        headers["X-AMZ-Date"] = stamp
        headers["X-AMZ-Content-SHA256"] = payload_hash
        bare_path, _, query = path.partition("?")
        pairs = (*common.request.parse_query(query), *_pairs(params)) if query or params else ()
        headers["Authorization"] = signing.sigv4.sign(
            method,
            bare_path,
            pairs,
            headers=signing.sigv4.headers_to_sign(headers),
            payload_hash=payload_hash,
            key_id=self.access_key,
            secret=self.access_secret,
            scope=self._scope(),
            stamp=stamp,
            keys=self._keys,
        )
        return params, headers

    def _get_payload_hash(self, method: str, data: Any = None) -> str:
        if data is None:
            return signing.sigv4.EMPTY_PAYLOAD_HASH
        if isinstance(data, (str, bytes, bytearray, memoryview)):
            return signing.sigv4.payload_hash_of(data)
        if isinstance(data, Pieces):
            import hashlib

            return str(hashed(hashlib.sha256(), data).hexdigest())
        return signing.sigv4.UNSIGNED_PAYLOAD

    def _scope(self) -> signing.sigv4.Scope:
        connection = self.connection
        return signing.sigv4.scope_of(connection.signing_region(), connection.service_name)


class S3SignatureV4Connection(SignedAWSConnection, BaseS3Connection):
    """A connection that signs with Signature Version 4, in the ``Authorization`` header."""

    service_name = "s3"
    version = API_VERSION

    _SIGNERS: ClassVar[Mapping[str, type[AWSRequestSigner]]] = {"4": S3RequestSigner}

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
        where = (secure, host, port, url, timeout, proxy_url)
        super().__init__(user_id, key, *where, token, retry_delay, backoff, "4")

    def add_default_params(self, params: Any) -> Any:
        """Add none: the token is sent in a header only."""
        if params:
            check_params(params)
        return params

    def _current_signer(self) -> AWSRequestSigner:
        """Return the signer, or with a credential provider one for its current credentials."""
        credentials = self.current_credentials()
        if credentials is None:
            return self.signer
        # A value of this process, so that no pickle contains credentials of a provider.
        if "_signers" not in self.__dict__:
            self._signers: PerProcess[dict[str, Any]] = PerProcess(dict)
        known = self._signers()
        current: tuple[Credentials, AWSRequestSigner] | None = known.get("current")
        if current is None or current[0] is not credentials:
            pair = (credentials.key, credentials.secret)
            signer = type(self.signer)(*pair, version=self.version, connection=self)
            known["current"] = current = (credentials, signer)
        return current[1]


def _pairs(params: Any) -> list[tuple[str, str | None]]:
    if not params:
        return []
    items = params.items() if hasattr(params, "items") else params
    return [(str(name), None if value is None else str(value)) for name, value in items]
