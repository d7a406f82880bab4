# SPDX-License-Identifier: Apache-2.0
"""The download engine's interface to a store: ranges of one version, and its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from libcloud.common.request import HttpRequest
from libcloud.storage.base import Object
from libcloud.storage.transfer.client import StoreClient
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.utils.values import Value


class Content(Protocol):
    """The body of a response, which has not been read."""

    def iter_content(self, chunk_size: int, /) -> Iterator[bytes]:
        """The bytes in pieces of at most ``chunk_size``."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RangeResponse(Value):
    """A successful response to a request for a range.

    :param headers: names in lower case.
    """

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
        """Request the bytes from ``start`` to before ``end``, if the object still has ``etag``.

        One request, without retries.

        :raises ObjectDoesNotExistError: the object was deleted.
        :raises PreconditionFailedError: the object has another ETag.
        """
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
        """Compare the checksum of the received bytes.

        :raises ObjectHashMismatchError: it differs.
        """
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
