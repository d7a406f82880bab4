# SPDX-License-Identifier: Apache-2.0
"""How far transfers are: numbers, and the line that shows them. Nothing is drawn here."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from libcloud.cli.text import count, duration, printable, shortened, size_text, width
from libcloud.storage.capabilities import KIB
from libcloud.storage.transfer.progress import (
    PartDone,
    PartStarted,
    Retried,
    UploadAborted,
    UploadEvent,
    UploadStarted,
)
from libcloud.utils.per_process import PerProcess

__all__ = ["CutError", "Flow", "Meter", "bar_line"]

# The speed is that of the last seconds, so that it follows the line and an estimate stays calm.
_SPEED_SECONDS = 15.0
_SAMPLES = 64
_LABEL_SHARE = 0.6
_BAR = (8, 40)

# Head and body of a request that carries none of the user's data, at most.
_NO_DATA = 128 * KIB


class CutError(Exception):
    """What was being sent is not wanted any more."""


class Flow:
    """One object under way.

    :ivar current: bytes that the store, or the file, has.
    :ivar on_the_way: bytes of parts that went out and are not confirmed.
    :ivar begun: something of it went out.
    """

    def __init__(self, label: str, meter: Meter) -> None:
        self.label = label
        self.current = 0
        self.on_the_way = 0
        self.parts = 0
        self.begun = False
        self.upload_id: str | None = None
        self.aborted: UploadAborted | None = None
        self._lock = PerProcess(threading.RLock)
        self._meter = meter

    def advance(self, size: int) -> None:
        """``size`` more bytes have arrived; told by any thread."""
        with self._lock():
            self.current += size
        self._meter.sample()

    def complete(self, size: int) -> None:
        """All ``size`` bytes have arrived."""
        self.advance(size - self.current)

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
            self._meter.retries += 1
        elif isinstance(event, UploadAborted):
            self.aborted = event
        if self.current != event.bytes_done:
            self.current = event.bytes_done
            self._meter.sample()


class Meter:
    """The numbers of a transfer of one or many objects, several of them at a time.

    Each :class:`Flow` belongs to one thread; adding them up is done by any.

    :param total: bytes to move; ``None`` if that is not known.
    :param clock: seconds, from whenever.
    """

    def __init__(
        self, label: str = "", total: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.label = label
        self.total = total
        self.retries = 0
        self._flows: tuple[Flow, ...] = ()
        self._finished = 0  # bytes, and parts, of objects that are whole
        self._parts = 0
        self._leaving: dict[int, int] = {}  # by thread: bytes of its request that have left
        self._furthest = 0
        self._cut = False
        self._lock = PerProcess(threading.RLock)
        self._clock = clock
        self._started = clock()
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)], maxlen=_SAMPLES)

    @contextlib.contextmanager
    def flow(self, label: str) -> Iterator[Flow]:
        """An object's turn; if the block fails, nothing of it has arrived."""
        flow = Flow(label, self)
        with self._lock():
            self._flows = (*self._flows, flow)
        whole = False
        try:
            yield flow
            whole = True
        finally:
            with self._lock():
                self._flows = tuple(one for one in self._flows if one is not flow)
                self._finished += flow.current if whole else 0
                self._parts += flow.parts if whole else 0
                self._furthest = 0

    @property
    def title(self) -> str:
        """What is under way."""
        flows = self._flows
        if not flows:
            return self.label
        more = f" +{len(flows) - 1}" if len(flows) > 1 else ""
        return f"{flows[0].label}{more}"

    @property
    def done(self) -> int:
        """Bytes that have arrived."""
        with self._lock():
            return self._finished + sum(flow.current for flow in self._flows)

    @property
    def on_the_way(self) -> int:
        """Bytes of parts that are not confirmed."""
        return sum(flow.on_the_way for flow in self._flows)

    @property
    def reached(self) -> int:
        """Bytes that have arrived, or have left at least: never fewer than a moment ago."""
        left = min(sum([*self._leaving.values()]), self.on_the_way)
        self._furthest = max(self._furthest, self.done + left)
        return self._furthest

    @property
    def parts(self) -> int:
        """Parts that are confirmed."""
        return self._parts + sum(flow.parts for flow in self._flows)

    @property
    def in_parts(self) -> bool:
        """Whether something is, or was, sent in parts."""
        return bool(self.parts) or any(flow.upload_id for flow in self._flows)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._started

    def sending(self, size: int) -> None:
        """``size`` bytes of this thread's request leave; see ``libcloud.http.timeouts``.

        :raises CutError: :meth:`cut` was called, and they are data.
        """
        thread = threading.get_ident()
        self._leaving[thread] = self._leaving.get(thread, 0) + size
        if self._cut and self._leaving[thread] > _NO_DATA:
            raise CutError("interrupted")

    def cut(self) -> None:
        """Let what is being sent fail: on a slow line its end is far. Requests without data, which
        remove what was sent, go on.
        """
        self._cut = True

    def settled(self) -> None:
        """This thread's request is over, or begins."""
        self._leaving[threading.get_ident()] = 0

    def speed(self) -> float:
        """Bytes a second, of the last seconds."""
        now = self._clock()
        while len(self._samples) > 1 and self._samples[1][0] < now - _SPEED_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return max(0, self.reached - before) / max(now - since, 0.001)

    def left(self) -> float | None:
        """Seconds to go; ``None`` if nobody can tell."""
        speed = self.speed()
        if self.total is None or not speed:
            return None
        return max(0, self.total - self.reached) / speed

    def summary(self) -> str:
        """Bytes, parts, seconds and speed of all of it."""
        seconds = self.seconds
        parts = f" in {count(self.parts, 'part')}" if self.parts > 1 else ""
        again = f", {count(self.retries, 'request')} repeated" if self.retries else ""
        speed = f", {size_text(self.done / max(seconds, 0.001))}/s" if self.done else ""
        return f"{size_text(self.done)}{parts}, {seconds:.1f} s{speed}{again}"

    def sample(self) -> None:
        """Remember how far it is, for the speed."""
        now = self._clock()
        # Small pieces would fill the samples with the last instant.
        if now - self._samples[-1][0] >= _SPEED_SECONDS / _SAMPLES:
            self._samples.append((now, self.reached))


