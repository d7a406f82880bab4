# SPDX-License-Identifier: Apache-2.0
"""How a request to S3 is signed and sent, and what an answer that is not a success becomes.

The classes are public as ``libcloud.storage.drivers.s3``; drivers and users derive from them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libcloud import common
from libcloud.common import signing
from libcloud.common.aws import (
    AWSBaseResponse,
    AWSRequestSigner,
    AWSRequestSignerAlgorithmV4,
    AWSTokenConnection,
    SignedAWSConnection,
    check_params,
)
from libcloud.common.aws_token import with_param
from libcloud.common.base import RawResponse
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage import s3
from libcloud.storage.drivers.s3_repair import RepairingConnection
from libcloud.utils.bodies import Pieces
from libcloud.utils.per_process import PerProcess

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3.errors import ErrorDetail

__all__ = [
    "API_VERSION",
    "EXPIRATION_SECONDS",
    "BaseS3Connection",
    "ExactPathConnection",
    "S3Connection",
    "S3RawResponse",
    "S3RequestSigner",
    "S3Response",
    "S3SignatureV4Connection",
]

API_VERSION = "2006-03-01"

# Part of the public API: how long a URL that is signed by Signature Version 2 is valid, in seconds.
EXPIRATION_SECONDS = 15 * 60

_DATES = frozenset({"date", "x-amz-date"})
_PAYLOAD = "x-amz-content-sha256"
_SIGNED_ANEW = frozenset({_PAYLOAD, "x-amz-date", "authorization"})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXCERPT_LENGTH = 200

# Answers to Create, Complete and ListParts, and where they repeat the key.
_UPLOAD_ANSWER = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?"
    rb"<(?:InitiateMultipartUpload|CompleteMultipartUpload|ListParts)Result\b"
)
_REPEATED_KEY = re.compile(rb"<(Key|Location)>[^<]*</\1>")


class S3Response(AWSBaseResponse):
    """An answer of S3. Statuses that drivers tell apart by themselves count as a success."""

    namespace: str | None = None
    valid_response_codes: Iterable[int] = [404, 409, 400, 206]

    def success(self) -> bool:
        status = int(self.status)
        return 200 <= status <= 299 or status in self.valid_response_codes

    def parse_body(self) -> Any:
        """The root element; or the text, if an error is told of in other words than S3's.

        :raises MalformedResponseError: an answer that should be a document of S3's is none.
        """
        try:
            parsed = super().parse_body()
        except MalformedResponseError as error:
            if int(self.status) < 400:
                raise self._not_the_store() from error
            return self.body
        if int(self.status) < 400 and str(getattr(parsed, "tag", "")).lower().endswith("html"):
            raise self._not_the_store()
        return parsed

    def _not_the_store(self) -> MalformedResponseError:
        content = self._without_secrets(str(self.body))
        return s3.evidence.not_the_store(self.connection, self.status, content)

    def _document(self) -> Any:
        """The body for the parser, without the key that answers to uploads repeat.

        A key may hold control characters, which XML cannot, and stores write them all the same.
        Those of listings are encoded.
        """
        document = super()._document()
        if not isinstance(document, bytes):
            return document
        if _UPLOAD_ANSWER.match(document):
            return _REPEATED_KEY.sub(b"", document)
        return s3.raw_names.with_raw_names(document)

    def error_detail(self) -> ErrorDetail:
        """What this answer says of an error; see :func:`s3.errors.error_detail`."""
        return s3.errors.error_detail(int(self.status), self.headers, _bytes(self.body))

    def parse_error(self) -> Any:
        """Raise what the status stands for.

        The errors carry S3's code, message and request id in their text and as attributes, see
        :func:`~libcloud.storage.s3.errors.attach_detail`.

        :raises InvalidCredsError: 401 and 403.
        :raises LibcloudError: any other; a redirect names the region of the bucket.
        """
        detail = self.error_detail()
        driver = getattr(self.connection, "driver", None)
        text = s3.errors.describe(detail) + self._excerpt(detail)
        if detail.status in (401, 403):
            raise s3.errors.attach_detail(InvalidCredsError(text, driver=driver), detail)
        if detail.status in _REDIRECTS:
            text = f"{_other_region(detail, driver)} {text}"
        else:
            text = f"Unknown error. {text}"
        raise s3.errors.attach_detail(LibcloudError(text, driver=driver), detail)

    def _excerpt(self, detail: ErrorDetail) -> str:
        """The start of a body that is not S3's, such as the page of a proxy."""
        body = _bytes(self.body)
        if detail.code or not body:
            return ""
        # A secret must not be cut before it is recognised.
        text = self._without_secrets(body[: 8 * _EXCERPT_LENGTH].decode("utf-8", "replace"))
        line = " ".join(text[:_EXCERPT_LENGTH].split())
        return f", answer: {line}" + ("..." if len(body) > _EXCERPT_LENGTH else "")


class S3RawResponse(S3Response, RawResponse):
    """An answer of S3 whose body is not read unless it tells of an error."""


class ExactPathConnection(RepairingConnection):
    """A connection whose paths go on the wire as the driver made them.

    Names may hold ``//`` and dot segments, which are not path segments to S3. Redirects are not
    followed: they lead to a host which the request was not signed for, and which must not see the
    credentials.
    """

    follow_redirects = False
    bare_keys = True

    def morph_action_hook(self, action: str) -> str:
        """``action`` behind the path of the endpoint, neither of them normalised.

        A bucket that stands in the host's name is not in the path any more.
        """
        route = self.route_of(action)
        return self._behind_path(action if route is None else route.action)

    def _behind_path(self, action: str) -> str:
        action = action if action.startswith("/") else f"/{action}"
        return f"{(self.request_path or '').rstrip('/')}{action}"


