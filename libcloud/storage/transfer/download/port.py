# SPDX-License-Identifier: Apache-2.0
"""What the download engine requires of a store: one request for a range of one version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from libcloud.common.request import HttpRequest
from libcloud.storage.base import Object
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.retry_loop import RetryLoop
from libcloud.storage.transfer.values import Failure


class Content(Protocol):
    """The body of a response, which has not been read."""

    def iter_content(self, chunk_size: int, /) -> Iterator[bytes]:
        """The bytes in pieces of at most ``chunk_size``."""

    def close(self) -> None:
        """Release the connection; whatever was not read is dropped."""


@dataclass(frozen=True, slots=True)
class RangeResponse:
    """A successful response to a request for a range.

    :param headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    content: Content


class DownloadPort(Protocol):
    """One object of a store. Several threads may use it at once."""

    @property
    def obj(self) -> Object:
        """The object; errors carry its name and its driver."""

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """Request the bytes from ``start`` to before ``end``, if the object still has ``etag``.

        One request, without retries.

        :raises ObjectDoesNotExistError: the object was deleted.
        :raises PreconditionFailedError: the object has another ETag.
        """

    def retries(self) -> Retries:
        """The retry policy, and the budget that it draws on."""

    def failure(self, error: BaseException) -> Failure:
        """What an exception of a request, or of reading a body, means."""

    def sleep(self, seconds: float) -> object:
        """Wait before the next attempt."""


class RequestClient(Protocol):
    """The client of any protocol, as far as downloads use it."""

    retry_loop: RetryLoop

    def send(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int],
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any: ...

    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int],
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any: ...


class RangeRequests:
    """A :class:`DownloadPort` on a client.

    :param request: that the first response was for; its range is replaced.
    :param range_header: the name of the header with the range.
    :param condition: makes headers of ``If-Match``, which some stores may refuse.
    """

    def __init__(
        self,
        client: RequestClient,
        obj: Object,
        request: HttpRequest,
        *,
        range_header: str = "Range",
        condition: Callable[[dict[str, str]], dict[str, str]] = dict,
    ) -> None:
        self.obj = obj
        self._client = client
        self._request = request
        self._range_header = range_header
        self._condition = condition
        loop = client.retry_loop
        self.retries, self.sleep, self.failure = loop.retries, loop.sleep, loop.failure_of

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """See :meth:`DownloadPort.get`."""
        version = self._condition({"If-Match": etag})
        added = {self._range_header: f"bytes={start}-{end - 1}", **version}
        names = (self.obj.container.name, self.obj.name)
        response = self._client.send_once(
            replace(self._request, headers={**self._request.headers, **added}),
            f"Error resuming the download of {'/'.join(names)}",
            ok=(200, 206),
            raw=True,
            names=names,
        )
        return RangeResponse(response.status, response.headers, response.response._response)
