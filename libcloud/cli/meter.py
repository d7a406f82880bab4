# SPDX-License-Identifier: Apache-2.0
"""How far a transfer is: numbers, and the line that shows them. Nothing is drawn here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from libcloud.cli.text import count, duration, printable, shortened, size_text, width
from libcloud.storage.transfer.progress import (
    PartDone,
    PartStarted,
    Retried,
    UploadAborted,
    UploadEvent,
    UploadStarted,
)

__all__ = ["Meter", "bar_line"]

# The speed is that of the last seconds, so that it follows the line and an estimate stays calm.
_SPEED_SECONDS = 15.0
_SAMPLES = 64
_LABEL_SHARE = 0.6
_BAR = (8, 40)


class Meter:
    """The numbers of one transfer, of one or many objects.

    :param total: bytes to move; ``None`` if that is not known.
    :param clock: seconds, from whenever.
    """

    def __init__(
        self, label: str, total: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.label = label
        self.total = total
        self.finished = 0  # bytes of objects that are done
        self.current = 0  # bytes of the present object that the store, or the file, has
        self.on_the_way = 0
        self.parts = 0
        self.retries = 0
        self.begun = False  # something of the present object went out
        self.upload_id: str | None = None
        self.aborted: UploadAborted | None = None
        self._clock = clock
        self._started = clock()
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)], maxlen=_SAMPLES)

    @property
    def done(self) -> int:
        """Bytes that have arrived."""
        return self.finished + self.current

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._started

    def advance(self, size: int) -> None:
        """``size`` more bytes have arrived."""
        self.current += size
        self._sample()

    def begin(self, label: str) -> None:
        """Another object's turn has come; one that did not :meth:`end` does not count."""
        self.label = label
        self.current = self.on_the_way = 0
        self.begun, self.aborted = False, None

    def end(self) -> None:
        """The present object is whole."""
        self.finished, self.current, self.on_the_way = self.done, 0, 0

    def listen(self, event: UploadEvent) -> None:
        """Follow an upload: a listener of the engine."""
        if isinstance(event, UploadStarted):
            self.upload_id = event.upload_id
        elif isinstance(event, PartStarted):
            self.on_the_way += event.size
            self.begun = True
        elif isinstance(event, PartDone):
            self.on_the_way -= event.size
            self.parts += event.number > 0
        elif isinstance(event, Retried):
            self.retries += 1
        elif isinstance(event, UploadAborted):
            self.aborted = event
        if self.current != event.bytes_done:
            self.current = event.bytes_done
            self._sample()

    def speed(self) -> float:
        """Bytes a second, of the last seconds."""
        now = self._clock()
        while len(self._samples) > 1 and self._samples[1][0] < now - _SPEED_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return (self.done - before) / max(now - since, 0.001)

    def left(self) -> float | None:
        """Seconds to go; ``None`` if nobody can tell."""
        speed = self.speed()
        if self.total is None or not speed:
            return None
        return max(0, self.total - self.done) / speed

    def summary(self) -> str:
        """Bytes, parts, seconds and speed of all of it."""
        seconds = self.seconds
        parts = f" in {count(self.parts, 'part')}" if self.parts > 1 else ""
        again = f", {count(self.retries, 'request')} repeated" if self.retries else ""
        speed = f", {size_text(self.done / max(seconds, 0.001))}/s" if self.done else ""
        return f"{size_text(self.done)}{parts}, {seconds:.1f} s{speed}{again}"

    def _sample(self) -> None:
        now = self._clock()
        # Small pieces would fill the samples with the last instant.
        if now - self._samples[-1][0] >= _SPEED_SECONDS / _SAMPLES:
            self._samples.append((now, self.done))


def bar_line(meter: Meter, columns: int, *, unicode: bool = True) -> str:
    """The line for a terminal of ``columns``: what matters least is left out where it is narrow."""
    room = max(columns - 1, 1)  # a line that fills the last column wraps on some terminals
    left = meter.left()
    if meter.total is None:
        fields = [size_text(meter.done), duration(meter.seconds), *_part_fields(meter)]
    else:
        share = min(1.0, meter.done / meter.total) if meter.total else 1.0
        done, total = size_text(meter.done), size_text(meter.total)
        done = done.removesuffix(f" {total.split()[-1]}")
        fields = [f"{int(share * 100):3}%", f"{done}/{total}"]
        fields += [f"{size_text(meter.speed())}/s", f"ETA {duration(left)}" if left else "ETA -:--"]
    text = fields[0]
    for field in fields[1:]:
        if len(text) + 2 + len(field) > room:
            break
        text = f"{text}  {field}"
    text = shortened(text, room)
    room -= len(text)
    bar = ""
    if meter.total is not None and room > _BAR[0] + 2:
        wanted = min(width(printable(meter.label)), int(room * _LABEL_SHARE))
        length = min(_BAR[1], max(_BAR[0], room - wanted - 4))
        bar = _bar(meter, length, unicode) + "  "
        room -= len(bar)
    label = shortened(printable(meter.label), room - 2) if room > 6 else ""
    return f"{label}{'  ' if label else ''}{bar}{text}"


def _part_fields(meter: Meter) -> list[str]:
    sent = [count(meter.parts, "part")] if meter.parts or meter.upload_id else []
    going = [f"{size_text(meter.on_the_way)} on the way"] if meter.on_the_way else []
    return [f"{size_text(meter.speed())}/s", *sent, *going]


def _bar(meter: Meter, length: int, unicode: bool) -> str:
    """Arrived, on the way, and still to come."""
    full, going, empty = ("█", "▒", "░") if unicode else ("#", "+", ".")
    total = meter.total or 1
    done = min(length, meter.done * length // total) if meter.total else length
    way = min(length - done, -(-meter.on_the_way * length // total))
    return full * done + going * way + empty * (length - done - way)
