# SPDX-License-Identifier: Apache-2.0
"""Azure Blob Storage.

A stream that ends within the first part is one Put Blob. What is longer is sent as blocks, and
becomes a blob by Put Block List. What a request looks like is in ``azure/requests.py``, what comes
next in ``transfer/upload/machine.py``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from libcloud.common.azure_storage import AzureBlobsActiveDirectoryConnection, AzureBlobsConnection
from libcloud.common.signing.sharedkey import blob_sas
from libcloud.common.types import LibcloudError
from libcloud.storage import azure, transfer
from libcloud.storage.arguments import (
    check_container,
    check_file_path,
    check_known_keywords,
    check_object,
    check_prefix,
    check_settings,
    remember_settings,
)
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.azure.profiles import CAPABILITIES, LIMITS
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers._multipart import MultipartDriver
from libcloud.storage.drivers.azure_access import (
    Access,
    options_from_env,
    options_from_url,
    place_of,
)
from libcloud.storage.keywords import AzureEnvironmentKeywords, AzureUploadKeywords, IgnoredKeywords
from libcloud.storage.metadata import metadata_in
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    MissingContainerError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.utils.arguments import kind_of, plain_headers
from libcloud.utils.bodies import new_md5
from libcloud.utils.headers import authority, strip_etag

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from libcloud.storage.azure.responses import Entry, Page
    from libcloud.storage.capabilities import Capabilities
    from libcloud.storage.transfer.download.port import Verification
    from libcloud.storage.transfer.download.start import Download, Selection
    from libcloud.storage.transfer.progress import Listener
    from libcloud.storage.transfer.upload.session import ObjectUpload
    from libcloud.storage.transfer.values import StoredObject
    from libcloud.storage.writer import UploadWriter
    from libcloud.utils.bodies import Pieces

__all__ = ["AzureBlobsActiveDirectoryConnection", "AzureBlobsConnection", "AzureBlobsStorageDriver"]

# Part of the public API.
AZURE_UPLOAD_CHUNK_SIZE = 4 * 1024 * 1024
AZURE_DOWNLOAD_CHUNK_SIZE = 4 * 1024 * 1024
AZURE_LEASE_PERIOD = 60
AZURE_STORAGE_HOST_SUFFIX = "blob.core.windows.net"
AZURE_STORAGE_HOST_SUFFIX_CHINA = "blob.core.chinacloudapi.cn"
AZURE_STORAGE_HOST_SUFFIX_GOVERNMENT = "blob.core.usgovcloudapi.net"
AZURE_STORAGE_HOST_SUFFIX_PRIVATELINK = "privatelink.blob.core.windows.net"
AZURE_STORAGE_CDN_URL_DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_CDN = "LIBCLOUD_AZURE_STORAGE_CDN_URL"
AZURE_STORAGE_CDN_URL_START_MINUTES = float(os.environ.get(f"{_CDN}_START_MINUTES", "5"))
AZURE_STORAGE_CDN_URL_EXPIRY_HOURS = float(os.environ.get(f"{_CDN}_EXPIRY_HOURS", "24"))

RESPONSES_PER_REQUEST = 5000
"""Entries of a page of a listing: the most that Azure returns."""

# Azure wants the letters in this order: REST API, "Create a service SAS".
_PERMISSIONS = {"GET": "r", "PUT": "cw", "DELETE": "d"}

_OWN_KEYWORDS = ("ex_checksum", "ex_if_match", "ex_if_none_match", "ex_storage_class")

# Apache Libcloud has not had them since 2.5: blobs are block blobs.
_REMOVED = ("ex_blob_type", "ex_page_blob_size")


class AuthType:
    """Values of ``auth_type``."""

    AZURE_AD = "azureAD"


class AzureBlobsStorageDriver(MultipartDriver):
    """Azure Blob Storage, or a service with its protocol, such as Azurite.

    :param key: name of the storage account.
    :param secret: key of the account; or secret of the application ``identity``.
    :param host: suffix of the cloud's hosts, such as ``blob.core.usgovcloudapi.net``; the host of
        the account; or the host of another service, whose paths begin with the account.
    :param tenant_id: tenant of Entra ID; with ``identity`` and ``auth_type="azureAD"``.
    :param identity: client id of an application.
    :param auth_type: ``"azureAD"``: requests carry a token of Entra ID.
    :param cloud_environment: where tokens come from: ``"default"``, ``"AzureChinaCloud"``,
        ``"AzureUSGovernment"``, or a mapping with ``activeDirectoryEndpointUrl``.
    :param ex_sas_token: shared access signature, in place of ``secret``.
    :param ex_credential: a credential of ``azure-identity``, or ``"default"``, ``"cli"`` or
        ``"managed_identity"``, for which the extra ``azure`` is needed.
    :param ex_anonymous: do not sign requests, for public containers.
    :param endpoint_url: instead of ``host``, ``port`` and ``secure``.
    :raises TypeError: nothing authorizes requests, or there is no such keyword.
    """

    name = "Microsoft Azure (blobs)"
    website = "http://windows.azure.com/"
    connectionCls: Any = AzureBlobsConnection
    _rewinds_finished_streams = False
    _client: AzureClient
    _kept_properties = (
        "cache_control",
        "content_disposition",
        "content_encoding",
        "content_language",
    )
    # C# identifiers: REST API, "Naming and Referencing Containers, Blobs, and Metadata".
    _metadata_names = "[A-Za-z_][A-Za-z0-9_]*"

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        tenant_id: str | None = None,
        identity: str | None = None,
        auth_type: str | None = None,
        cloud_environment: str | Mapping[str, str] = "default",
        *,
        ex_sas_token: str | None = None,
        ex_credential: Any = None,
        ex_anonymous: bool = False,
        endpoint_url: str | None = None,
        **kwargs: Unpack[IgnoredKeywords],
    ) -> None:
        check_known_keywords(type(self), kwargs)
        check_settings(kwargs)
        if not (secret or ex_sas_token or ex_credential is not None or ex_anonymous):
            raise TypeError(
                "credentials are needed: pass secret, ex_sas_token, ex_credential or ex_anonymous"
            )
        is_entra = (auth_type or "").lower() == AuthType.AZURE_AD.lower()
        self._access = Access(
            tenant_id if is_entra else None,
            identity if is_entra else None,
            cloud_environment,
            ex_sas_token,
            ex_credential,
        )
        self._place = place_of(key, secure, host, port, endpoint_url)
        if self._access.by_token:
            self.connectionCls = AzureBlobsActiveDirectoryConnection
        super().__init__(
            key,
            "" if secret is None or ex_anonymous else secret,
            self._place.secure,
            self._place.host,
            self._place.port,
            **kwargs,
        )
        self._client = AzureClient(self)

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        account = self._place.path.strip("/")
        return {"account_prefix": account or None, **self._access.connection_options()}

    @classmethod
    def from_env(cls, **options: Unpack[AzureEnvironmentKeywords]) -> Self:
        """A driver for the account in the environment.

        ``AZURE_STORAGE_CONNECTION_STRING``; or ``AZURE_STORAGE_ACCOUNT`` with
        ``AZURE_STORAGE_KEY`` or ``AZURE_STORAGE_SAS_TOKEN``, or with a login of ``azure-identity``
        (environment, managed identity, Azure CLI).

        Keywords of the driver take precedence over the environment.

        :raises CredentialsNotFoundError: there is no account, or nothing authorizes requests.
        :raises ValueError: a setting is invalid.
        """
        found = options_from_env(options)
        driver = cls(**found)
        place = {name: found.get(name) for name in ("key", "endpoint_url")}
        remember_settings(driver, {**options, **place}, "key", "ex_credential")
        return driver

    @classmethod
    def from_url(cls, url: str, **options: Unpack[AzureEnvironmentKeywords]) -> Self:
        """A driver by a URL such as ``az://container?account=acme``; see :meth:`from_env`.

        Keys of the query are ``account``, ``endpoint_url`` and ``anonymous``.

        :return: a driver; its ``ex_container`` is the container that the URL names, or ``None``.
        :raises ValueError: it is not a valid URL of a container, or has an unknown parameter.
        """
        name, settings = options_from_url(url)
        driver = cls.from_env(**{**settings, **options})
        if name:
            driver.ex_container = Container(name, {}, driver)
        return driver

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    # Containers.

    def iterate_containers(self) -> Iterator[Container]:
        request = partial(azure.requests.list_containers, limit=RESPONSES_PER_REQUEST)
        what, parse = "Error listing containers", azure.responses.parse_containers
        for page in self._client.listing(parse, request, what):
            for entry in page.entries:
                container = self._container(entry)
                container.extra["etag"] = strip_etag(entry.properties.get("etag", ""))
                yield container

    def get_container(self, container_name: str) -> Container:
        return self._headers_to_container(container_name, self._client.head(container_name))

    def create_container(self, container_name: str) -> Container:
        client, begun = self._client, time.monotonic()
        request = azure.requests.create_container(client.container_path(container_name))
        what = f"Error creating the container {container_name}"

        def is_ours() -> bool:
            there = client.head(container_name)
            return transfer.upload.times.is_recent(there, time.monotonic() - begun)

        already, names = ContainerAlreadyExistsError, (container_name, "")
        created = client.ensure(request, what, already, names=names, confirm=is_ours)
        headers = client.head(container_name) if created is None else created.headers
        return self._headers_to_container(container_name, headers)

    def delete_container(self, container: Container) -> bool:
        """Delete an empty container; Azure itself would delete one with its blobs."""
        check_container(container)
        # A page may be empty although others follow.
        if any(page.entries for page in self._blob_pages(container, limit=1)):
            raise ContainerIsNotEmptyError(
                "Container must be empty before it can be deleted.", self, container.name
            )
        request = azure.requests.delete(self._client.container_path(container.name))
        what, names = f"Error deleting the container {container.name}", (container.name, "")
        ok = (200, 202, 204)
        self._client.ensure(request, what, ContainerDoesNotExistError, ok=ok, names=names)
        return True

    # Objects.

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        check_container(container)
        prefix = self._normalize_prefix_argument(prefix, ex_prefix)
        check_prefix(prefix)
        pages = self._blob_pages(container, prefix)
        return (self._listed_object(container, entry) for page in pages for entry in page.entries)

    def _iterate_directory(self, container: Container, prefix: str) -> Iterator[Object | str]:
        for page in self._blob_pages(container, prefix, delimiter="/"):
            yield from (self._listed_object(container, entry) for entry in page.entries)
            yield from page.prefixes

    def _blob_pages(
        self,
        container: Container,
        prefix: str | None = None,
        *,
        delimiter: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Page]:
        request = partial(
            azure.requests.list_blobs,
            self._client.container_path(container.name),
            prefix=prefix,
            delimiter=delimiter,
            limit=limit or RESPONSES_PER_REQUEST,
        )
        what, parse = f"Error listing the container {container.name}", azure.responses.parse_blobs
        return self._client.listing(parse, request, what, container.name, prefix)

    def delete_object(self, obj: Object) -> bool:
        """Delete a blob with its snapshots."""
        check_object(obj)
        path, names = self._client.object_path(obj.container.name, obj.name), _names_of(obj)
        request = azure.requests.delete(path, {"x-ms-delete-snapshots": "include"})
        what = f"Error deleting {'/'.join(names)}"
        try:
            self._client.ensure(request, what, ObjectDoesNotExistError, names=names)
        except ContainerDoesNotExistError as error:
            raise MissingContainerError.of(error, obj.name) from error
        return True

    def get_object_cdn_url(
        self,
        obj: Object,
        ex_expiry: float = AZURE_STORAGE_CDN_URL_EXPIRY_HOURS,
        ex_method: Literal["GET", "PUT", "DELETE"] = "GET",
    ) -> str:
        """A URL that carries a shared access signature.

        :param ex_expiry: hours for which it is valid.
        :raises LibcloudError: there is no account key to sign with.
        :raises ValueError: there is no such method.
        """
        check_object(obj)
        if isinstance(ex_expiry, (bool, str)) or not hasattr(ex_expiry, "__float__"):
            raise TypeError(f"ex_expiry is a number of hours, not {kind_of(ex_expiry)}")
        if ex_method not in _PERMISSIONS:
            raise ValueError(f"ex_method is one of {', '.join(_PERMISSIONS)}, not {ex_method!r}")
        if not self.connection.can_sign_urls:
            raise LibcloudError("A URL is signed with an account key, and there is none", self)
        now = self.connection.server_time()
        start = now - timedelta(minutes=AZURE_STORAGE_CDN_URL_START_MINUTES)
        parameters = blob_sas(
            self.connection.account_key(),
            obj.container.name,
            obj.name,
            permissions=_PERMISSIONS[ex_method],
            start=start.strftime(AZURE_STORAGE_CDN_URL_DATE_FORMAT),
            expiry=(now + timedelta(hours=ex_expiry)).strftime(AZURE_STORAGE_CDN_URL_DATE_FORMAT),
            protocol="https" if self.secure else "https,http",
            version=self.connection.API_VERSION,
        )
        path = self._client.object_path(obj.container.name, obj.name)
        return f"{self._url(path, port=True)}?{urlencode(parameters)}"

    def ex_set_object_metadata(self, obj: Object, meta_data: Mapping[str, str]) -> None:
        """Replace the metadata of a blob."""
        headers = azure.requests.metadata_headers(meta_data)
        self._set(obj, "metadata", headers)

    def ex_set_storage_class(self, obj: Object, storage_class: str) -> None:
        """Move a blob to the access tier ``Hot``, ``Cool``, ``Cold`` or ``Archive``."""
        self._set(obj, "tier", azure.requests.tier_headers(storage_class))

    def _set(self, obj: Object, component: str, headers: Mapping[str, str]) -> None:
        check_object(obj)
        path, names = self._client.object_path(obj.container.name, obj.name), _names_of(obj)
        request = azure.requests.set_component(path, component, headers)
        self._client.send(
            request, f"Error setting the {component} of {'/'.join(names)}", names=names
        )

    def ex_copy_object(
        self,
        obj: Object,
        container: Container,
        object_name: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        ex_if_match: str | None = None,
        ex_if_none_match: str | None = None,
        ex_part_size: int | None = None,
        ex_window: int | None = None,
        on_event: Listener | None = None,
    ) -> Object:
        """Have the store copy ``obj`` within the account, by one request.

        :param metadata: in place of that of ``obj``.
        :param content_type: that of ``obj``, or ``None``: a copy keeps it.
        :param ex_storage_class: access tier of the copy.
        :param ex_part_size: has no effect, and neither have ``ex_window`` and ``on_event``: there
            are no parts.
        :raises ValueError: another content type. Nothing was changed.
        :raises PreconditionFailedError: a condition does not hold, or ``obj`` was replaced.
        """
        check_object(obj)
        check_container(container)
        if content_type not in (None, obj.extra.get("content_type")):
            raise ValueError("Azure keeps the content type of a blob that it copies")
        sent = dict(plain_headers(headers))
        sent.update(azure.requests.metadata_headers(metadata))
        sent.update(azure.requests.condition_headers(ex_if_match, ex_if_none_match))
        sent.update(azure.requests.tier_headers(ex_storage_class))
        if obj.hash:
            sent["x-ms-source-if-match"] = f'"{obj.hash}"'
        path = self._client.object_path(obj.container.name, obj.name)
        source = self.connection.copy_source(self._url(path, port=True))
        found = azure.copying.copy_blob(self._client, source, container.name, object_name, sent)
        return self._headers_to_object(object_name, container, found)

    def _request_download(self, obj: Object, selection: Selection) -> Download:
        def examine(response: Any) -> Verification | None:
            """The MD5 that the store keeps with the blob; ``None`` if it keeps none."""
            expected = azure.checksums.checksum_of(response.headers)
            if expected is None or selection.verify is False:
                return None
            encoded = azure.checksums.encoded
            return transfer.download.port.Verification(
                obj, "MD5", expected, new=new_md5, combine=None, format=encoded
            )

        request = azure.requests.get_blob(self._client.object_path(obj.container.name, obj.name))
        # REST API, "Specify the range header for Blob service operations".
        return transfer.download.start.request_download(
            *(self._client, obj, request, selection), examine=examine, range_header="x-ms-range"
        )

    # Uploads.

    def upload_object(  # type: ignore[override]  # the order of Apache Libcloud's driver
        self,
        file_path: str | os.PathLike[str],
        container: Container,
        object_name: str,
        verify_hash: bool = True,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_use_lease: bool = False,
        **options: Unpack[AzureUploadKeywords],
    ) -> Object:
        """Upload a file; arguments and errors are those of :meth:`upload_object_via_stream`.

        :raises SizeMismatchError: the file changed its size; nothing was published.
        """
        check_file_path(file_path)
        with transfer.upload.source.LocalFile(file_path) as file:
            if file.exact_size is not None:
                options.setdefault("ex_size", file.exact_size)
            upload = (container, object_name, extra, headers, options, file_path)
            return self._upload(file, *upload, verify=verify_hash, lease=ex_use_lease)

    def upload_object_via_stream(  # type: ignore[override]  # likewise
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        verify_hash: bool = True,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_use_lease: bool = False,
        **options: Unpack[AzureUploadKeywords],
    ) -> Object:
        """Upload a stream of unknown length as a block blob.

        A failed upload leaves the blob that was there as it was. Blocks that were sent stay for a
        week and cannot be removed; the exception has the ``upload_id`` that their ids begin with.

        :param verify_hash: compute the MD5 of the whole blob, which Azure keeps with it; a blob of
            several blocks has none otherwise. The MD5 of each block is sent in any case.
        :param headers: properties such as ``Cache-Control``, and conditions.
        :param ex_use_lease: hold a lease on the blob during the upload, if it exists.
        :raises PreconditionFailedError: the condition does not hold; the blob is as it was.
        :raises LibcloudError: the blob is an append or page blob, which only a stream within the
            first part replaces. It is as it was.
        :raises ValueError: an option is invalid. Nothing was sent.
        :raises UploadOutcomeUnknownError: the store did not report whether it was published.
        :raises BaseException: the first error, also one of ``iterator``. Nothing was published.
        """
        upload = (container, object_name, extra, headers, options)
        return self._upload(iterator, *upload, verify=verify_hash, lease=ex_use_lease)

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[AzureUploadKeywords],
    ) -> UploadWriter[Object]:
        """A file to be written that becomes a blob; sent in blocks while it is written.

        Arguments are those of :meth:`upload_object_via_stream`. The blob has an MD5 if it is sent
        by one request.
        """
        extra = deepcopy(dict(extra or {}))
        session = self._session(container, object_name, extra, headers, options)
        return session.open_writer(
            lambda stored: self._made_object(container, object_name, stored, extra)
        )

    def _upload(
        self,
        stream: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None,
        headers: Mapping[str, str] | None,
        options: Mapping[str, Any],
        file_path: str | os.PathLike[str] | None = None,
        *,
        verify: bool,
        lease: bool,
    ) -> Object:
        source = transfer.upload.source.HashingSource(transfer.upload.source.PartSource(stream))
        session = self._session(
            container,
            object_name,
            extra,
            headers,
            options,
            file_path,
            whole_md5=source.digest if verify else None,
        )
        store: Any = session.store
        with store.leased() if lease else nullcontext():
            stored = session.send(source if verify else source.parts)
        if verify and file_path is not None:
            self._verify(stored, source.digest(), object_name)
        return self._made_object(container, object_name, stored, extra)

    def _upload_of(
        self,
        container_name: str,
        object_name: str,
        headers: Mapping[str, str],
        meta_data: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        **of_port: Any,
    ) -> ObjectUpload[bytes | Pieces]:
        removed = [name for name in _REMOVED if name in options]
        if removed:
            raise ValueError(f"Support for arguments was removed: {', '.join(removed)}")
        own, chosen = transfer.upload.session.split_keywords(
            options, _OWN_KEYWORDS, max_memory=self.ex_max_memory
        )
        checksum = own.get("ex_checksum", "md5")
        if checksum not in ("md5", None):
            raise ValueError(f"ex_checksum is 'md5' or None, not {checksum!r}")
        conditions = (own.get("ex_if_match"), own.get("ex_if_none_match"))
        sent = {
            **self._fix_headers(headers),
            **azure.requests.metadata_headers(meta_data),
            **azure.requests.condition_headers(*conditions),
            **azure.requests.tier_headers(own.get("ex_storage_class")),
        }
        concurrency = self._max_concurrency()
        store = azure.upload_port.AzureStore(
            self._client,
            container_name,
            object_name,
            sent,
            checked=checksum is not None,
            copy_bodies=concurrency == 1,
            **of_port,
        )
        retries = self._client.retry_loop.retries()
        return transfer.upload.session.ObjectUpload(
            store, LIMITS, chosen, retries, concurrency, self, container_name, object_name
        )

    def _verify(self, stored: StoredObject, digest: bytes, object_name: str) -> None:
        """Compare the MD5 of a file with what the store says of it.

        The response to Put Block List has that of the list.
        """
        reported = stored.headers.get("content-md5", "")
        sent = azure.checksums.encoded(digest)
        if stored.parts or not reported or reported == sent:
            return
        raise ObjectHashMismatchError(
            f"MD5 hash {reported[:100]} checksum does not match {sent}", self, object_name
        )

    def _fix_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """``headers`` with the names that properties of a blob have in an upload."""
        return azure.requests.property_headers(headers)

    def _get_container_path(self, container: Container) -> str:
        return self._client.container_path(container.name)

    def _get_object_path(self, container: Container, object_name: str) -> str:
        return self._client.object_path(container.name, object_name)

    def _url(self, path: str, *, port: bool = False) -> str:
        connection = self.connection
        scheme = "https" if connection.secure else "http"
        place = authority(connection.host, connection.port if port else None, scheme=scheme)
        return f"{scheme}://{place}{connection.morph_action_hook(path)}"

    def _headers_to_container(self, name: str, headers: Mapping[str, str]) -> Container:
        metadata = metadata_in(headers, azure.requests.METADATA)
        return self._container(azure.responses.Entry(name, headers, metadata))

    def _container(self, entry: Entry) -> Container:
        url = self._url(azure.requests.container_path(entry.name))
        return Container(entry.name, azure.responses.container_extra(entry, url), self)

    def _headers_to_object(
        self, object_name: str, container: Container, headers: Mapping[str, str]
    ) -> Object:
        metadata = metadata_in(headers, azure.requests.METADATA)
        size = int(headers["content-length"])
        return self._object(container, azure.responses.Entry(object_name, headers, metadata, size))

    def _listed_object(self, container: Container, entry: Entry) -> Object:
        obj = self._object(container, entry)
        # A listing names ETags without quotes.
        obj.extra.update(etag=f'"{obj.hash}"' if obj.hash else None, hash=obj.hash)
        return obj

    def _object(self, container: Container, entry: Entry) -> Object:
        url = self._url(azure.requests.object_path(container.name, entry.name))
        etag = strip_etag(entry.properties.get("etag", "")) or None
        extra = azure.responses.blob_extra(entry, url)
        return Object(entry.name, entry.size, etag, extra, dict(entry.metadata), container, self)


def _names_of(obj: Object) -> tuple[str, str]:
    return obj.container.name, obj.name
