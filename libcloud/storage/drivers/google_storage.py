# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Storage: objects by its XML API, which is S3's in large part, permissions by JSON.

References: Google Cloud Storage, "XML API overview", "V2 signing process" and "JSON API: Access
control lists".
"""

from __future__ import annotations

import base64
import binascii
import email.utils
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from libcloud.common.base import ConnectionUserAndKey as ConnectionUserAndKey
from libcloud.common.credentials import clean_key
from libcloud.common.google import GoogleAuthType, GoogleOAuth2Credential, GoogleResponse
from libcloud.common.types import ProviderError as ProviderError
from libcloud.storage.drivers.google_permissions import (
    ContainerPermissions,
    GooglePermissions,
    ObjectPermissions,
    _clean_object_name,
)
from libcloud.storage.drivers.s3 import (
    API_VERSION,
    BaseS3Connection,
    BaseS3StorageDriver,
    S3RawResponse,
    S3Response,
)
from libcloud.storage.s3.access import endpoint_of
from libcloud.storage.s3.profiles import GOOGLE
from libcloud.utils.hosts import authority

__all__ = [
    "API_VERSION",
    "NAMESPACE",
    "SIGNATURE_IDENTIFIER",
    "ContainerPermissions",
    "GCSResponse",
    "GoogleStorageConnection",
    "GoogleStorageDriver",
    "GoogleStorageJSONConnection",
    "ObjectPermissions",
    "_clean_object_name",
]

SIGNATURE_IDENTIFIER = "GOOG1"
NAMESPACE = "http://doc.s3.amazonaws.com/2006-03-01"

# Google Cloud Storage, "Storage classes"; the last three are kept for old buckets.
_STORAGE_CLASSES = MappingProxyType(
    {
        "standard": "STANDARD",
        "nearline": "NEARLINE",
        "coldline": "COLDLINE",
        "archive": "ARCHIVE",
        "multi_regional": "MULTI_REGIONAL",
        "regional": "REGIONAL",
        "durable_reduced_availability": "DURABLE_REDUCED_AVAILABILITY",
    }
)

# Values that are signed as they are; all others in lower case.
_SIGNED_AS_THEY_ARE = frozenset({"date", "content-type", "content-md5"})


class GCSResponse(GoogleResponse):
    """An answer of the JSON API."""


class GoogleStorageConnection(BaseS3Connection):
    """A connection to the XML API: with an access key and a secret, or with an access token.

    :param user_id: access key of interoperable access, or who asks for tokens.
    :param key: its secret; or see :class:`~libcloud.common.google.GoogleOAuth2Credential`.
    :param auth_type: of ``GoogleAuthType``; ``None`` guesses it from ``user_id``.
    :param credential_file: where access tokens are kept.
    """

    host = "storage.googleapis.com"
    responseCls: Any = S3Response
    rawResponseCls: Any = S3RawResponse
    PROJECT_ID_HEADER = "x-goog-project-id"

    def __init__(
        self,
        user_id: str,
        key: str,
        secure: bool = True,
        auth_type: str | None = None,
        credential_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        user_id = clean_key(user_id, "access key")
        self.auth_type = auth_type or GoogleAuthType.guess_type(user_id)
        self.oauth2_credential: GoogleOAuth2Credential | None = None
        if GoogleAuthType.is_oauth2(self.auth_type):
            proxy = kwargs.get("proxy_url")
            self.oauth2_credential = GoogleOAuth2Credential(
                user_id,
                key,
                self.auth_type,
                credential_file,
                **({"proxy_url": proxy} if proxy else {}),
            )
        super().__init__(user_id, key, secure, **kwargs)

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        headers["Date"] = email.utils.formatdate(self.server_time().timestamp(), usegmt=True)
        project = self.get_project()
        if project:
            headers[self.PROJECT_ID_HEADER] = project
        return headers

    def get_project(self) -> str | None:
        """The project of the driver; ``None`` without one."""
        return getattr(self.driver, "project", None)

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Sign, or add the access token, in this very attempt."""
        if self.oauth2_credential is not None:
            headers["Authorization"] = f"Bearer {self.oauth2_credential.access_token}"
        else:
            signature = self._get_s3_auth_signature(params, headers)
            headers["Authorization"] = f"{SIGNATURE_IDENTIFIER} {self.user_id}:{signature}"
        return params, headers

    def _get_s3_auth_signature(self, params: Any, headers: Mapping[str, Any]) -> str:
        """The signature of a request by its date; ``headers`` stay as they are."""
        signed = {}
        for name, value in headers.items():
            name = name.lower()
            exact = name in _SIGNED_AS_THEY_ARE or name.startswith("x-goog-")
            signed[name] = value if exact or not isinstance(value, str) else value.lower()
        return BaseS3Connection.get_auth_signature(
            method=self.method,
            headers=signed,
            params=params,
            expires=None,
            secret_key=self.key,
            path=self.action,
            vendor_prefix=getattr(self.driver, "http_vendor_prefix", "x-goog"),
        )


