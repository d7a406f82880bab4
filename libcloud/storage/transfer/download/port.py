# SPDX-License-Identifier: Apache-2.0
"""What the download engine requires of a store: one request for a range of one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from libcloud.storage.base import Object
from libcloud.storage.transfer.retry import Retries
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
