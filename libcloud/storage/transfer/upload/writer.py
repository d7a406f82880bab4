# SPDX-License-Identifier: Apache-2.0
"""Uploads to which a :class:`~libcloud.storage.writer.UploadWriter` pushes the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.upload.source import PartBuffer
from libcloud.storage.transfer.values import Stop, StoredObject
from libcloud.utils.bodies import Pieces

_Result = TypeVar("_Result")


class PushedTransfer(Transfer[bytes | Pieces], Generic[_Result]):
    """An upload whose bytes are pushed: a :class:`~libcloud.storage.writer.Sink`.

    A full part is sent when the next byte is written: until then it may be the last one, and an
    object of one part is one request. ``write`` waits while the window is full.

    :param made: makes the result of :meth:`publish` from the published object.
    """

    over = False  # published or cleaned up
    _part: PartBuffer | None = None  # the one that the engine waits for

    def __init__(self, made: Callable[[StoredObject], _Result], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made = made

    @property
    def started(self) -> bool:
        return self._machine.parts_pulled > 0 and not self.over

    def write(self, data: bytes | memoryview) -> None:
        try:
            going_on = self._fill(data)
        except BaseException as error:
            self.fail(error)
            going_on = False
        if not going_on:
            self._end()

    def publish(self) -> _Result:
        try:
            if self._part is not None or self._ask_for_part():
                self._push_part(last=True)
                self.advance()
        except BaseException as error:
            self.fail(error)
        return self._made(self._end())

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        if self.over:
            return
        if quiet:
            self._listener = None
        if wanted:
            self._machine.keep = False
        self.fail(error)
        traceback = error.__traceback__
        try:
            self._end()
        except Exception as first:  # perhaps that of a part, which was not raised yet
            if first is not error:
                self._attach_details(error)
        except BaseException as raised:
            if raised is not error:
                raise
        error.__traceback__ = traceback

    # Inside.

    def _fill(self, data: bytes | memoryview) -> bool:
        """Divide ``data`` into parts; false if the upload has failed."""
        while len(data):
            part = self._part
            if part is None or not part.room:
                part = self._ask_for_part()
                if part is None:
                    return False
            room = part.room
            if len(data) > room:
                data = memoryview(data)
            part.add(data[:room])
            data = data[room:]
        return True

    def _ask_for_part(self) -> PartBuffer | None:
        """Send the part that is full and get the next one to fill; ``None`` if there is none."""
        if self._part is not None:
            self._push_part(last=False)
        command = self.advance()
        self._part = None if isinstance(command, Stop) else PartBuffer(command.size)
        return self._part

    def _push_part(self, *, last: bool) -> None:
        """Pass the part on and keep no reference to it: its memory is free once it is sent."""
        part, self._part = self._part, None
        assert part is not None
        self.feed(part.body(), last=last)

    def _end(self) -> StoredObject:
        """:meth:`finish`, after which nothing is held any more."""
        try:
            return self.finish()
        except BaseException as error:
            self._attach_details(error)
            raise
        finally:
            self.over = True
            self._part = None
            self.close()
