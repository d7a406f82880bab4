# SPDX-License-Identifier: Apache-2.0
"""Values that the modules of the engine exchange, and what uploads require of a source and a store.

None is changed once it is made: a worker gets values and returns values. Those that each request
needs are not frozen, because that doubles the time to make one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Generic, Protocol, TypeVar

from libcloud.utils.bodies import Pieces
from libcloud.utils.values import Value

Body = bytes | bytearray | memoryview | Pieces

Content = TypeVar("Content", bound=Sized)
_Taken = TypeVar("_Taken", bound=Sized, contravariant=True)


class Step(Enum):
    """The purpose of a request to the store."""

    PUT = "put"  # the whole object in one request
    CREATE = "create"
    PART = "part"
    COMPLETE = "complete"
    CONFIRM = "confirm"  # is the object there, and is it ours?
    ABORT = "abort"
    CHECK = "check"  # does the aborted upload still hold parts?

    __hash__ = object.__hash__  # that of Enum takes two calls in Python


class Confirmation(Enum):
    """Whether the object exists, after the response to the request that publishes it was lost."""

    STORED = "stored"
    ABSENT = "absent"
    UNCLEAR = "unclear"


@dataclass(slots=True, eq=False, repr=False)
class Digest(Value):
    """A checksum of one body.

    :param headers: that carry it, ready to send; empty when nothing is to be checked.
    :param algorithm: its name in lower case; empty when nothing was computed.
    :param value: what was computed, to be compared with responses and combined over the parts.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    algorithm: str = ""
    value: bytes = b""


@dataclass(slots=True, eq=False, repr=False)
class PartReceipt(Value):
    """The response of the store to a part; ``digest`` was sent along with it."""

    number: int
    etag: str
    size: int
    digest: Digest = field(default_factory=Digest)


@dataclass(slots=True, eq=False, repr=False)
class StoredObject(Value):
    """An object that the store says it holds; also the ``response`` of a driver's callback.

    :param etag: without quotes; ``""`` when the store gave none.
    :param size: bytes sent.
    :param parts: number of parts; 0 for an object sent by one PUT.
    :param headers: of the response that published the object; names in lower case.
    """

    status: ClassVar[int] = 200
    etag: str
    size: int
    parts: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Failure(Value):
    """The reason why a request failed.

    :param error: raised if there are no more attempts.
    :param transient: the same request may succeed later.
    :param effect_unknown: the request may have taken effect although no response confirms it.
    :param contradicted: the response reports success, but with other data than was sent, or an
        error after which the object may be there; a HEAD request shows whether that is so.
    :param upload_gone: the store does not know the upload (any more).
    :param condition_failed: the store refused because of the object that is there (412).
    :param throttled: the store requests a lower rate.
    :param retry_after: seconds the store asked to wait; ``None`` when it did not.
    """

    error: BaseException
    transient: bool = False
    effect_unknown: bool = False
    contradicted: bool = False
    upload_gone: bool = False
    condition_failed: bool = False
    throttled: bool = False
    retry_after: float | None = None


@dataclass(slots=True, eq=False, repr=False)
class Pull(Value):
    """Take part ``number``, of ``size`` bytes (the last one: up to), from the source."""

    number: int
    size: int


@dataclass(slots=True, eq=False, repr=False)
class Send(Value):
    """Make a request; the number is that of the part, or 0, and the delay in seconds."""

    step: Step
    number: int = 0
    attempt: int = 1
    delay: float = 0.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wait(Value):
    """Wait for the response to a request in flight."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Await(Value):
    """Wait until the memory budget has ``size`` bytes for this upload."""

    size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stop(Value):
    """The upload has ended; see ``result`` and ``error`` of the machine."""


Command = Pull | Send | Wait | Await | Stop


@dataclass(slots=True, eq=False, repr=False)
class SourcePart(Value, Generic[Content]):
    """A part as delivered by the source; its body does not change and has a length."""

    body: Content
    last: bool


class Source(Protocol[Content]):
    def next_part(self, size: int) -> SourcePart[Content]:
        """The next ``size`` bytes, or fewer at the end of the source."""


class PartStore(Protocol[_Taken]):
    """One object of a store, about to be written from parts of one kind.

    The methods may be called by several threads at once. Each makes one request, without retries,
    and raises unless the store reports success; :meth:`failure` classifies the exception.
    """

    def digest(self, body: _Taken) -> Digest:
        """The checksum that goes with ``body``; computed once for all attempts."""

    def put(self, body: _Taken, digest: Digest) -> StoredObject:
        """Store the whole object with one request."""

    def create(self) -> str:
        """Create an upload; return its id."""

    def put_part(self, upload_id: str, number: int, body: _Taken, digest: Digest) -> PartReceipt:
        """Store part ``number``; a part sent twice replaces itself."""

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        """Publish the object made of ``parts``, in order."""

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        """Check whether the object exists and is the one that was sent.

        :param parts: empty for an object sent by one request.
        """

    def abort(self, upload_id: str) -> bool | None:
        """Remove the upload and its parts. An upload that does not exist counts as removed.

        :return: ``True`` if the store has no request for that and the parts stay until they expire.
        """

    def has_parts(self, upload_id: str) -> bool:
        """Whether the store still holds parts of the upload."""

    def failure(self, step: Step, error: Exception) -> Failure:
        """Classify ``error``, which the call for ``step`` raised."""
