# SPDX-License-Identifier: Apache-2.0
"""Objects of an S3 store: look, read, delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING

from libcloud import storage
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_download, check_name, check_object
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.s3_calls import S3Calls
from libcloud.utils.arguments import size_of, whole_number
from libcloud.utils.files import at_least_one, read_in_chunks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_options import ReadKeywords
    from libcloud.storage.s3.download_port import Download
    from libcloud.storage.transfer.download.parallel import ParallelDownload
    from libcloud.storage.transfer.download.ranges import Validator

__all__ = ["CHUNK_SIZE", "S3Objects"]

CHUNK_SIZE = 5 * 1024 * 1024
"""Bytes read at once where the caller does not say; also the smallest part of Amazon's S3."""

# Bytes read at once into a file.
_PIECE = 1024 * 1024

# The size and hash are those of the bytes as they are stored, perhaps compressed.
_AS_STORED = {"Accept-Encoding": "identity"}

# rclone (1.75) answers a range by 200, with a Content-Range.
_PARTIAL = (200, 206)

_EXTRA_HEADERS = {
    "content-type": "content_type",
    "etag": "etag",
    "content-encoding": "content_encoding",
    "last-modified": "last_modified",
}


class S3Objects(S3Calls):
    """Single objects."""

    http_vendor_prefix = "x-amz"

    def get_object(
        self, container_name: str, object_name: str, **options: Unpack[ReadKeywords]
    ) -> Object:
        """The object, after a HEAD request on the container and one on the object.

        :param options: fields of :class:`~libcloud.storage.s3.write_options.ReadOptions` with
            ``ex_`` before them; the methods that download take them too.

        :raises ContainerDoesNotExistError: there is no such container.
        :raises ObjectDoesNotExistError: there is no such object in it.
        """
        check_name(object_name, "object_name")
        headers = self._read_headers(options)
        container = self.get_container(container_name=container_name)
        return self._get_object_in(container, object_name, headers)

    def _get_object_in(
        self, container: Container, object_name: str, headers: Mapping[str, str] | None = None
    ) -> Object:
        """The object of a container that is known to exist: one HEAD request."""
        path = self._get_object_path(container, object_name)
        response = self._client.send(
            s3.requests.head(path, {**_AS_STORED, **(headers or {})}),
            f"Error looking for {container.name}/{object_name}",
            ok=(200, 404),
            container_name=container.name,
            object_name=object_name,
        )
        if response.status == 404:
            raise self._client.object_not_found(response, container.name, object_name)
        return self._headers_to_object(object_name, container, response.headers)

    def delete_object(self, obj: Object) -> bool:
        """Delete it.

        :raises ObjectDoesNotExistError: there was none (Amazon does not tell).
        """
        check_object(obj)
        response = self._client.send(
            s3.requests.delete(self._get_object_path(obj.container, obj.name)),
            f"Error deleting {obj.container.name}/{obj.name}",
            ok=(200, 204, 404),
            container_name=obj.container.name,
            object_name=obj.name,
        )
        if response.status == 404:
            raise self._client.object_not_found(response, obj.container.name, obj.name)
        return bool(response.status == 204)

    def download_object(
        self,
        obj: Object,
        destination_path: str | PathLike[str],
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        *,
        ex_verify_hash: bool | None = None,
        ex_window: int | None = None,
        ex_part_size: int | None = None,
        on_bytes: Callable[[int], object] | None = None,
        **options: Unpack[ReadKeywords],
    ) -> bool:
        """Save the object as a file, which appears when it is complete.

        A large object is fetched over several connections. A store that does not support ranges
        is read over one.

        :param ex_verify_hash: what the bytes are compared with. ``None``: a checksum that the store
            keeps with the object, if it tells one. ``True``: otherwise an ETag that is an MD5,
            which takes several times the processor time of the download. ``False``: nothing.
        :param ex_window: connections at once; 1 takes one. ``None``: up to 4, for an object of more
            than 32 MiB. What must be left as far as it came (``delete_on_failure``), or is compared
            with a hash that cannot be put together, comes over one.
        :param ex_part_size: bytes that one connection fetches at a time; ``None``: 8 MiB.
        :param on_bytes: called with the number of bytes of each piece that came, by the thread that
            fetched it; of several connections too. What it raises in the calling thread ends the
            download, and no file appears.
        :raises ObjectHashMismatchError: other bytes came than the store has.
        :raises TypeError: an argument is of another type. Nothing was sent.
        :raises ValueError: ``ex_window`` or ``ex_part_size`` is less than 1. Nothing was sent.
        """
        check_download(obj, destination_path)
        whole_number("ex_window", ex_window, least=1, example="4")
        whole_number("ex_part_size", ex_part_size, least=1)
        response = self._open(obj, options, verify=ex_verify_hash).response
        if delete_on_failure and self._saves_as_usual():
            parallel = transfer.download.parallel.parallel_download(
                getattr(response, "_response", None) if response.status == 200 else None,
                obj,
                limit=self._client.concurrency(),
                window=ex_window,
                part_size=ex_part_size,
                on_bytes=on_bytes,
            )
            if parallel is not None:
                return self._save_by(parallel, obj, destination_path, overwrite_existing)
        raw = response.response
        if on_bytes is not None:
            raw = transfer.download.body.CountingResponse(raw, on_bytes)
        return self._get_object(
            obj=obj,
            callback=self._save_object,
            response=response,
            callback_kwargs={
                "obj": obj,
                "response": raw,
                "destination_path": destination_path,
                "overwrite_existing": overwrite_existing,
                "delete_on_failure": delete_on_failure,
                "chunk_size": _PIECE,
            },
            success_status_code=200,
        )

    def download_object_as_stream(
        self,
        obj: Object,
        chunk_size: int | None = None,
        *,
        ex_verify_hash: bool | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Iterator[bytes]:
        """The object in pieces.

        :param ex_verify_hash: as for :meth:`download_object`. What does not agree is an
            ``ObjectHashMismatchError`` at the end.
        """
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        download = self._open(obj, options, verify=ex_verify_hash)
        pieces = self._stream(download, obj, chunk_size, (200,))
        return pieces if chunk_size != 0 else at_least_one(pieces)

    def download_object_range(
        self,
        obj: Object,
        destination_path: str | PathLike[str],
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **options: Unpack[ReadKeywords],
    ) -> bool:
        check_download(obj, destination_path)
        self._validate_start_and_end_bytes(start_bytes=start_bytes, end_bytes=end_bytes)
        response = self._open(obj, options, start_bytes, end_bytes).response
        return self._get_object(
            obj=obj,
            callback=self._save_object,
            response=response,
            callback_kwargs={
                "obj": obj,
                "response": response.response,
                "destination_path": destination_path,
                "overwrite_existing": overwrite_existing,
                "delete_on_failure": delete_on_failure,
                "chunk_size": _PIECE,
                "partial_download": True,
            },
            success_status_code=_PARTIAL,
        )

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Iterator[bytes]:
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        self._validate_start_and_end_bytes(start_bytes=start_bytes, end_bytes=end_bytes)
        if start_bytes == 0 and end_bytes is None and not size_of(obj):
            # To HTTP an empty object has no range, not even all of it.
            return self._stream(self._open(obj, options), obj, chunk_size, (200,))
        download = self._open(obj, options, start_bytes, end_bytes)
        return self._stream(download, obj, chunk_size, _PARTIAL)

    # Inside.

    def _saves_as_usual(self) -> bool:
        """Whether no subclass, and nobody else, has a way of its own to save objects."""
        names = ("_get_object", "_save_object")
        return all(
            name not in vars(self) and getattr(type(self), name) is getattr(StorageDriver, name)
            for name in names
        )

    def _save_by(
        self,
        parallel: ParallelDownload,
        obj: Object,
        path: str | PathLike[str],
        overwrite_existing: bool,
    ) -> bool:
        destination = storage.destination.resolve_destination(
            path, obj.name, overwrite_existing=overwrite_existing, driver=self
        )
        with storage.destination.opened(destination) as file:
            parallel.fetch(file)
            file.commit()
        return True

    def _read_headers(self, options: Mapping[str, object]) -> dict[str, str]:
        """What keywords of a read ask for."""
        if not options:
            return {}
        return drivers.s3_options.read_headers(
            options,
            prefix=self.http_vendor_prefix,
            secure=bool(getattr(self.connection, "secure", False)),
        )

    def _open(
        self,
        obj: Object,
        options: Mapping[str, object],
        start: int | None = None,
        end: int | None = None,
        *,
        verify: bool | None = False,
        validator: Validator | None = None,
    ) -> Download:
        """Request bytes of the object, see :class:`.download_port.Selection`; read none yet."""
        port = s3.download_port
        span = "" if start is None else self._get_standard_range_str(start, end)
        path = self._get_object_path(obj.container, obj.name)
        request = s3.requests.get_object(path, headers=self._read_headers(options))
        selection = port.Selection(start, end, span, verify, validator)
        return port.start_download(self._client, self, obj, request, selection)

    def _stream(
        self, download: Download, obj: Object, chunk_size: int | None, status: Collection[int]
    ) -> Iterator[bytes]:
        size = chunk_size or CHUNK_SIZE
        response = download.response
        pieces = self._get_object(
            obj=obj,
            callback=read_in_chunks,
            response=response,
            callback_kwargs={"iterator": response.iter_content(size), "chunk_size": size},
            success_status_code=status,
        )
        return transfer.download.body.check_length(pieces, download.length, obj)

    def _range_of_version(self, obj: Object, start_bytes: int, end_bytes: int) -> Iterator[bytes]:
        """Bytes of the very version that ``obj`` was when it was looked at.

        :raises ObjectChangedError: it is there no more.
        """
        validator = s3.download_port.validator_of(obj)
        download = self._open(obj, {}, start_bytes, end_bytes, validator=validator)
        return self._stream(download, obj, None, _PARTIAL)

    def _headers_to_object(
        self, object_name: str, container: Container, headers: Mapping[str, str]
    ) -> Object:
        """The object that an answer's headers, names in lower case, tell of."""
        size = self._get_content_length_from_headers(headers)
        if size is None:
            raise KeyError(f"Can not deduce object size from headers for object {object_name}")
        prefix = f"{self.http_vendor_prefix}-meta-"
        extra = {key: headers[name] for name, key in _EXTRA_HEADERS.items() if name in headers}
        return Object(
            name=object_name,
            size=int(size),
            hash=s3.etags.strip_etag(headers["etag"]) if "etag" in headers else None,
            extra=extra,
            meta_data={
                name[len(prefix) :]: s3.headers.decode_metadata(value)
                for name, value in headers.items()
                if name.startswith(prefix)
            },
            container=container,
            driver=self,
        )

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("content-length")
