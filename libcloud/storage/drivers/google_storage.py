# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Storage: objects by its XML API, which is S3's in large part, permissions by JSON.

References: Google Cloud Storage, "XML API overview", "V2 signing process" and "JSON API: Access
control lists".
"""

from __future__ import annotations

import base64
import binascii
import email.utils
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libcloud.common.base import ConnectionUserAndKey as ConnectionUserAndKey
from libcloud.common.credentials import check_credentials, clean_key
from libcloud.common.exceptions import before_sending
from libcloud.common.google import GoogleAuthType, GoogleOAuth2Credential, GoogleResponse
from libcloud.common.types import ProviderError as ProviderError
from libcloud.storage.arguments import check_name
from libcloud.storage.drivers.s3 import (
    API_VERSION,
    BaseS3Connection,
    BaseS3StorageDriver,
    S3RawResponse,
    S3Response,
)
from libcloud.storage.keywords import GoogleKeywords
from libcloud.storage.s3.access import endpoint_of
from libcloud.storage.s3.endpoint import Endpoint
from libcloud.storage.s3.profiles import GOOGLE
from libcloud.utils.local import PerThread

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "API_VERSION", "NAMESPACE", "SIGNATURE_IDENTIFIER", "ContainerPermissions", "GCSResponse",
    "GoogleStorageConnection", "GoogleStorageDriver", "GoogleStorageJSONConnection",
    "ObjectPermissions", "_clean_object_name",
]  # fmt: skip

SIGNATURE_IDENTIFIER = "GOOG1"
NAMESPACE = "http://doc.s3.amazonaws.com/2006-03-01"

# Google Cloud Storage, "Storage classes"; the last three are kept for old buckets.
_STORAGE_CLASSES = """
    standard nearline coldline archive multi_regional regional durable_reduced_availability