class BaseS3Connection(ExactPathConnection):
    """A connection that signs by Signature Version 2, in the header ``Authorization``.

    A signature in the query would stay usable in the access logs of servers and proxies, and MinIO
    refuses multipart uploads that are signed so. It is made only for a request that a subclass has
    given the parameter ``Expires``.
    """

    host = "s3.amazonaws.com"
    responseCls = S3Response
    rawResponseCls = S3RawResponse

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
        """The signature, in base64.

        :param params: the query, a mapping or pairs; its sub-resources are signed, and so are
            those of the query in ``path``.
        :param expires: the ``Expires`` parameter, seconds since 1970; ``None``: the ``Date`` header
            is signed.
        :param vendor_prefix: which headers are signed by their names: ``x-amz``, ``x-goog``.
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
        """Send sub-resources without a value as bare keys, as they are signed.

        Servers differ in whether ``uploads=`` is signed as it is or as ``uploads``.
        """
        for name, value in _pairs(params):
            if value == "" and name in signing.sigv2.SUB_RESOURCES:
                params = with_param(params, name, None)
        return params

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Sign, with the time of this very attempt."""
        if self.anonymous:
            return params, headers
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
        """What is signed as the path: with the bucket, also where that stands in the host's name.

        Reference: Amazon S3 User Guide, "Signing and authenticating REST requests (AWS signature
        version 2)", CanonicalizedResource.
        """
        route = self._route
        if route is None or not route.in_host:
            return str(self.action)
        return self._behind_path(route.resource)


class S3Connection(AWSTokenConnection, BaseS3Connection):
    """Signature Version 2 with temporary credentials: their token is a signed header."""

    def add_default_params(self, params: Any) -> Any:
        return BaseS3Connection.add_default_params(self, params)


class S3RequestSigner(AWSRequestSignerAlgorithmV4):
    """Signature Version 4 as S3 wants it: no ``Version``, and every body that can be, hashed."""

    def get_request_params(self, params: Any, method: str = "GET", path: str = "/") -> Any:
        return params

    def get_request_headers(
        self, params: Any, headers: Any, method: str = "GET", path: str = "/", data: Any = None
    ) -> tuple[Any, Any]:
        """Sign at this moment; see :meth:`AWSRequestSignerAlgorithmV4.get_request_headers`.

        In one pass: nothing is worked out twice.
        """
        stamp = signing.sigv4.stamp_of(self._time())
        own_hash = None
        for name in [name for name in headers if name.lower() in _SIGNED_ANEW]:
            value = headers.pop(name)
            own_hash = value if name.lower() == _PAYLOAD else own_hash
        payload_hash = str(own_hash or self._get_payload_hash(method, data))
        headers["X-AMZ-Date"] = stamp
        headers["X-AMZ-Content-SHA256"] = payload_hash
        bare_path, _, query = path.partition("?")
        pairs = (*common.request.parse_query(query), *_pairs(params))
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
            hasher = hashlib.sha256()
            for piece in data:
                hasher.update(piece)
            return hasher.hexdigest()
        return signing.sigv4.UNSIGNED_PAYLOAD

    def _scope(self) -> signing.sigv4.Scope:
        connection = self.connection
        return signing.sigv4.scope_of(connection.region_of_request(), connection.service_name)


class S3SignatureV4Connection(SignedAWSConnection, BaseS3Connection):
    """A connection that signs by Signature Version 4, in a header."""

    service_name = "s3"
    version = API_VERSION

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
        super().__init__(
            user_id,
            key,
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            token=token,
            retry_delay=retry_delay,
            backoff=backoff,
            signature_version="4",
        )
        self.signer = S3RequestSigner(
            access_key=self.user_id,
            access_secret=self.key,
            version=self.version,
            connection=self,
        )

    def add_default_params(self, params: Any) -> Any:
        """Adds none: credentials and their token travel in headers."""
        check_params(params)
        return params

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Sign, with the time of this very attempt."""
        return (params, headers) if self.anonymous else super().pre_connect_hook(params, headers)

    def _signer_of_request(self) -> AWSRequestSigner:
        """The signer; or, with a source of credentials, one for those of this attempt."""
        credentials = self.credentials_of_request()
        if credentials is None:
            return self.signer
        # In a value of this process, so that no pickle holds credentials that were obtained.
        kept: PerProcess[dict[Credentials, AWSRequestSigner]]
        kept = vars(self).setdefault("_signers", PerProcess(dict))
        signers = kept()
        signer = signers.get(credentials)
        if signer is None:
            signer = type(self.signer)(
                access_key=credentials.key,
                access_secret=credentials.secret,
                version=self.version,
                connection=self,
            )
            signers.clear()  # those that were renewed sign nothing any more
            signers[credentials] = signer
        return signer


def _other_region(detail: ErrorDetail, driver: Any) -> str:
    """What a redirect asks for, in words."""
    own = getattr(driver, "region_name", None) or getattr(driver, "region", None)
    if not detail.region:
        return "The bucket must be asked at another host, in its own region."
    asked = f", and this driver asks in {own!r}" if own else ""
    return (
        f"The bucket is in the region {detail.region!r}{asked}. "
        f"Use a driver made with region={detail.region!r}."
    )


def _bytes(body: Any) -> bytes:
    return bytes(body) if isinstance(body, (bytes, bytearray)) else str(body or "").encode("utf-8")


def _pairs(params: Any) -> list[tuple[str, str | None]]:
    if not params:
        return []
    items = params.items() if hasattr(params, "items") else params
    return [(str(name), None if value is None else str(value)) for name, value in items]
