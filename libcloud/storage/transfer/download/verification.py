# SPDX-License-Identifier: Apache-2.0
"""Whether the bytes that were received are the object: one checksum over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from libcloud.storage.base import Object
from libcloud.storage.types import ObjectHashMismatchError


class RunningChecksum(Protocol):
    """A checksum while it is computed."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add ``data``."""

    def digest(self) -> bytes:
        """The checksum of everything added."""


@dataclass(frozen=True, slots=True)
class Verification:
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
