# SPDX-License-Identifier: Apache-2.0
"""The base of the drivers for OpenStack Swift.

A stream within the first part is stored by one request. A longer one becomes a *static large
object*: segments in a container of their own, and a manifest that publishes the object.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import swift, transfer
from libcloud.storage.arguments import (
    check_name,
    check_object,
    check_settings,
    check_upload,
    latest_start,
)
from libcloud.storage.base import Container, Object, StorageDriver, is_overridden
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.drivers._multipart import MultipartDriver
from libcloud.storage.drivers.cloudfiles_connection import OpenStackSwiftConnection
from libcloud.storage.keywords import SwiftKeywords, SwiftUploadKeywords
from libcloud.storage.metadata import PROPERTIES, properties_in, property_headers
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.multipart import SegmentNames, SwiftMultipartUpload
from libcloud.storage.transfer.upload.times import was_created_within
from libcloud.storage.transfer.values import StoredObject
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ObjectHashMismatchError,
    PreconditionFailedError,
)
from libcloud.utils.arguments import plain_headers
from libcloud.utils.bodies import new_md5
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.transfer.download.port import Verification
    from libcloud.storage.transfer.download.start import Download, Selection
    from libcloud.storage.transfer.upload.session import ObjectUpload
    from libcloud.storage.writer import UploadWriter
    from libcloud.utils.bodies import Pieces

__all__ = ["SwiftStorageDriver"]

_MANIFEST = "x-object-manifest"  # a header of a dynamic large object

# A writer calls none of these. If one of them is overridden, it is called with a file.
_STREAM_METHODS = ("upload_object_via_stream", "_put_object")


class SwiftStorageDriver(MultipartDriver):
    """The base class of the drivers for Swift and for Cloud Files.

    :param key: user name.
    :param secret: password, or API key.
    :param host: of a cluster with TempAuth; with Keystone, pass ``ex_force_auth_url``.
    :param region: of the service in Keystone's catalog.
    :param ex_segment_container: container of the segments of large objects; ``{container}`` is
        replaced by the name of the object's container.
    :raises TypeError: there is no such keyword.
    """

    connectionCls: Any = OpenStackSwiftConnection
    supports_chunked_encoding = True
    #: Streams longer than a part become large objects.
    supports_swift_large_objects = True
    _kept_properties = tuple(PROPERTIES)

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        region: str | None = None,
        *,
        ex_segment_container: str = "{container}_segments",
        **kwargs: Unpack[SwiftKeywords],
    ) -> None:
        check_settings(kwargs)
        for name in set(kwargs) - set(SwiftKeywords.__annotations__):
            raise TypeError(f"{type(self).__name__} has no keyword {name!r}")
        passed: dict[str, Any] = {**kwargs}
        chosen = {name: passed.pop(name) for name in kwargs if name.startswith("ex_")}
        if host is not None and not chosen.get("ex_force_auth_url"):
            scheme, place = "https" if secure else "http", f"{host}:{port}" if port else host
            chosen["ex_force_auth_url"] = f"{scheme}://{place}/auth/v1.0"
            chosen.setdefault("ex_force_auth_version", "1.0")
        if region is not None:
            chosen.setdefault("ex_force_service_region", region)
        self._openstack_settings = {k: v for k, v in chosen.items() if v is not None}
        self.ex_segment_container = ex_segment_container
        super().__init__(key, secret or "", secure, region=region, **passed)

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        return dict(self._openstack_settings)

    @property
    def _client(self) -> SwiftClient:
        """Sends the requests; one for all threads of the driver, created at first use."""
        client = vars(self).get("_swift_client")
        if client is None:
            client = vars(self).setdefault("_swift_client", SwiftClient(self))
        return client  # type: ignore[no-any-return]

    def _max_concurrency(self) -> int | None:
        return self._client.concurrency()

    @property
    def capabilities(self) -> Capabilities:
        """The features of a cluster with the default configuration."""
        has_uploads = self.supports_swift_large_objects
        return Capabilities(
            multipart=has_uploads,
            chunked_encoding=True,
            limits=swift.profiles.DEFAULT.limits,
            any_object_name=True,
            metadata=True,
            content_type=True,
            etag_is_md5=True,
            prefix_listing=True,
            conditional_writes=False,  # If-None-Match: * only
            list_uploads=has_uploads,
            presigned_urls=False,
            checksums=("md5",),
        )

    # Containers.

    def iterate_containers(self) -> Iterator[Container]:
        """The containers of the account; ``extra`` has ``object_count`` and ``size``."""
        for found in self._client.containers():
            extra = {"object_count": found.count, "size": found.size}
            yield Container(found.name, extra, self)

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_start_after: str | None = None,
    ) -> Iterator[Object]:
        """The objects of a container, in the order of their names.

        :param ex_start_after: only names after this one, which need not exist.
        :raises ContainerDoesNotExistError: there is no such container.
        """
        prefix = self._normalize_prefix_argument(prefix, ex_prefix)
        self._client.container_path(container.name)
        after = ex_start_after or ""
        for found in self._client.objects(container.name, prefix=prefix or "", after=after):
            extra: dict[str, Any] = {
                "content_type": found.content_type,
                "last_modified": found.last_modified,
            }
            if found.is_large:
                extra["static_large_object"] = True
            yield Object(found.name, found.size, found.etag, extra, {}, container, self)

    def get_container(self, container_name: str) -> Container:
        found = self._client.head(container_name)
        count = found.get("x-container-object-count", 0)
        used = found.get("x-container-bytes-used", 0)
        return Container(container_name, {"object_count": int(count), "size": int(used)}, self)

    def create_container(self, container_name: str) -> Container:
        self._client.container_path(container_name)
        begun = time.monotonic()

        def is_ours() -> bool:
            found = self._client.head(container_name)
            # Last-Modified is the time of the last PUT, which the second attempt was. X-Timestamp
            # is that of the first one, also if the container was deleted.
            if found.get("x-container-object-count", "0") == "0":
                return True
            return was_created_within(found, time.monotonic() - begun)

        def create() -> None:
            response = self._client.send_once(
                swift.requests.put_container(container_name),
                f"Error creating {container_name}",
                ok=(201, 202),
                names=(container_name, ""),
            )
            if response.status == 202:
                raise ContainerAlreadyExistsError(
                    "Container with this name already exists", self, container_name
                )

        self._client.retry_loop.ensure(create, ContainerAlreadyExistsError, confirm=is_ours)
        return Container(container_name, {"object_count": 0}, self)

    def delete_container(self, container: Container) -> bool:
        request = swift.requests.delete(self._client.container_path(container.name))
        what, names = f"Error deleting {container.name}", (container.name, "")
        self._client.ensure(request, what, ContainerDoesNotExistError, ok=(202, 204), names=names)
        return True

    # Objects.

    def delete_object(self, obj: Object) -> bool:
        """Delete an object; the segments of a large one, too."""
        check_object(obj)
        is_large = obj.extra.get("static_large_object")
        swift.deletion.delete_object(self._client, obj.container.name, obj.name, is_large=is_large)
        return True

    def _headers_to_object(
        self, name: str, container: Container, headers: Mapping[str, str]
    ) -> Object:
        extra: dict[str, Any] = {
            "content_type": headers.get("content-type", ""),
            "last_modified": headers.get("last-modified", ""),
        }
        extra.update(properties_in(headers))
        if swift.deletion.is_static_large(headers):
            extra["static_large_object"] = True
        meta_data = swift.requests.metadata_in(headers)
        size = int(headers.get("content-length", 0))
        etag = strip_etag(headers.get("etag", ""))
        return Object(name, size, etag, extra, meta_data, container, self)

    # Uploads.

    def upload_object(
        self,
        file_path: str | os.PathLike[str],
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
        headers: dict[str, str] | None = None,
        **options: Unpack[SwiftUploadKeywords],
    ) -> Object:
        """Upload a file. Keywords and errors are those of :meth:`upload_object_via_stream`.

        :param verify_hash: compare the ETags of responses; the store compares each request with its
            MD5 in any case.
        :raises SizeMismatchError: the file changed its size; nothing was published.
        """
        return self._put_object(
            container,
            object_name,
            extra,
            file_path=file_path,
            verify_hash=verify_hash,
            headers=headers,
            options=options,
        )

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **options: Unpack[SwiftUploadKeywords],
    ) -> Object:
        """Upload a stream of unknown length.

        An object that is overwritten stays as it was until the new one is complete. The segments of
        a large object that another large one overwrites are deleted after that; those of one that a
        small object overwrites are listed by :meth:`ex_iterate_multipart_uploads`.

        :param extra: ``content_type`` and ``meta_data`` (a dict) of the object.
        :param headers: further headers: ``If-None-Match: *``, ``X-Delete-After``, ...
        :raises PreconditionFailedError: the object exists, and must not. It is as it was.
        :raises ObjectTooLargeError: the stream has more than the cluster takes. Nothing was
            published.
        :raises ObjectHashMismatchError: other data arrived than was sent.
        :raises UploadOutcomeUnknownError: the store did not report whether it was published.
        :raises BaseException: the first error, also one of ``iterator``. Nothing was published, and
            nothing stays at the store unless the exception has an ``upload_id``.
        """
        return self._put_object(
            container, object_name, extra, stream=iterator, headers=headers, options=options
        )

    def _put_object(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        file_path: str | os.PathLike[str] | None = None,
        stream: Any = None,
        verify_hash: bool = True,
        headers: dict[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Object:
        if is_overridden(self, StorageDriver, "_upload_object"):
            return self._put_by_hook(
                container, object_name, extra, headers, file_path=file_path, stream=stream
            )
        session = self._session(
            container, object_name, extra, headers, options or {}, file_path, verify=verify_hash
        )
        if file_path is not None:
            stored = session.send_file(file_path)
        else:
            _rewind_finished(stream)
            stored = session.send(stream)
        return self._made_object(container, object_name, stored, extra)

    def _put_by_hook(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None,
        headers: dict[str, str] | None,
        **source: Any,
    ) -> Object:
        """Upload by a subclass's own ``_upload_object``."""
        extra = extra or {}
        sent = {**plain_headers(headers)}
        sent.update(swift.requests.metadata_headers(extra.get("meta_data") or {}))
        result = self._upload_object(
            object_name=object_name,
            content_type=extra.get("content_type"),
            request_path=self._client.object_path(container.name, object_name),
            headers=sent,
            **source,
        )
        response = result["response"]
        etag = strip_etag(response.headers.get("etag", ""))
        if response.status != 201 or etag != result["data_hash"]:
            raise ObjectHashMismatchError(
                f"MD5 hash {etag} checksum does not match {result['data_hash']}", self, object_name
            )
        stored = StoredObject(etag, result["bytes_transferred"])
        return self._made_object(container, object_name, stored, extra)

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **options: Unpack[SwiftUploadKeywords],
    ) -> UploadWriter[Object]:
        """A file to be written that becomes an object; sent in parts while it is written.

        Arguments are those of :meth:`upload_object_via_stream`.
        """
        session = self._session(container, object_name, extra, headers, options)
        if is_overridden(self, SwiftStorageDriver, *_STREAM_METHODS):
            return self._spooled_writer(
                container, object_name, extra=extra, headers=headers, **options
            )
        return session.open_writer(
            lambda stored: self._made_object(container, object_name, stored, extra)
        )

    def ex_multipart_upload_object(
        self,
        file_path: str | os.PathLike[str],
        container: Container,
        object_name: str,
        chunk_size: int = 33554432,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
    ) -> Object:
        """Upload a file as a large object, with segments of ``chunk_size`` bytes.

        :param chunk_size: bytes per segment.
        """
        return self.upload_object(
            file_path, container, object_name, extra, verify_hash, ex_part_size=chunk_size
        )

    def _upload_of(
        self,
        container_name: str,
        object_name: str,
        headers: Mapping[str, str],
        meta_data: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        **of_port: Any,
    ) -> ObjectUpload[bytes | Pieces]:
        client = self._client
        client.object_path(container_name, object_name)
        own, chosen = transfer.upload.session.split_keywords(
            options, ("ex_if_none_match", "ex_checksum"), max_memory=self.ex_max_memory
        )
        if own.get("ex_checksum", "md5") != "md5":
            raise ValueError(f"ex_checksum: Swift knows 'md5' only, not {own['ex_checksum']!r}")
        sent = {**headers, **swift.requests.metadata_headers(meta_data or {})}
        condition = own.get("ex_if_none_match")
        if condition not in (None, "*"):
            raise ValueError(f"ex_if_none_match: Swift knows '*' only, not {condition!r}")
        if condition:
            sent["If-None-Match"] = condition
        names = self._segment_names(container_name, object_name)
        port = swift.upload_port.SwiftUploadPort(client, names, sent, **of_port)
        limits, retries = client.profile().limits, client.retry_loop.retries()
        return transfer.upload.session.ObjectUpload(
            port, limits, chosen, retries, client.concurrency(), self, container_name, object_name
        )

    def _segment_container(self, container_name: str) -> str:
        return self.ex_segment_container.replace("{container}", container_name)

    def _segment_names(self, container_name: str, object_name: str) -> SegmentNames:
        place = self._segment_container(container_name)
        longest = self._client.profile().max_name
        return SegmentNames(place, container_name, object_name, longest)

    # Uploads in progress.

    def ex_iterate_multipart_uploads(
        self, container: Container, prefix: str | None = None
    ) -> Iterator[SwiftMultipartUpload]:
        """Uploads whose segments no object refers to: in progress, interrupted, or overwritten.

        :param prefix: only of objects whose names begin so.
        """
        place = self._segment_container(container.name)
        return swift.multipart.iterate_uploads(self._client, container.name, place, prefix or "")

    def ex_cleanup_multipart_uploads(
        self,
        container: Container,
        prefix: str | None = None,
        older_than: timedelta | datetime | None = None,
        dry_run: bool = False,
    ) -> list[SwiftMultipartUpload]:
        """Delete the segments of such uploads, and return which.

        :param older_than: spare uploads that began later than this time, or less than this long
            ago. ``None`` spares none, not even those that are being sent right now.
        :param dry_run: delete nothing.
        :raises LibcloudError: the container keeps versions, which such segments may belong to.
        """
        head = swift.requests.head(self._client.container_path(container.name))
        latest = latest_start(older_than, partial(self._client.earliest_now, head))
        if not dry_run:
            swift.deletion.refuse_versions(self._client, container.name)
        found = []
        for upload in self.ex_iterate_multipart_uploads(container, prefix):
            if latest is None or (upload.created_at is not None and upload.created_at <= latest):
                # At once, because it may be published while others are looked for.
                if not dry_run:
                    self._abort_multipart(container, upload.key, upload.id)
                found.append(upload)
        return found

    def ex_cleanup_all_multipart_uploads(
        self, container: Container, prefix: str | None = None
    ) -> bool:
        """:meth:`ex_cleanup_multipart_uploads` of all."""
        self.ex_cleanup_multipart_uploads(container, prefix)
        return True

    def ex_copy_object(
        self,
        obj: Object,
        container: Container,
        object_name: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[SwiftUploadKeywords],
    ) -> Object:
        """Have the store copy ``obj``, after a HEAD request for it.

        What is too large for one request (5 GiB), or what the store would copy without its
        segments, is streamed through this machine.

        :param metadata: of the copy; ``None``: that of ``obj``, and when it expires.
        :param content_type: of the copy; ``None``: that of ``obj``.
        :param ex_storage_class: not used: the container decides.
        :raises ObjectDoesNotExistError: there is no such object. Nothing was stored.
        :raises ContainerDoesNotExistError: there is no such container. Nothing was stored.
        """
        check_object(obj)
        check_upload(container, object_name, extra={"meta_data": metadata}, headers=headers)
        self._client.object_path(container.name, object_name)
        found = self._get_object_in(obj.container, obj.name)
        kept = found.meta_data if metadata is None else dict(metadata)
        kind = content_type or found.extra["content_type"]
        given = plain_headers(headers)
        sent = {**property_headers(found.extra, given), **given}
        place = container.name, object_name
        if found.size <= self._client.profile().limits.max_put_size:
            named = {**sent, "Content-Type": kind}
            if metadata is not None:
                fresh = swift.requests.metadata_headers(metadata)
                named.update({"X-Fresh-Metadata": "true", **fresh})
            copied = self._copy((obj.container.name, obj.name), place, named)
            if not (found.extra.get("static_large_object") and self._has_dropped(obj, place)):
                stored = StoredObject(strip_etag(copied.get("etag", "")), found.size)
                return self._made_object(container, object_name, stored, {"meta_data": kept})
        extra = {"meta_data": kept, "content_type": kind}
        pieces = self.download_object_as_stream(found)
        return self.upload_object_via_stream(pieces, container, object_name, extra, sent, **options)

    def _has_dropped(self, obj: Object, target: tuple[str, str]) -> bool:
        """Delete a copy that consists of the segments of ``obj``, which are deleted with that.

        Ceph RGW 16 copies the manifest of a large object, where Swift copies its data.
        """
        client, what = self._client, f"Error copying {obj.name} to {'/'.join(target)}"
        if (obj.container.name, obj.name) == target:
            return False
        if not swift.deletion.is_static_large(client.head(*target, what)):
            return False
        request = swift.requests.delete(client.object_path(*target))
        client.send(request, what, ok=(200, 202, 204, 404), names=target)
        return True

    def _copy(
        self, source: tuple[str, str], target: tuple[str, str], headers: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Copy by one request; a static large object becomes a plain one. Returns its headers."""
        client, begun = self._client, time.monotonic()
        what = f"Error copying {'/'.join(source)} to {'/'.join(target)}"
        request = swift.requests.copy_object(
            client.object_path(*target), client.object_path(*source), headers
        )

        def is_ours() -> bool:
            there, original = client.head(*target, what), client.head(*source, what)
            # The ETag of a copied large object is another one.
            is_large = swift.deletion.is_static_large(original)
            compared = ("content-length",) if is_large else ("content-length", "etag")
            same = all(there.get(name) == original.get(name) for name in compared)
            return same and transfer.upload.times.is_recent(there, time.monotonic() - begun)

        copied = client.ensure(
            request, what, PreconditionFailedError, ok=(201,), names=target, confirm=is_ours
        )
        return client.head(*target, what) if copied is None else copied.headers

    def ex_resume_upload(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        upload_id: str,
        headers: dict[str, str] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        **options: Unpack[SwiftUploadKeywords],
    ) -> Object:
        """Resume an upload that failed, and publish the object.

        ``iterator`` yields all the data again, from its start. A segment that the store has is sent
        again unless its size and its MD5 are the same.

        :param upload_id: of the exception, or from :meth:`ex_iterate_multipart_uploads`.
        :param headers: as for :meth:`upload_object_via_stream`, like ``extra``: Swift stores them
            with the manifest.
        :param ex_part_size: bytes per segment; ``None``: those of the first one that is there.
        :param ex_on_failure: ``"keep"`` if not passed, so that the upload can be resumed again.
        :raises LibcloudError: the upload has no segments (any more).
        """
        check_name(upload_id, "upload_id")
        self._client.object_path(container.name, object_name)
        names = self._segment_names(container.name, object_name)
        found = swift.multipart.segments_of(self._client, names, upload_id)
        if not found:
            raise self._no_such_upload("resuming", container, object_name, "it has no segments")
        held = {
            swift.multipart.number_of(record.name): (record.size, record.etag) for record in found
        }
        chosen: dict[str, Any] = {"ex_on_failure": "keep", **options}
        if chosen.get("ex_part_size") is None and 1 in held:
            chosen["ex_part_size"] = held[1][0]
        session = self._session(container, object_name, extra, headers, chosen)
        port: Any = session.store
        port.held = held
        if any(swift.multipart.has_md5(record.name) for record in found):
            port.attach(upload_id)
        self._client.retry_loop.run(port.prepare)
        sizes = {number: size for number, (size, _) in held.items()}
        resumed = transfer.upload.session.Resumed(upload_id, sizes)
        stored = session.send(iterator, resumed)
        return self._made_object(container, object_name, stored, extra)

    def _no_such_upload(
        self, doing: str, container: Container, object_name: str, why: str
    ) -> LibcloudError:
        detail = swift.errors.ErrorDetail(404, "NoSuchUpload", why)
        text = f"Error {doing} {container.name}/{object_name}: {swift.errors.describe(detail)}"
        return swift.errors.attach_detail(LibcloudError(text, self), detail)

    def ex_list_parts(self, container: Container, upload: SwiftMultipartUpload) -> Iterator[Object]:
        """The segments of an upload in progress."""
        names = self._segment_names(container.name, upload.key)
        place = Container(names.container, {}, self)
        for found in swift.multipart.segments_of(self._client, names, upload.id):
            yield Object(found.name, found.size, found.etag, {}, {}, place, self)

    def _abort_multipart(self, container: Container, object_name: str, upload_id: str) -> None:
        """Delete the segments of an upload in progress.

        :raises LibcloudError: it is published. Nothing was deleted.
        """
        if upload_id in swift.multipart.published_ids(self._client, container.name, object_name):
            raise self._no_such_upload("aborting", container, object_name, "it is published")
        names = self._segment_names(container.name, object_name)
        swift.multipart.abort(self._client, names, upload_id)

    # Downloads.

    def _request_download(self, obj: Object, selection: Selection) -> Download:
        def examine(response: Any) -> Verification | None:
            """The MD5 that the bytes must have; the ETag of a large object is not an MD5."""
            headers = response.headers
            etag = strip_etag(headers.get("etag", "")).lower()
            is_large = swift.deletion.is_static_large(headers) or _MANIFEST in headers
            is_wanted = selection.verify is True and selection.start is None
            if not is_wanted or is_large or not re.fullmatch("[0-9a-f]{32}", etag):
                return None
            value = bytes.fromhex(etag)
            return transfer.download.port.Verification(
                obj, "md5", value, new=new_md5, combine=None, format=bytes.hex
            )

        path = self._client.object_path(obj.container.name, obj.name)
        return transfer.download.start.request_download(
            self._client, obj, swift.requests.get_object(path), selection, examine=examine
        )

    def _described(self, obj: Object, started: Download) -> Object:
        """``obj``; with the size of the response if it is a dynamic large object.

        A listing has the size of its manifest, which is empty. Reference: Swift, "Large objects".
        """
        if _MANIFEST not in started.response.headers or started.length is None:
            return obj
        found = copy(obj)
        found.size = started.length
        return found


def _rewind_finished(stream: Any) -> None:
    """Send a file whose position is its end from its start, as Apache Libcloud does."""
    if not (hasattr(stream, "seek") and hasattr(stream, "tell")):
        return
    try:
        position = stream.tell()
        if position >= stream.seek(0, os.SEEK_END):
            position = 0
        stream.seek(position)
    except (OSError, ValueError):
        return  # a pipe, or a closed file, which reading complains about
