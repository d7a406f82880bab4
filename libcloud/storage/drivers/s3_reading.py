# SPDX-License-Identifier: Apache-2.0
"""Bodies of objects that go on where their connection breaks off, and are compared at their end.

The rest is asked for as a range of the same version: by ``If-Match`` with the ETag of the first
answer, which the next one must have too. So a reader gets the bytes of one version or an error, and
as many of them as the first answer said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from libcloud.common.request import HttpRequest
from libcloud.common.response import RawResponse
from libcloud.storage import s3api
from libcloud.storage.base import Object
from libcloud.storage.drivers.s3_calls import S3Calls
from libcloud.storage.drivers.s3_verify import Verification
from libcloud.storage.s3.client import failure_of
from libcloud.storage.s3api.etags import strip_etag
from libcloud.storage.s3api.ranges import Extent
from libcloud.storage.s3api.received import MODE
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import (
    IncompleteDownloadError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.files import read_in_chunks

__all__ = ["Body", "Version", "exact", "leave_encoded", "resumed", "version_of", "wrap_body"]

# Bytes read at once after a break: where connections break early, much of a larger piece would be
# asked for again and again.
_STEP = 64 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """What is being read, for asking for the rest of it.

    :param request: that the first answer came to.
    :param start: of the first answer's body in the object, bytes.
    :param length: of that body, bytes.
    :param total: of the object, bytes; ``None`` if it is not known.
    """

    driver: S3Calls
    obj: Object
    request: HttpRequest
    etag: str
    start: int
    length: int
    total: int | None = None

    def part(self, start: int, length: int) -> Version:
        """Bytes of the body as a body of their own.

        :param start: in this one.
        """
        return replace(self, start=self.start + start, length=length)

    def rest(self, received: int) -> Any:
        """An answer with all but the first ``received`` bytes; one request.

        :raises ObjectChangedError: the object is not there any more, or another one is.
        :raises IncompleteDownloadError: the store does not give the rest alone.
        """
        container_name, name = self.obj.container.name, self.obj.name
        first, end = self.start + received, self.start + self.length
        span = f"bytes={first}-{end - 1}"
        # The checksum of the whole was told already, and none is told with a range.
        headers = {n: value for n, value in self.request.headers.items() if n != MODE}
        version = s3api.optional.unasked({"If-Match": self.etag})
        request = replace(self.request, headers={**headers, "Range": span, **version})
        try:
            answer = self.driver._client.send_once(
                request,
                f"Error going on with the download of {container_name}/{name}",
                ok=(200, 206),
                raw=True,
                container_name=container_name,
                object_name=name,
            )
        except (ObjectDoesNotExistError, PreconditionFailedError) as error:
            why = "the object was replaced or deleted meanwhile"
            raise self._error(ObjectChangedError, why, received) from error
        try:
            self._check(answer, first, end, received)
        except BaseException:
            answer.response._response.close()
            raise
        return answer

    def _check(self, answer: Any, first: int, end: int, received: int) -> None:
        """Compare an answer to the rest with what was asked for."""
        headers = answer.headers
        if strip_etag(headers.get("etag", "")) != strip_etag(self.etag):
            raise self._error(ObjectChangedError, "the object was replaced meanwhile", received)
        refused = "the store did not give the rest alone"
        # rclone (1.75) answers a range by 200; the Content-Range tells that it is one.
        if "content-range" not in headers:
            raise self._error(IncompleteDownloadError, refused, received)
        try:
            extent = s3api.ranges.extent_of(answer.status, headers, start=first, end=end)
        except s3api.ranges.UnexpectedExtentError as error:
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
        text = f"the body broke off after {received} of {self.length} bytes, and {why}"
        return kind(f"{text}: start again", self.driver, self.obj.name)


class Body:
    """A response of requests whose ``iter_content`` goes on after errors that may pass.

    All else is the response's own.

    :param version: ``None``: it does not go on.
    :param verification: what its bytes are compared with; ``None``: with nothing.
    :param length: bytes that it must have; ``None`` if that is not known.
    """

    def __init__(
        self,
        response: Any,
        obj: Object,
        version: Version | None,
        verification: Verification | None,
        length: int | None,
    ) -> None:
        self._response = response
        self._obj = obj
        self.version = version
        self.verification = verification
        self.length = length

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # a half-made copy has not even a response
            raise AttributeError(name)
        return getattr(self._response, name)

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        """The body in pieces of ``chunk_size`` bytes, the last one excepted.

        :raises OSError: the network's, once the driver's ``ex_retry_policy`` is at its end; or see
            :meth:`Version.rest`.
        :raises ObjectHashMismatchError: at the end, if other bytes came than the store has.
        """
        if decode_unicode or not chunk_size:
            return self._response.iter_content(chunk_size, decode_unicode)
        return read_in_chunks(self._pieces(chunk_size), chunk_size, fill_size=True)

    def resumed(self, size: int) -> Iterator[bytes]:
        """The body in pieces of at most ``size`` bytes, of which only the number is checked."""
        pieces = resumed(self._response, self.version, size)
        return exact(pieces, self.length, self._obj)

    def _pieces(self, size: int) -> Iterator[bytes]:
        pieces = self.resumed(size)
        return pieces if self.verification is None else _verified(pieces, self.verification)


def resumed(response: Any, version: Version | None, size: int) -> Iterator[bytes]:
    """The body of a response of requests, which goes on after errors that may pass.

    :param version: what it is of; ``None``: it does not go on.
    :param size: bytes of a piece, at most.
    """
    pieces = response.iter_content(size)
    received, attempt = 0, 1  # attempts since the last byte came
    while True:
        try:
            piece = next(pieces, None)
            if piece is None and version is not None and received < version.length:
                raise _EndedError  # a body without a length ends where its connection ends
        except Exception as error:
            if version is None:
                raise
            if received >= version.length:
                return
            answer, attempt = _rest(version, error, received, attempt)
            pieces = answer.iter_content(min(size, _STEP))
            continue
        if piece is None:
            return
        received += len(piece)
        attempt = 1
        yield piece


class _EndedError(OSError):
    """A body ended too early, without an error of the connection."""


def _rest(version: Version, error: Exception, received: int, attempt: int) -> tuple[Any, int]:
    """An answer with the rest, and the number of the next attempt."""
    driver = version.driver
    retries = driver._client.retries()
    while True:
        ended = isinstance(error, _EndedError)
        failure = Failure(error, transient=True) if ended else failure_of(error)
        delay = retries.delay_after(attempt, failure)
        if delay is None:
            raise _too_short(received, version.length, version.obj) if ended else error
        driver._client.sleep(delay)
        attempt += 1
        try:
            answer = version.rest(received)
            retries.succeeded()
            return answer, attempt
        except Exception as second:
            error = second


def exact(pieces: Iterator[bytes], length: int | None, obj: Object) -> Iterator[bytes]:
    """``pieces``, and an error if there are more bytes, or fewer.

    None of a piece that is too much is given away.

    :param length: ``None``: nothing is known, and nothing is checked.
    :raises IncompleteDownloadError: there are more than ``length`` bytes, or fewer.
    """
    received = 0
    for piece in pieces:
        received += len(piece)
        if length is not None and received > length:
            raise IncompleteDownloadError(
                f"the body has more than the {length} bytes that were asked for",
                obj.driver,
                obj.name,
            )
        yield piece
    if length is not None and received < length:
        raise _too_short(received, length, obj)


def _too_short(received: int, length: int, obj: Object) -> IncompleteDownloadError:
    return IncompleteDownloadError(
        f"the body ended after {received} of {length} bytes", obj.driver, obj.name
    )


def _verified(pieces: Iterator[bytes], verification: Verification) -> Iterator[bytes]:
    """``pieces``, and an error at their end if they are not what the store has."""
    digest = verification.begin()
    for piece in pieces:
        digest.update(piece)
        yield piece
    verification.judge(digest.digest())


def version_of(
    response: Any,
    *,
    driver: S3Calls,
    obj: Object,
    request: HttpRequest,
    start: int,
    extent: Extent,
) -> Version | None:
    """What the body of ``response`` is of; ``None`` if it cannot go on where it breaks off.

    It cannot if the response is of a foreign class, if its length is not told, if it has no ETag
    that stands for its very bytes, or if it is decoded on its way.

    :param request: that ``response`` came to.
    :param start: of the body in the object, bytes.
    :param extent: of the response.
    """
    if not isinstance(response, RawResponse) or response.status not in (200, 206):
        return None
    etag = response.headers.get("etag", "")
    if not extent.length or not etag or etag.startswith("W/"):
        return None
    if "content-encoding" in response.headers:
        return None
    return Version(driver, obj, request, etag, start, extent.length, extent.total)


def wrap_body(
    response: Any,
    obj: Object,
    *,
    version: Version | None,
    verification: Verification | None,
    length: int | None,
) -> None:
    """Let the body of ``response`` go on where it breaks off, and have it compared at its end.

    :param version: from :func:`version_of`; ``None``: it is an error if it breaks off.
    :param length: bytes that it must have; ``None`` if that is not known.
    """
    if not isinstance(response, RawResponse):
        return
    if version is None and verification is None and length is None:
        return
    body = Body(response._response, obj, version, verification, length)
    response._response = body
    response.iter_content = body.iter_content


def leave_encoded(response: Any) -> None:
    """Have the body given as it comes.

    S3 keeps a Content-Encoding with an object and answers with it, whatever was accepted; to decode
    by it would give other bytes than are stored.
    """
    raw = getattr(getattr(response, "_response", None), "raw", None)
    headers = getattr(raw, "headers", None)
    if headers is not None:
        headers.pop("content-encoding", None)
