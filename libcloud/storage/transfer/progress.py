# SPDX-License-Identifier: Apache-2.0
"""Events of an upload: frozen values, passed to a listener in the caller's thread.

A listener is any function of one argument. An exception that it raises fails the upload, unless
the object is already published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from libcloud.utils.values import Value


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadEvent(Value):
    """The base class of all events.

    :param bytes_done: bytes that the store has confirmed so far.
    """

    bytes_done: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadStarted(UploadEvent):
    """The multipart upload was created."""

    upload_id: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PartStarted(UploadEvent):
    """A part is sent for the first time. ``number`` is 0 for an object sent by one PUT."""

    number: int
    size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PartDone(UploadEvent):
    """The store has confirmed a part (or, with ``number`` 0, the whole object)."""

    number: int
    size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Retried(UploadEvent):
    """A request failed and will be retried.

    :param step: which one: ``"put"``, ``"create"``, ``"part"``, ``"complete"``, ``"confirm"``,
        ``"abort"`` or ``"check"``.
    :param number: of the part; 0 for other steps.
    :param attempt: the next one; the first retry is 2.
    :param delay: seconds until then.
    :param throttled: the store requested a lower rate.
    """

    step: str
    number: int
    attempt: int
    delay: float
    cause: BaseException
    throttled: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Throttled(UploadEvent):
    """The store throttled a request, so fewer parts are sent at once.

    :param limit: parts sent at once from now on; it rises again after a while without
        throttling.
    """

    limit: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadCompleting(UploadEvent):
    """All parts are stored; the request to publish the object is sent, which can take minutes."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadCompleted(UploadEvent):
    """The object is published."""

    etag: str
    parts: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadAborted(UploadEvent):
    """The upload failed and nothing of it was published.

    :param upload_id: what remains in the store, unless ``cleaned``; ``None`` if none was created.
    """

    upload_id: str | None
    cleaned: bool


Listener = Callable[[UploadEvent], object]
