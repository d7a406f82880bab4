# SPDX-License-Identifier: Apache-2.0
"""The download engine's interface to a store: ranges of one version, and its checksum.

A response is compared with the range that was requested: a proxy, a cache or a store may return
other bytes, or those of another version than the one that is being read.

Reference: RFC 9110, 13.1 (preconditions), 14.4 (Content-Range), 15.3.7 (206 Partial Content).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from libcloud.common.request import HttpRequest
from libcloud.storage.base import Object
from libcloud.storage.transfer.client import StoreClient
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.utils.headers import strip_etag
from libcloud.utils.values import Value

_CONTENT_RANGE = re.compile(r"bytes[ =]([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)", re.I)


class Content(Protocol):
    """The body of a response, which has not been read."""

    def iter_content(self, chunk_size: int, /) -> Iterator[bytes]:
        """The bytes in pieces of at most ``chunk_size``."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RangeResponse(Value):
    """A successful response to a request for a range; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: Content


class RangeRequests:
    """Requests for ranges of one object. Several threads may use it at once.

    :param request: that the first response was for; its range is replaced.
    :param range_header: the name of the header with the range.
    :param omitted: the name of a header that only the first request has.
    :param condition: makes headers of ``If-Match``, which some stores may refuse.
    """

    def __init__(
        self,
        client: StoreClient[Any],
        obj: Object,
        request: HttpRequest,
        *,
        range_header: str = "Range",
        omitted: str = "",
        condition: Callable[[dict[str, str]], dict[str, str]] = dict,
    ) -> None:
        self.obj = obj
        self._client = client
        self._request = request
        self._range_header = range_header
        self._omitted = omitted
        self._condition = condition
        loop = client.retry_loop
        self.retries, self.sleep, self.failure = loop.retries, loop.sleep, loop.failure_of

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """Request the bytes from ``start`` to before ``end`` of the version with ``etag``."""
        version = self._condition({"If-Match": etag})
        added = {self._range_header: f"bytes={start}-{end - 1}", **version}
        headers = {**self._request.headers, **added}
        headers.pop(self._omitted, None)
        names = (self.obj.container.name, self.obj.name)
        response = self._client.send_once(
            replace(self._request, headers=headers),
            f"Error resuming the download of {'/'.join(names)}",
            ok=(200, 206),
            raw=True,
            names=names,
        )
        return RangeResponse(response.status, response.headers, response.response._response)


class RunningChecksum(Protocol):
    """A checksum while it is computed."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add ``data``."""

    def digest(self) -> bytes:
        """The checksum of everything added."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Verification(Value):
    """The checksum that the bytes of ``obj`` must have.

    :param algorithm: its name, for messages.
    :param expected: the value that the store reports.
    :param new: starts a computation, over the whole object or over one part.
    :param combine: computes the checksum of the object from those of its parts, in order, each with
        its length; ``None`` if the algorithm does not allow that.
    :param format: a value as the store writes it.
    """

    obj: Object
    algorithm: str
    expected: bytes
    new: Callable[[], RunningChecksum]
    combine: Callable[[Iterable[tuple[bytes, int]]], bytes | None] | None
    format: Callable[[bytes], str]

    def check(self, digest: bytes | None) -> None:
        """:raises ObjectHashMismatchError: the received bytes have another checksum."""
        if digest == self.expected:
            return
        received = "of no data" if digest is None else self.format(digest)
        raise ObjectHashMismatchError(
            f"{self.obj.container.name}/{self.obj.name} was received with the {self.algorithm} "
            f"{received}, and the store has {self.format(self.expected)}: what was received is "
            "damaged. Download it again",
            self.obj.driver,
            self.obj.name,
        )


class UnexpectedExtentError(ValueError):
    """The response contains other bytes than those that were requested."""


class Extent(NamedTuple):
    """The bytes in a response, and those of the object; ``None``: not known."""

    length: int | None
    total: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Validator(Value):
    """Identifies one version of an object.

    :param etag: as the store writes it; may be empty.
    :param modified: the ``Last-Modified`` header, used where there is no ETag; may be empty.
    :param size: bytes of the object; ``None`` if it is not known.
    """

    etag: str = ""
    modified: str = ""
    size: int | None = None

    def conditions(self) -> dict[str, str]:
        """Headers that make the store refuse another version. ``If-Match`` needs a strong ETag."""
        if strip_etag(self.etag) and not self.etag.startswith("W/"):
            return {"If-Match": self.etag}
        return {"If-Unmodified-Since": self.modified} if self.modified else {}

    def agrees(self, headers: Mapping[str, str], total: int | None) -> bool:
        """Whether a response, by which the object has ``total`` bytes, may be of this version."""
        if None not in (total, self.size) and total != self.size:
            return False
        etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
        if self.etag and etag:
            return strip_etag(self.etag) == strip_etag(etag)
        return not (self.modified and modified) or self.modified == modified


def extent_of(
    status: int,
    headers: Mapping[str, str],
    *,
    start: int | None = None,
    end: int | None = None,
    size: int | None = None,
) -> Extent:
    """The range in a response of status 200 or 206.

    :param headers: names in lower case.
    :param start: of the range that was requested; ``None`` if none was. Negative for the last
        bytes of the object, whatever its size is.
    :param end: the byte after it; ``None`` for the end of the object.
    :param size: bytes of the object, if they are known.
    :raises UnexpectedExtentError: it contains other bytes.
    """
    content_range = headers.get("content-range", "").strip()
    length = None if "transfer-encoding" in headers else content_length(headers)
    if start is not None and start < 0:
        start = _start_of_suffix(content_range, -start)
    if start is None and not content_range:
        return Extent(length, length)
    if not content_range:
        return _extent_of_unnamed(status, headers, start or 0, end, size)
    match = _CONTENT_RANGE.fullmatch(content_range)
    if match is None:
        raise UnexpectedExtentError(f"the response has the Content-Range {content_range[:60]!r}")
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    known = size if total is None else total
    expected = _last(end, known)
    wrong_end = last != expected if known is not None else expected is not None and last > expected
    if first != (start or 0) or wrong_end or last < first:
        asked = f"{start or 0}-{'' if expected is None else expected}"
        raise UnexpectedExtentError(f"the response has bytes {content_range[6:60]}, not {asked}")
    if length is not None and length != last - first + 1:
        raise UnexpectedExtentError(
            f"the response has {length} bytes and the Content-Range {content_range[:60]}"
        )
    return Extent(last - first + 1, total)


def _start_of_suffix(content_range: str, length: int) -> int:
    """The first of the last ``length`` bytes of the object."""
    match = _CONTENT_RANGE.fullmatch(content_range)
    if match is None or match[3] == "*":
        raise UnexpectedExtentError("the response does not report which bytes it has")
    return max(0, int(match[3]) - length)


def content_length(headers: Mapping[str, str]) -> int | None:
    """Bytes of the body on the wire; ``None`` if the response does not say."""
    text = headers.get("content-length", "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def whole_object_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a response to GET, with the length of the object, not of the range."""
    content_range = headers.get("content-range", "")
    if not content_range:
        return dict(headers)
    size = content_range.rpartition("/")[2].strip()
    others = {name: value for name, value in headers.items() if name != "content-length"}
    return {**others, "content-length": size} if size.isdecimal() else others


