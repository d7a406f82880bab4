# SPDX-License-Identifier: Apache-2.0
"""What a listener hears while an upload goes on: frozen values, in the caller's thread.

A listener is any function of one argument. What it raises fails the upload: it is aborted, nothing
is published, and the listener's exception is the one the caller sees. Only what is told of an
object that is published already (its last event, or the end of a single PUT) comes too late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "Listener",
    "PartDone",
    "PartStarted",
    "Retried",
    "Throttled",
    "UploadAborted",
    "UploadCompleted",
    "UploadEvent",
    "UploadStarted",
]


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """Common to all events.

    :param bytes_done: bytes the store has confirmed so far.
    """

    bytes_done: int


@dataclass(frozen=True, slots=True)
class UploadStarted(UploadEvent):
    """A multipart upload exists at the store from now on."""

    upload_id: str


@dataclass(frozen=True, slots=True)
class PartStarted(UploadEvent):
    """A part goes out for the first time. ``number`` is 0 for an object sent by one PUT."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class PartDone(UploadEvent):
    """The store has confirmed a part (or, with ``number`` 0, the whole object)."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class Retried(UploadEvent):
    """A request failed and will be made again.

    :param step: which one: ``"put"``, ``"create"``, ``"part"``, ``"complete"``, ``"confirm"``,
        ``"abort"`` or ``"check"``.
    :param number: of the part; 0 for other steps.
    :param attempt: the one to come; the first retry is 2.
    :param delay: seconds until then.
    :param throttled: the store asked for fewer requests.
    """

    step: str
    number: int
    attempt: int
    delay: float
    cause: BaseException
    throttled: bool = False


@dataclass(frozen=True, slots=True)
class Throttled(UploadEvent):
    """The store asked for fewer requests, and gets fewer parts at a time.

    :param limit: parts that are sent at once from now on; more again after a while without
        complaints.
    """

    limit: int


@dataclass(frozen=True, slots=True)
class UploadCompleted(UploadEvent):
    """The object is published, whole."""

    etag: str
    parts: int


@dataclass(frozen=True, slots=True)
class UploadAborted(UploadEvent):
    """The upload failed and nothing of it was published.

    :param upload_id: what remains at the store, unless ``cleaned``; ``None`` if nothing was begun.
    """

    upload_id: str | None
    cleaned: bool


Listener = Callable[[UploadEvent], object]
