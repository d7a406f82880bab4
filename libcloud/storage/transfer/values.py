# SPDX-License-Identifier: Apache-2.0
"""Values that the modules of the engine exchange: steps, commands, results, failures.

None is changed once it is made: a worker gets values and returns values. Those that each request
needs are not frozen, because that doubles the time to make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from libcloud.utils.bodies import Pieces
from libcloud.utils.values import Value

Body = bytes | bytearray | memoryview | Pieces


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
    """The response of the store to a part.

    :param number: 1 for the first.
    :param etag: without quotes, opaque.
    :param size: bytes.
    :param digest: what was sent along with the part.
    """

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
    """Make a request.

    :param number: of the part; 0 for other steps.
    :param attempt: 1 for the first.
    :param delay: seconds to wait before it.
    """

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
