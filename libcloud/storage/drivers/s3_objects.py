# SPDX-License-Identifier: Apache-2.0
"""Objects of an S3 store: look, read, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from libcloud import storage
from libcloud.storage import drivers, s3api
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.s3_calls import S3Calls
from libcloud.storage.drivers.s3_counted import CountedResponse
from libcloud.storage.types import IncompleteDownloadError
from libcloud.utils.files import at_least_one, read_in_chunks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_lanes import Lanes
    from libcloud.storage.drivers.s3_options import ReadKeywords

__all__ = ["CHUNK_SIZE", "S3Objects"]

CHUNK_SIZE = 5 * 1024 * 1024
"""Bytes read at once where the caller does not say; also the smallest part of Amazon's S3."""

# Bytes read at once into a file.
_PIECE = 1024 * 1024

# What is stored compressed is wanted as it is stored: its size and hash are those of the object.
_AS_STORED = {"Accept-Encoding": "identity"}

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

        :param options: fields of :class:`~libcloud.storage.s3api.write_options.ReadOptions` with
            ``ex_`` before them; the methods that download take them too.

        :raises ContainerDoesNotExistError: there is no such container.
        :raises ObjectDoesNotExistError: there is no such object in it.
        """
        headers = self._read_headers(options)
        container = self.get_container(container_name=container_name)
        return self._get_object_in(container, object_name, headers)

    def _get_object_in(
        self, container: Container, object_name: str, headers: Mapping[str, str] | None = None
    ) -> Object:
        """The object of a container that is known to exist: one HEAD request."""
        path = self._get_object_path(container, object_name)
        response = self._call(
            s3api.operations.head(path, {**_AS_STORED, **(headers or {})}),
            f"Error looking for {container.name}/{object_name}",
            ok=(200, 404),
            container_name=container.name,
            object_name=object_name,
        )
        if response.status == 404:
            raise self._no_object(response, container.name, object_name)
        return self._headers_to_object(object_name, container, response.headers)

    def delete_object(self, obj: Object) -> bool:
        """Delete it.

        :raises ObjectDoesNotExistError: there was none (Amazon does not tell).
        """
        response = self._call(
            s3api.operations.delete(self._get_object_path(obj.container, obj.name)),
            f"Error deleting {obj.container.name}/{obj.name}",
            ok=(200, 204, 404),
            container_name=obj.container.name,
            object_name=obj.name,
        )
        if response.status == 404:
            raise self._no_object(response, obj.container.name, obj.name)
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
        """Save the object as a file, which appears when it is whole.

        A large one comes over several connections. They are of help only, so that it comes all the
        same from a store that gives no ranges.

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
        :raises ValueError: ``ex_window`` or ``ex_part_size`` is less than 1. Nothing was sent.
        """
        for name, number in (("ex_window", ex_window), ("ex_part_size", ex_part_size)):
            if number is not None and number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        response = self._read(obj, options, verify=ex_verify_hash)
        if delete_on_failure and self._saves_as_usual():
            lanes = drivers.s3_lanes.lanes_for(
                self,
                obj,
                response,
                window=ex_window,
                part_size=ex_part_size,
                on_bytes=on_bytes,
            )
            if lanes is not None:
                return self._save_by(lanes, obj, destination_path, overwrite_existing)
        raw = response.response
        return self._get_object(
            obj=obj,
            callback=self._save_object,
            response=response,
            callback_kwargs={
                "obj": obj,
                "response": raw if on_bytes is None else CountedResponse(raw, on_bytes),
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
        response = self._read(obj, options, verify=ex_verify_hash)
        pieces = self._stream(response, obj, chunk_size, 200)
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
        self._validate_start_and_end_bytes(start_bytes=start_bytes, end_bytes=end_bytes)
        response = self._read(obj, options, start_bytes, end_bytes)
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
            success_status_code=self._range_statuses(response),
        )

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Iterator[bytes]:
        self._validate_start_and_end_bytes(start_bytes=start_bytes, end_bytes=end_bytes)
        if start_bytes == 0 and end_bytes is None and not obj.size:
            # To HTTP an empty object has no range, not even all of it.
            return self._stream(self._read(obj, options), obj, chunk_size, 200)
        response = self._read(obj, options, start_bytes, end_bytes)
        return self._stream(response, obj, chunk_size, self._range_statuses(response))

    # Inside.

    def _saves_as_usual(self) -> bool:
        """Whether no subclass, and nobody else, has a way of its own to save objects."""
        names = ("_get_object", "_save_object")
        return all(
            name not in vars(self) and getattr(type(self), name) is getattr(StorageDriver, name)
            for name in names
        )

    def _save_by(
        self, lanes: Lanes, obj: Object, path: str | PathLike[str], overwrite_existing: bool
    ) -> bool:
        destination = storage._download.resolve_destination(
            path, obj.name, overwrite_existing=overwrite_existing, driver=self
        )
        with storage._download.opened(destination) as file:
            lanes.fetch(file)
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

    def _read(
        self,
        obj: Object,
        options: Mapping[str, object],
        start: int | None = None,
        end: int | None = None,
        *,
        verify: bool | None = False,
    ) -> Any:
        """Ask for the object's bytes; they are not read yet.

        :param verify: for a whole object; see :meth:`download_object`.
        """
        headers = {**_AS_STORED, **self._read_headers(options)}
        if start is not None:
            headers["Range"] = self._get_standard_range_str(start, end)
        if verify is not False and self.profile.checksums:
            headers.update(s3api.optional.unasked(s3api.received.MODE_HEADERS))
        path = self._get_object_path(obj.container, obj.name)
        request = s3api.operations.get_object(path, headers=headers)
        response = self._call(
            request,
            f"Error downloading {obj.container.name}/{obj.name}",
            ok=(200, 206, 404),
            raw=True,
            container_name=obj.container.name,
            object_name=obj.name,
        )
        if response.status == 404:
            raise self._no_object(response, obj.container.name, obj.name)
        drivers.s3_reading.leave_encoded(response)
        reading, of = drivers.s3_reading, drivers.s3_verify.verification_of
        version = reading.version_of(
            response, driver=self, obj=obj, request=request, start=start or 0
        )
        reading.wrap_body(response, version, of(self, obj, response.headers, wanted=verify))
        return response

    def _stream(
        self, response: Any, obj: Object, chunk_size: int | None, status: int | tuple[int, ...]
    ) -> Iterator[bytes]:
        size = chunk_size or CHUNK_SIZE
        pieces = self._get_object(
            obj=obj,
            callback=read_in_chunks,
            response=response,
            callback_kwargs={"iterator": response.iter_content(size), "chunk_size": size},
            success_status_code=status,
        )
        return _whole(pieces, drivers.s3_reading.body_length(response.headers), obj)

    def _range_statuses(self, response: Any) -> tuple[int, ...]:
        """206; rclone (1.75) answers a range by 200, with the range and a Content-Range."""
        partial = 200 if "content-range" in response.headers else 206
        return (206, partial)

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
            hash=s3api.etags.strip_etag(headers["etag"]) if "etag" in headers else None,
            extra=extra,
            meta_data={
                name[len(prefix) :]: s3api.headers.decode_metadata(value)
                for name, value in headers.items()
                if name.startswith(prefix)
            },
            container=container,
            driver=self,
        )

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("content-length")


def _whole(pieces: Iterator[bytes], length: int | None, obj: Object) -> Iterator[bytes]:
    """``pieces``, and an error at their end if there were fewer bytes than promised."""
    received = 0
    for piece in pieces:
        received += len(piece)
        yield piece
    if length is not None and received < length:
        raise IncompleteDownloadError(
            f"the body ended after {received} of {length} bytes", obj.driver, obj.name
        )
