# SPDX-License-Identifier: Apache-2.0
"""The download methods of drivers: to a file or as a stream, an object or a range of it.

A driver has ``_start_download(obj, start, end, verify=..., validator=...)``, which requests the
bytes and returns a :class:`~.start.Download`; further keywords are passed on to it. Its methods
``_get_object`` and ``_save_object`` are called where users override them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from os import PathLike
from typing import Any

from libcloud import storage
from libcloud.common.types import MalformedResponseError
from libcloud.storage.arguments import check_download, check_object
from libcloud.storage.base import Container, Object, StorageDriver, is_overridden
from libcloud.storage.transfer import download
from libcloud.storage.transfer.download.body import ResumableBody, checked
from libcloud.storage.transfer.download.start import Download, validator_of
from libcloud.utils.arguments import size_of, whole_number
from libcloud.utils.files import at_least_one, read_in_chunks
from libcloud.utils.headers import strip_etag

STREAM_PIECE = 5 * 1024 * 1024
"""Bytes of a piece of a stream where the caller does not say."""

_PIECE = 1024 * 1024  # bytes read at once into a file

# Where a server or proxy compresses objects, these codings are not necessarily those of the object.
_COMPRESSED = ("br", "compress", "deflate", "gzip", "x-gzip", "zstd")

# rclone (1.75) responds to a range with status 200 and a Content-Range.
_PARTIAL = (200, 206)


@dataclass(slots=True)
class Destination:
    """The destination of a download, and its options: see ``DownloadKeywords``."""

    path: str | PathLike[str]
    overwrite_existing: bool = False
    delete_on_failure: bool = True
    window: int | None = None
    part_size: int | None = None
    on_bytes: Callable[[int], object] | None = None


def save(
    driver: Any,
    obj: Object,
    to: Destination,
    *,
    described: Callable[[Object, Download], Object] | None = None,
    **how: Any,
) -> bool:
    """Save the object, a large one over several connections.

    :param described: the object as the response describes it; ``None``: as it is.
    """
    check_download(obj, to.path)
    whole_number("ex_window", to.window, least=1, example="4")
    whole_number("ex_part_size", to.part_size, least=1)
    started = driver._start_download(obj, **how)
    if described is not None:
        obj = described(obj, started)
    return _save(driver, obj, started, to, partial=False)


def save_range(
    driver: Any, obj: Object, to: Destination, start: int, end: int | None, **how: Any
) -> bool:
    check_download(obj, to.path)
    driver._validate_start_and_end_bytes(start_bytes=start, end_bytes=end)
    return _save(driver, obj, driver._start_download(obj, start, end, **how), to, partial=True)


def stream(driver: Any, obj: Object, chunk_size: int | None, **how: Any) -> Iterator[bytes]:
    """The object in pieces of ``chunk_size`` bytes, or 5 MiB; 0: at least one piece."""
    check_object(obj)
    whole_number("chunk_size", chunk_size, least=0)
    pieces = _pieces(driver, obj, driver._start_download(obj, **how), chunk_size, partial=False)
    return at_least_one(pieces) if chunk_size == 0 else pieces


def stream_range(
    driver: Any, obj: Object, start: int, end: int | None, chunk_size: int | None, **how: Any
) -> Iterator[bytes]:
    check_object(obj)
    whole_number("chunk_size", chunk_size, least=0)
    driver._validate_start_and_end_bytes(start_bytes=start, end_bytes=end)
    whole = start == 0 and end is None and not size_of(obj)
    if not whole:  # in HTTP an empty object has no ranges
        how.update(start=start, end=end)
    started = driver._start_download(obj, **how)
    return _pieces(driver, obj, started, chunk_size, partial=not whole)


def stream_range_of_version(
    driver: Any, obj: Object, start: int, end: int, **how: Any
) -> Iterator[bytes]:
    """A range of the version that ``obj`` describes."""
    started = driver._start_download(obj, start, end, validator=validator_of(obj), **how)
    return _pieces(driver, obj, started, None, partial=True)


def read(
    driver: Any,
    container: Container,
    name: str,
    start: int | None,
    end: int | None,
    *,
    length_of: Callable[[Mapping[str, str]], object] = lambda headers: headers.get(
        "content-length"
    ),
) -> tuple[Object, Iterator[bytes]]:
    """The object as the response describes it, and its bytes, by one GET request: no HEAD.

    All bytes are of one version. A whole object is verified if the store returns a checksum.

    Without a length, or with a coding that is perhaps not the object's, the object is taken from a
    HEAD request, and size and ETag are compared.

    :param start: ``None`` for the whole object.
    :param length_of: the size in the headers.
    :raises MalformedResponseError: the response is compressed, and the object is not.
    :raises ObjectChangedError: the object was replaced between the two requests.
    """
    unknown, whole = Object(name, 0, None, {}, {}, container, driver), start is None
    started = driver._start_download(unknown, start, end, verify=None if whole else False)
    headers = download.port.whole_object_headers(started.response.headers)
    length, coding = length_of(headers), headers.get("content-encoding", "")
    if length is not None and coding.strip().lower() not in _COMPRESSED:
        # By position: the drivers name the first parameter differently.
        obj = driver._headers_to_object(name, container, headers)
    else:
        try:
            obj = driver._get_object_in(container, name)
            _check_length(obj, length, coding)
            etag = strip_etag(headers.get("etag", ""))
            if etag and obj.hash and etag != obj.hash:
                raise download.start.changed(obj, "was replaced")
        except BaseException:
            download.start.close(started.response)
            raise
        if whole and _is_own(driver, started.response):
            started = started._replace(length=download.start.known_size(obj))
    return obj, _pieces(driver, unknown, started, None, partial=not whole)


def _check_length(obj: Object, length: object, coding: str) -> None:
    """Compare the size of the object with the length of a response that may be compressed.

    :raises MalformedResponseError: they differ.
    """
    if length is not None and int(str(length)) != obj.size:
        raise MalformedResponseError(
            f"Error downloading {obj.container.name}/{obj.name}: the response has {length} bytes, "
            f"and the object {obj.size}: it was compressed on the way ({coding}), although it was "
            "requested as it is stored",
            driver=obj.driver,
        )


def _save(driver: Any, obj: Object, started: Download, to: Destination, *, partial: bool) -> bool:
    response = started.response
    if _is_own(driver, response):
        body = response._response
        place = storage.destination.resolve_destination(
            to.path, obj.name, overwrite_existing=to.overwrite_existing, driver=driver
        )
        if not partial and to.delete_on_failure and response.status == 200:
            parallel = download.parallel.parallel_download(
                body,
                obj,
                limit=driver._max_concurrency,
                window=to.window,
                part_size=to.part_size,
                on_bytes=to.on_bytes,
            )
            if parallel is not None:
                with storage.destination.opened(place) as file:
                    parallel.fetch(file)
                    file.commit()
                return True
        callback: Callable[..., bool] = storage.destination.save
        keywords = {
            "pieces": body.read(_PIECE, to.on_bytes),
            "destination": place,
            "size": None if partial else size_of(obj),
            "keep_partial": not to.delete_on_failure,
        }
    else:
        callback = driver._save_object
        keywords = _hook_keywords(obj, response, to, partial=partial)
    saved: bool = driver._get_object(
        obj=obj,
        callback=callback,
        response=response,
        callback_kwargs=keywords,
        success_status_code=_PARTIAL if partial else 200,
    )
    return saved


def _hook_keywords(obj: Object, response: Any, to: Destination, *, partial: bool) -> dict[str, Any]:
    """The arguments of ``_save_object``, for a response of a foreign class or an override of it."""
    raw = response.response
    if to.on_bytes is not None:
        raw = copy(raw)
        raw._response = ResumableBody(raw._response, obj, on_bytes=to.on_bytes)
    return {
        "obj": obj,
        "response": raw,
        "destination_path": to.path,
        "overwrite_existing": to.overwrite_existing,
        "delete_on_failure": to.delete_on_failure,
        "chunk_size": _PIECE,
        **({"partial_download": True} if partial else {}),
    }


def _pieces(
    driver: Any, obj: Object, started: Download, chunk_size: int | None, *, partial: bool
) -> Iterator[bytes]:
    size, response = chunk_size or STREAM_PIECE, started.response
    is_own = _is_own(driver, response)
    if is_own:
        response._response.length = started.length
    pieces: Iterator[bytes] = driver._get_object(
        obj=obj,
        callback=_unchanged if is_own else read_in_chunks,
        response=response,
        callback_kwargs={"iterator": response.iter_content(size), "chunk_size": size},
        success_status_code=_PARTIAL if partial else 200,
    )
    return pieces if is_own else checked(pieces, obj, started.length)


def _is_own(driver: Any, response: Any) -> bool:
    """Whether the response is of the library's class, and no method that reads it is overridden."""
    is_own = isinstance(getattr(response, "_response", None), ResumableBody)
    return is_own and not is_overridden(driver, StorageDriver, "_get_object", "_save_object")


def _unchanged(iterator: Iterator[bytes], chunk_size: int) -> Iterator[bytes]:
    return iterator
