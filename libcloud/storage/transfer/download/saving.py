# SPDX-License-Identifier: Apache-2.0
"""Saves the body of a download as a file, or gives it out in pieces.

A driver's ``_get_object`` and ``_save_object``, which users override, stay in charge where they are
overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from libcloud import storage
from libcloud.storage.base import Object, StorageDriver, is_overridden
from libcloud.storage.transfer import download
from libcloud.storage.transfer.download.start import Download
from libcloud.utils.files import at_least_one, read_in_chunks

STREAM_PIECE = 5 * 1024 * 1024
"""Bytes of a piece of a stream where the caller does not say."""

_PIECE = 1024 * 1024  # bytes read at once into a file

# rclone (1.75) responds to a range with status 200 and a Content-Range.
_PARTIAL = (200, 206)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a download is saved, and how; see ``StorageDriver.download_object``.

    :param window: connections at once; ``None``: as many as pay, up to 16.
    :param part_size: bytes that one connection fetches at a time; ``None``: 8 MiB.
    :param on_bytes: called with the size of each piece that arrives.
    :param limit: connections that the driver can use; ``None``: no limit.
    """

    path: str | PathLike[str]
    overwrite_existing: bool = False
    delete_on_failure: bool = True
    window: int | None = None
    part_size: int | None = None
    on_bytes: Callable[[int], object] | None = None
    limit: int | None = None


def save(driver: Any, obj: Object, started: Download, to: Destination, *, partial: bool) -> bool:
    """Save the body of ``started``, a large one over several connections.

    :param partial: it is a range of the object.
    """
    response = started.response
    saves_itself = is_overridden(driver, StorageDriver, "_get_object", "_save_object")
    if not partial and to.delete_on_failure and not saves_itself:
        parallel = download.parallel.parallel_download(
            getattr(response, "_response", None) if response.status == 200 else None,
            obj,
            limit=to.limit,
            window=to.window,
            part_size=to.part_size,
            on_bytes=to.on_bytes,
        )
        if parallel is not None:
            place = storage.destination.resolve_destination(
                to.path, obj.name, overwrite_existing=to.overwrite_existing, driver=driver
            )
            with storage.destination.opened(place) as file:
                parallel.fetch(file)
                file.commit()
            return True
    raw = response.response
    if to.on_bytes is not None:
        raw = download.body.CountingResponse(raw, to.on_bytes)
    saved: bool = driver._get_object(
        obj=obj,
        callback=driver._save_object,
        response=response,
        callback_kwargs={
            "obj": obj,
            "response": raw,
            "destination_path": to.path,
            "overwrite_existing": to.overwrite_existing,
            "delete_on_failure": to.delete_on_failure,
            "chunk_size": _PIECE,
            **({"partial_download": True} if partial else {}),
        },
        success_status_code=_PARTIAL if partial else 200,
    )
    return saved


def stream(
    driver: Any, obj: Object, started: Download, chunk_size: int | None, *, partial: bool
) -> Iterator[bytes]:
    """The body of ``started`` in pieces of ``chunk_size`` bytes.

    :param chunk_size: ``None``: 5 MiB; 0: at least one piece, which may be empty.
    """
    size = chunk_size or STREAM_PIECE
    status: Collection[int] = _PARTIAL if partial else (200,)
    pieces = driver._get_object(
        obj=obj,
        callback=read_in_chunks,
        response=started.response,
        callback_kwargs={"iterator": started.response.iter_content(size), "chunk_size": size},
        success_status_code=status,
    )
    checked = download.body.check_length(pieces, started.length, obj)
    return at_least_one(checked) if chunk_size == 0 and not partial else checked


def read(
    driver: Any,
    unknown: Object,
    started: Download,
    *,
    whole: bool,
    length_of: Callable[[Mapping[str, str]], object] = lambda headers: headers.get(
        "content-length"
    ),
) -> tuple[Object, Iterator[bytes]]:
    """The object as the response describes it, and its bytes.

    :param unknown: the container and the name; nothing else is known of the object yet.
    :param whole: the response is not a range.
    :param length_of: the size in the headers; without one, the object is taken from a HEAD request.
    """
    pieces = stream(driver, unknown, started, None, partial=not whole)
    headers = download.ranges.whole_object_headers(started.response.headers)
    if length_of(headers) is None:
        return driver._get_object_in(unknown.container, unknown.name), pieces
    return driver._headers_to_object(unknown.name, unknown.container, headers), pieces