class GoogleStorageJSONConnection(GoogleStorageConnection):
    """A connection to the JSON API."""

    host = "www.googleapis.com"
    responseCls = GCSResponse
    rawResponseCls = None

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        headers = super().add_default_headers(headers)
        headers["Content-Type"] = "application/json"
        return headers


class GoogleStorageDriver(GooglePermissions, BaseS3StorageDriver):
    """Google Cloud Storage.

    The key says who asks: the access key of interoperable access (``GOOG...``), a service account
    (``...gserviceaccount.com``), or an installed application; see
    :class:`~libcloud.common.google.GoogleOAuth2Credential`.

    :param secret: what belongs to ``key``: a secret, or the private key of a service account.
    :param project: id or number of the project, to list and create containers in.
    :param kwargs: ``host`` and ``port`` of an emulator or a regional endpoint, or both as
        ``endpoint_url``, whose path is not heeded; ``auth_type`` and
        ``credential_file`` of the connection; the rest is the base driver's.
    """

    name = "Google Cloud Storage"
    website = "http://cloud.google.com/storage"
    connectionCls = GoogleStorageConnection
    jsonConnectionCls = GoogleStorageJSONConnection
    hash_type = "md5"
    namespace = NAMESPACE
    supports_chunked_encoding = True
    supports_s3_multipart_upload = False
    http_vendor_prefix = "x-goog"
    profile = GOOGLE

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        project: str | None = None,
        *,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        endpoint_url: str | None = None,
        auth_type: str | None = None,
        credential_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.project = project
        endpoint = endpoint_of(endpoint_url, host, port)
        if endpoint is not None:
            host, port, secure = endpoint.host, endpoint.port, endpoint.secure
        self._connection_kwargs = {"auth_type": auth_type, "credential_file": credential_file}
        if host is not None or port is not None:
            self._connection_kwargs["url"] = _url_of(
                host or self.connectionCls.host, port, secure=secure
            )
        super().__init__(key, secret or "", secure, **kwargs)
        self.secret = secret
        settings = {
            name: kwargs.get(name) for name in ("timeout", "retry_delay", "backoff", "proxy_url")
        }
        self.json_connection = self.jsonConnectionCls(
            key, secret or "", self.secure, **{**self._ex_connection_class_kwargs(), **settings}
        )
        self.json_connection.driver = self

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        """The host as ``url``: the arguments of the connection are not in the usual order."""
        return {name: value for name, value in self._connection_kwargs.items() if value is not None}

    def _to_storage_class_headers(self, storage_class: str | None) -> dict[str, str]:
        """Nothing without a class: then the bucket's own is used.

        :raises ValueError: neither Google nor Amazon has such a class. Nothing was sent.
        """
        if storage_class is None:
            return {}
        name = _STORAGE_CLASSES.get(str(storage_class).lower())
        if name is None:
            return super()._to_storage_class_headers(storage_class)
        return {f"{self.http_vendor_prefix}-storage-class": name}

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None:
        """The size as it is stored, also when the answer has no length."""
        return headers.get("content-length") or headers.get("x-goog-stored-content-length")

    def _verify(
        self, etag: str, data_hash: str | None, headers: Mapping[str, str], object_name: str
    ) -> None:
        """Compare with the MD5 that Google computed; of what it encrypts, the ETag is none.

        Reference: Google Cloud Storage, "Hashes and ETags: Best practices".
        """
        md5 = _md5_in(headers.get("x-goog-hash", ""))
        if md5 is None and "x-goog-encryption-kms-key-name" in headers:
            return
        super()._verify(md5 or etag, data_hash, headers, object_name)


def _url_of(host: str, port: int | None, *, secure: Any) -> str:
    """The base URL of an emulator or a regional endpoint."""
    scheme = "https" if secure else "http"
    return f"{scheme}://{authority(host, None if port is None else int(port), scheme=scheme)}"


def _md5_in(hashes: str) -> str | None:
    """The MD5, hexadecimal, in a header such as ``crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmY7PhCfg==``.

    >>> _md5_in("crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmY7PhCfg==")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    for item in hashes.split(","):
        name, _, value = item.strip().partition("=")
        if name == "md5":
            try:
                return base64.b64decode(value, validate=True).hex()
            except binascii.Error:
                return None
    return None