""".split()

# Headers whose values are signed unchanged; those of all others are signed in lower case.
_SIGNED_UNCHANGED = frozenset({"date", "content-type", "content-md5"})

_REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_NO_SUCH_GENERATION = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)


class ContainerPermissions:
    """Levels of access to a container.

    Reference: Google Cloud Storage, "JSON API: BucketAccessControls, ObjectAccessControls".
    """

    values = ("NONE", "READER", "WRITER", "OWNER")
    NONE = 0
    READER = 1
    WRITER = 2
    OWNER = 3


class ObjectPermissions:
    """Levels of access to an object."""

    values = ("NONE", "READER", "OWNER")
    NONE = 0
    READER = 1
    OWNER = 2


class GCSResponse(GoogleResponse):
    """A response of the JSON API."""


class GoogleStorageConnection(BaseS3Connection):
    """A connection to the XML API: with an access key and a secret, or with an access token.

    :param user_id: an HMAC access key, or the account that fetches tokens.
    :param key: its secret; or see :class:`~libcloud.common.google.GoogleOAuth2Credential`.
    :param auth_type: a value of ``GoogleAuthType``; ``None``: guessed from ``user_id``.
    :param credential_file: the file in which access tokens are cached.
    """

    host = "storage.googleapis.com"
    responseCls: Any = S3Response
    rawResponseCls: Any = S3RawResponse
    PROJECT_ID_HEADER = "x-goog-project-id"

    _sent_token: Any = PerThread(None)

    def __init__(
        self,
        user_id: Any,
        key: Any,
        secure: bool = True,
        auth_type: str | None = None,
        credential_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        user_id = clean_key(user_id, "access key")
        self.auth_type = auth_type or GoogleAuthType.guess_type(user_id)
        if user_id is None and self.auth_type == GoogleAuthType.IA:
            check_credentials(user_id, key)
        self.oauth2_credential: GoogleOAuth2Credential | None = None
        if GoogleAuthType.is_oauth2(self.auth_type):
            proxy = kwargs.get("proxy_url")
            self.oauth2_credential = GoogleOAuth2Credential(
                user_id, key, self.auth_type, credential_file, proxy_url=proxy
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
        """Sign, or add the access token, in each attempt."""
        if self.oauth2_credential is not None:
            self._sent_token = self.oauth2_credential.access_token
            headers["Authorization"] = f"Bearer {self._sent_token}"
        else:
            check_credentials(self.user_id, self.key)
            signature = self._get_s3_auth_signature(params, headers)
            headers["Authorization"] = f"{SIGNATURE_IDENTIFIER} {self.user_id}:{signature}"
        return params, headers

    def renew_token(self) -> bool:
        if self.oauth2_credential is None or self._sent_token is None:
            return False
        with before_sending():
            self.oauth2_credential.renew(self._sent_token)
        return True

    def _get_s3_auth_signature(self, params: Any, headers: Mapping[str, Any]) -> str:
        """Return the signature, which covers the date; ``headers`` are not modified."""
        signed = {}
        for name, value in headers.items():
            name = name.lower()
            exact = name in _SIGNED_UNCHANGED or name.startswith("x-goog-")
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


class GoogleStorageDriver(BaseS3StorageDriver):
    """Google Cloud Storage.

    The key identifies the account: an HMAC access key (``GOOG...``), a service account
    (``...gserviceaccount.com``), or an installed application; see
    :class:`~libcloud.common.google.GoogleOAuth2Credential`.

    :param secret: the secret of ``key``, or the private key of a service account.
    :param project: id or number of the project in which containers are listed and created.
    :param host: of an emulator, or a regional endpoint.
    :param endpoint_url: in place of ``host`` and ``port``; its path is ignored.
    :param auth_type: a value of :class:`~libcloud.common.google.GoogleAuthType`; ``None``: guessed.
    :param credential_file: file that keeps tokens of the account between programs.
    :param ex_multipart_uploads: upload streams and large files in parts, so that memory is bounded
        and each part is retried; such objects have no MD5, and their uploads no preconditions.
        ``None``: as ``supports_s3_multipart_upload`` of the class says, which is ``False``: a
        stream is one chunked request.
    """

    name = "Google Cloud Storage"
    website = "http://cloud.google.com/storage"
    connectionCls = GoogleStorageConnection
    jsonConnectionCls = GoogleStorageJSONConnection
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
        ex_multipart_uploads: bool | None = None,
        **kwargs: Unpack[GoogleKeywords],
    ) -> None:
        self.project = project
        if ex_multipart_uploads is not None:
            self.supports_s3_multipart_upload = ex_multipart_uploads
        host, secure, port, _ = endpoint_of(endpoint_url, host, port, secure)
        self._connection_kwargs = {"auth_type": auth_type, "credential_file": credential_file}
        if host is not None or port is not None:  # of an emulator, or a regional endpoint
            base = Endpoint(host or self.connectionCls.host, secure, port and int(port))
            self._connection_kwargs["url"] = f"{base.scheme}://{base.authority}"
        super().__init__(key, secret or "", secure, **kwargs)
        self.secret = secret
        names = ("timeout", "retry_delay", "backoff", "proxy_url")
        settings = {name: kwargs.get(name) for name in names}
        self.json_connection = self.jsonConnectionCls(
            key, secret or "", self.secure, **{**self._ex_connection_class_kwargs(), **settings}
        )
        self.json_connection.driver = self

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        """The host as ``url``: the arguments of the connection are not in the usual order."""
        return {name: value for name, value in self._connection_kwargs.items() if value is not None}

    def _to_storage_class_headers(self, storage_class: str | None) -> dict[str, str]:
        """Nothing without a class: then the bucket's own is used."""
        if storage_class is None:
            return {}
        if str(storage_class).lower() not in _STORAGE_CLASSES:
            return super()._to_storage_class_headers(storage_class)
        return {f"{self.http_vendor_prefix}-storage-class": str(storage_class).upper()}

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None:
        """Return the stored size, also if the response has no Content-Length."""
        return headers.get("content-length") or headers.get("x-goog-stored-content-length")

    def _verify(
        self, etag: str, data_hash: str | None, headers: Mapping[str, str], object_name: str
    ) -> None:
        """Compare with the MD5 that Google computed; the ETag of an encrypted object is not one.

        Reference: Google Cloud Storage, "Hashes and ETags: Best practices".
        """
        md5 = _md5_in(headers.get("x-goog-hash", ""))
        if md5 is None and "x-goog-encryption-kms-key-name" in headers:
            return
        super()._verify(md5 or etag, data_hash, headers, object_name)

    # Permissions, by the JSON API.

    def ex_delete_permissions(
        self, container_name: str, object_name: str | None = None, entity: str | None = None
    ) -> None:
        """Remove the permissions of ``entity`` for a container, or for an object in it.

        :param entity: such as ``user-somebody@example.org`` or ``allUsers``; ``None``: the user of
            the driver, if it has one.
        :raises ValueError: there is no entity and no user. Nothing was sent.
        """
        entity = quote(self._entity(entity), safe="@")
        path = f"{_acl_path(container_name, object_name)}/{entity}"
        self.json_connection.request(path, method="DELETE")

    def ex_get_permissions(
        self, container_name: str, object_name: str | None = None
    ) -> tuple[int, int | None]:
        """Return the levels of the user: ``ContainerPermissions`` and ``ObjectPermissions``.

        :return: the second is ``None`` without an ``object_name``.
        """
        of_object = self._get_object_permissions
        level = of_object(container_name, object_name) if object_name else None
        return self._get_container_permissions(container_name), level

    def ex_set_permissions(
        self,
        container_name: str,
        object_name: str | None = None,
        entity: str | None = None,
        role: int | str | None = None,
    ) -> None:
        """Set the permissions of ``entity`` for a container, or for an object in it.

        :param entity: see :meth:`ex_delete_permissions`.
        :param role: a level of ``ContainerPermissions`` or ``ObjectPermissions``, or its name.
        :raises ValueError: there is no such level, or no entity. Nothing was sent.
        """
        if isinstance(role, int):
            kind = ObjectPermissions if object_name else ContainerPermissions
            if not 0 <= role < len(kind.values):
                raise ValueError(
                    f"{role} is not a valid role level for container={container_name} "
                    f"object={object_name}"
                )
            role = kind.values[role]
        elif not role:
            raise ValueError(f"{role} is not a valid permission.")
        self.json_connection.request(
            _acl_path(container_name, object_name),
            method="POST",
            data=json.dumps({"role": role, "entity": self._entity(entity)}),
        )

    def _get_container_permissions(self, container_name: str) -> int:
        status = self._status_of(_acl_path(container_name))
        if status == HTTPStatus.OK:
            return ContainerPermissions.OWNER
        if status == HTTPStatus.NOT_FOUND:
            return ContainerPermissions.NONE
        if self._may_write(container_name):
            return ContainerPermissions.WRITER
        if self._status_of(_bucket_path(container_name)) == HTTPStatus.OK:
            return ContainerPermissions.READER
        return ContainerPermissions.NONE

    def _get_object_permissions(self, container_name: str, object_name: str) -> int:
        if self._status_of(_acl_path(container_name, object_name)) == HTTPStatus.OK:
            return ObjectPermissions.OWNER
        if self._status_of(_object_path(container_name, object_name)) == HTTPStatus.OK:
            return ObjectPermissions.READER
        return ObjectPermissions.NONE

    def _may_write(self, container_name: str) -> bool:
        """Return whether the user may write, by a DELETE whose condition never holds.

        The condition is that the object does not exist, in the form of either API. A user who may
        not write gets a 403 before it is evaluated.
        """
        try:
            self.json_connection.request(
                _object_path(container_name, "writecheck"),
                params={"ifGenerationMatch": "0"},
                headers={"x-goog-if-generation-match": "0"},
                method="DELETE",
            )
        except ProviderError as error:
            if error.http_code in _NO_SUCH_GENERATION:
                return True
            if error.http_code != HTTPStatus.FORBIDDEN:
                raise
        return False

    def _status_of(self, path: str) -> int:
        """Return the status of a GET: 200, 403 or 404."""
        try:
            self.json_connection.request(path)
        except ProviderError as error:
            if error.http_code not in _REFUSED:
                raise
            return int(error.http_code)
        return HTTPStatus.OK

    def _entity(self, entity: str | None) -> str:
        if entity:
            return entity
        user = self._get_user()
        if not user:
            raise ValueError("Must provide an entity. Driver is not using an authenticated user.")
        return f"user-{user}"

    def _get_user(self) -> str | None:
        """Return the account that the access token belongs to; ``None`` with an access key."""
        credential = self.connection.oauth2_credential
        return credential.user_id if credential else None


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


def _clean_object_name(name: str) -> str:
    return quote(name, safe="")


def _bucket_path(container_name: str) -> str:
    check_name(container_name, "container_name")
    return f"/storage/v1/b/{_clean_object_name(container_name)}"


def _object_path(container_name: str, object_name: str) -> str:
    check_name(object_name, "object_name")
    return f"{_bucket_path(container_name)}/o/{_clean_object_name(object_name)}"


def _acl_path(container_name: str, object_name: str | None = None) -> str:
    if object_name:
        return f"{_object_path(container_name, object_name)}/acl"
    return f"{_bucket_path(container_name)}/acl"