def bar_line(meter: Meter, columns: int, *, unicode: bool = True) -> str:
    """The line for a terminal of ``columns``: what matters least is left out where it is narrow."""
    room = max(columns - 1, 1)  # a line that fills the last column wraps on some terminals
    left = meter.left()
    if meter.total is None:
        fields = [size_text(meter.reached), duration(meter.seconds), *_part_fields(meter)]
    else:
        percent = min(100, meter.reached * 100 // meter.total) if meter.total else 100
        if meter.done < meter.total:
            percent = min(percent, 99)  # the store has not confirmed all
        done, total = size_text(meter.reached), size_text(meter.total)
        done = done.removesuffix(f" {total.split()[-1]}")
        fields = [f"{percent:3}%", f"{done}/{total}"]
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
        wanted = min(width(printable(meter.title)), int(room * _LABEL_SHARE))
        length = min(_BAR[1], max(_BAR[0], room - wanted - 4))
        bar = _bar(meter, length, unicode) + "  "
        room -= len(bar)
    label = shortened(printable(meter.title), room - 2) if room > 6 else ""
    return f"{label}{'  ' if label else ''}{bar}{text}"


def _part_fields(meter: Meter) -> list[str]:
    sent = [count(meter.parts, "part")] if meter.in_parts else []
    going = [f"{size_text(meter.on_the_way)} on the way"] if meter.on_the_way else []
    return [f"{size_text(meter.speed())}/s", *sent, *going]


def _bar(meter: Meter, length: int, unicode: bool) -> str:
    """Arrived, on the way, and still to come."""
    full, going, empty = ("█", "▒", "░") if unicode else ("#", "+", ".")
    total = meter.total or 1
    done = min(length, meter.reached * length // total) if meter.total else length
    unconfirmed = max(0, meter.done + meter.on_the_way - meter.reached)
    way = min(length - done, -(-unconfirmed * length // total))
    return full * done + going * way + empty * (length - done - way)