def _extent_of_unnamed(
    status: int, headers: Mapping[str, str], start: int, end: int | None, size: int | None
) -> Extent:
    """The range in a response without a Content-Range, according to the number of its bytes."""
    length = content_length(headers)
    if size is not None and start >= size:
        size = None  # the object is larger than its description says
    if status == 200:
        known = size if length is None else length
        if start or (end is not None and (known is None or end < known)):
            raise UnexpectedExtentError("the response is the whole object, not a range of it")
        return Extent(known, length)
    if headers.get("content-type", "").lower().startswith("multipart/byteranges"):
        raise UnexpectedExtentError("the response has several ranges, not one")
    last = _last(end, size)
    # Bytes beyond the known end are those of an object that has grown.
    expected = None if last is None or last < start else last - start + 1
    if None not in (length, expected) and (length or 0) > (expected or 0):
        raise UnexpectedExtentError(f"the response has {length} bytes, not {expected}")
    if size is None or expected is None:
        return Extent(length, None)
    if length not in (None, expected):
        raise UnexpectedExtentError(f"the response has {length} bytes, not {expected}")
    return Extent(expected, None)


def _last(end: int | None, size: int | None) -> int | None:
    """The last byte of a range; ``None`` if it is not known."""
    bounds = [bound for bound in (end, size) if bound is not None]
    return min(bounds) - 1 if bounds else None
