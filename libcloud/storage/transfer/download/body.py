# SPDX-License-Identifier: Apache-2.0
"""Reads one version of an object, and resumes where a connection breaks.

The rest is requested as a range with ``If-Match``, and the responses are compared with what was
requested. So a reader gets the bytes of one version, as many as announced, or an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from libcloud.storage.base import Object
from libcloud.storage.transfer.client import pause_after, raise_if_lost
from libcloud.storage.transfer.download.port import (
    Content,
    Extent,
    RangeRequests,
    RangeResponse,
    UnexpectedExtentError,
    Verification,
    extent_of,
)
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    IncompleteDownloadError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils import cancellation
from libcloud.utils.files import refill
from libcloud.utils.headers import strip_etag

# Bytes read at once after a break. Where connections break early, most of a larger piece would be
# requested again and again.
_PIECE_AFTER_BREAK = 64 * 1024


class PinnedRange(NamedTuple):
    """A range of ``length`` bytes of one version, which can be requested from any of them on.

    :param etag: of the version, as the store wrote it.
    :param total: size of the object, bytes; ``None`` if it is not known.
    """

    port: RangeRequests
    etag: str
    start: int
    length: int
    total: int | None = None

    def part(self, start: int, length: int) -> PinnedRange:
        """A part of this range; ``start`` is counted from its start."""
        return self._replace(start=self.start + start, length=length)

    def request_rest(self, received: int) -> Content:
        """Request all but the first ``received`` bytes, once, and exactly these."""
        first, end = self.start + received, self.start + self.length
        try:
            response = self.port.get(first, end, self.etag)
        except (
            ContainerDoesNotExistError,
            ObjectDoesNotExistError,
            PreconditionFailedError,
        ) as error:
            why = "the object was replaced or deleted during the download"
            raise self._error(ObjectChangedError, why, received) from error
        try:
            self._check(response, first, end, received)
        except BaseException:
            response.content.close()
            raise
        return response.content

    def read(self, size: int) -> Generator[bytes, None, None]:
        """Request and read the range in pieces of up to ``size`` bytes; resumes after errors."""
        content, attempt = self.request(0)
        with closing(content):
            pieces = content.iter_content(size)
            yield from checked(
                pieces, self.port.obj, self.length, pinned=self, size=size, attempt=attempt
            )

    def request(
        self, received: int, attempt: int = 1, error: Exception | None = None
    ) -> tuple[Content, int]:
        """:meth:`request_rest` with retries; and the number of the attempt that got the response.

        :param attempt: the one that failed with ``error``; without an error, the first one.
        """
        retries = self.port.retries()
        limiter = retries.limiter
        epoch = limiter.epoch
        while True:
            if error is not None:
                is_cut = isinstance(error, _EndedEarlyError)
                failure = Failure(error, transient=True) if is_cut else self.port.failure(error)
                if not pause_after(failure, attempt, retries, epoch, sleep=self.port.sleep):
                    if is_cut:
                        raise _too_short(received, self.length, self.port.obj)
                    raise error
                attempt += 1
            epoch = limiter.epoch
            try:
                content = self.request_rest(received)
            except Exception as latest:
                error = latest
                continue
            retries.succeeded(epoch)
            return content, attempt

    def _check(self, response: RangeResponse, first: int, end: int, received: int) -> None:
        headers = response.headers
        if strip_etag(headers.get("etag", "")) != strip_etag(self.etag):
            raise self._error(
                ObjectChangedError, "the object was replaced during the download", received
            )
        refused = "the store did not give the rest alone"
        # rclone (1.75) responds to a range request with status 200, but with a Content-Range.
        if "content-range" not in headers:
            raise self._error(IncompleteDownloadError, refused, received)
        try:
            extent = extent_of(response.status, headers, start=first, end=end)
        except UnexpectedExtentError as error:
            why = f"{refused} ({error})"
            raise self._error(IncompleteDownloadError, why, received) from error
        if None not in (extent.total, self.total) and extent.total != self.total:
            why = f"the object has {extent.total} bytes now"
            raise self._error(ObjectChangedError, why, received)
        if extent.length != end - first:
            raise self._error(IncompleteDownloadError, refused, received)

    def _error(
        self, kind: type[IncompleteDownloadError], why: str, received: int
    ) -> IncompleteDownloadError:
        obj = self.port.obj
        text = f"the body broke off after {received} of {self.length} bytes, and {why}"
        return kind(f"{text}: start again", obj.driver, obj.name)


class ResumableBody:
    """A response of requests whose ``iter_content`` resumes after transient errors.

    All other attributes are those of the response.

    :param pinned: what the body consists of; ``None``: it cannot be resumed.
    :param verification: compared at the end; ``None``: nothing is.
    :param length: bytes that it must have; ``None`` if that is not known.
    :param on_bytes: called by ``iter_content`` with the size of each piece that arrives.
    """

    def __init__(
        self,
        response: Any,
        obj: Object,
        pinned: PinnedRange | None = None,
        verification: Verification | None = None,
        *,
        length: int | None = None,
        on_bytes: Callable[[int], object] | None = None,
    ) -> None:
        self._response = response
        self._obj = obj
        self.pinned = pinned
        self.verification = verification
        self.length = length
        self._on_bytes = on_bytes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # a half-made copy has not even a response
            raise AttributeError(name)
        return getattr(self._response, name)

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        """The body in pieces of ``chunk_size`` bytes, except for the last; see :func:`checked`."""
        if decode_unicode or not chunk_size:
            return self._response.iter_content(chunk_size, decode_unicode)
        return refill(self.read(chunk_size, self._on_bytes), chunk_size)

    def read(
        self, size: int, on_bytes: Callable[[int], object] | None = None, *, verify: bool = True
    ) -> Iterator[bytes]:
        """The body in pieces of at most ``size`` bytes; see :func:`checked`.

        :param verify: compare the checksum; otherwise only the number of bytes is checked.
        """
        return checked(
            self._response.iter_content(size),
            self._obj,
            self.length,
            pinned=self.pinned,
            verification=self.verification if verify else None,
            size=size,
            on_bytes=on_bytes,
        )


class _EndedEarlyError(OSError):
    """A body ended early, without an error of the connection."""


def checked(
    pieces: Iterator[bytes],
    obj: Object,
    length: int | None,
    *,
    pinned: PinnedRange | None = None,
    verification: Verification | None = None,
    size: int = _PIECE_AFTER_BREAK,
    attempt: int = 1,
    on_bytes: Callable[[int], object] | None = None,
) -> Iterator[bytes]:
    """``pieces`` of a body of ``length`` bytes, resumed after transient errors.

    No byte of a piece that is too much is passed on.

    :param length: ``None``: it is not checked.
    :param pinned: what they are; ``None``: they cannot be requested again.
    :param verification: compared at the end; ``None``: nothing is.
    :param size: of a piece at most, bytes.
    :param attempt: that got the first piece; counting restarts with every piece that arrives.
    :param on_bytes: called with the size of each piece before it is passed on.
    :raises IncompleteDownloadError: there are more than ``length`` bytes, or fewer.
    :raises LibcloudError: the connection broke; it is an error of requests, too.
    :raises ObjectHashMismatchError: the checksum differs.
    """
    checksum = None if verification is None else verification.new()
    received = 0
    while True:
        try:
            piece = next(pieces, None)
            if piece is None and pinned is not None and received < pinned.length:
                raise _EndedEarlyError  # without a length, it ends where its connection ends
        except Exception as error:
            if pinned is not None and received >= pinned.length:
                break
            try:
                if pinned is None:
                    raise
                rest, attempt = pinned.request(received, attempt, error)
            except Exception as latest:
                what = f"Error downloading {obj.name} after {received} bytes"
                raise_if_lost(latest, what, obj.driver)
                raise
            pieces = rest.iter_content(min(size, _PIECE_AFTER_BREAK))
            continue
        if piece is None:
            break
        cancellation.raise_if_cancelled()
        received += len(piece)
        attempt = 1
        if length is not None and received > length:
            text = f"the body has more than the {length} bytes that were requested"
            raise IncompleteDownloadError(text, obj.driver, obj.name)
        if checksum is not None:
            checksum.update(piece)
        if on_bytes is not None:
            on_bytes(len(piece))
        yield piece
    if length is not None and received < length:
        raise _too_short(received, length, obj)
    if verification is not None and checksum is not None:
        verification.check(checksum.digest())


def _too_short(received: int, length: int, obj: Object) -> IncompleteDownloadError:
    return IncompleteDownloadError(
        f"the body ended after {received} of {length} bytes", obj.driver, obj.name
    )


def pin(
    headers: Mapping[str, str], port: RangeRequests, start: int, extent: Extent
) -> PinnedRange | None:
    """The version and range in the body of a response; ``None`` if it cannot be resumed: it has no
    length, has no ETag that identifies its very bytes, or is decoded on the way.
    """
    etag = headers.get("etag", "")
    if not extent.length or not etag or etag.startswith("W/") or "content-encoding" in headers:
        return None
    return PinnedRange(port, etag, start, extent.length, extent.total)


def disable_decoding(response: Any) -> None:
    """Read the body as it is stored: a store keeps a Content-Encoding, whatever is requested."""
    raw = getattr(getattr(response, "_response", None), "raw", None)
    headers = getattr(raw, "headers", None)
    if headers is not None:
        headers.pop("content-encoding", None)
