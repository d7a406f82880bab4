# SPDX-License-Identifier: Apache-2.0
"""Measures the progress of transfers, and formats it as a line. Writes nothing."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from libcloud.cli.errors import is_network_error, network_problem
from libcloud.cli.text import count, duration, printable, shortened, size_text, width
from libcloud.storage import transfer
from libcloud.storage.capabilities import KIB
from libcloud.utils.cancellation import RateLimit
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:
    from libcloud.storage.transfer.progress import UploadAborted, UploadEvent

# The speed is an average over the last seconds: it follows the network, and the ETA is steady.
_SPEED_SECONDS = 15.0
_SAMPLES = 64
_LABEL_SHARE = 0.6
_BAR = (8, 40)

# Upper bound for headers and body of a request without user data.
_MAX_OVERHEAD = 128 * KIB


class TransferInterruptedError(Exception):
    """The transfer was interrupted while it sent data."""


class Transfer:
    """The progress of one object. As a context manager, it counts in the block.

    :ivar bytes_done: bytes that were stored, or written to the file.
    :ivar in_flight: bytes of parts whose responses have not arrived yet.
    """

    def __init__(self, label: str, meter: Meter) -> None:
        self.label = label
        self.bytes_done = 0
        self.in_flight = 0
        self.parts = 0
        self._sent_before: int | None = None  # bytes of requests, when the first part started
        self.upload_id: str | None = None
        self.note = ""
        self.aborted: UploadAborted | None = None
        self._meter = meter

    def __enter__(self) -> Transfer:
        self._meter.transfers[self] = None
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._meter.ended(self, complete=error is None)

    @property
    def started(self) -> bool:
        """Whether the store may have received data of the object, or a request about it."""
        return self._sent_before is not None and self._meter.sent > self._sent_before

    def advance(self, size: int) -> None:
        with self._meter.lock():
            self.bytes_done += size

    def complete(self, size: int) -> None:
        self.advance(size - self.bytes_done)

    def listen(self, event: UploadEvent) -> None:
        events = transfer.progress
        if not isinstance(event, events.Throttled):  # right after the retry that it caused
            self.note = ""
        match event:
            case events.PartStarted():
                self.in_flight += event.size
                if self._sent_before is None:
                    self._sent_before = self._meter.sent
            case events.PartDone():
                self.in_flight -= event.size
                self.parts += event.number > 0
            case events.UploadStarted():
                self.upload_id = event.upload_id
            case events.UploadCompleting():
                self.note = "finishing"
            case events.Retried():
                self._meter.retries += 1
                self.note = retry_note(event.cause, event.delay)
            case events.UploadAborted():
                self.aborted = event
        self.bytes_done = event.bytes_done


class Meter:
    """The progress of all objects; any thread may read it. A transfer belongs to one thread."""

    def __init__(
        self,
        label: str = "",
        total: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.label = label
        self.total = total
        self.retries = 0
        self.sent = 0  # bytes of all requests, with their headers
        self._note = ""
        self._note_until = 0.0
        self._rate_limit = rate_limit
        self.transfers: dict[Transfer, None] = {}  # in the order of their start
        self._finished = 0  # bytes and parts of completed objects
        self._parts = 0
        self._sent_by_thread: dict[int, int] = {}  # by thread: bytes sent of its current request
        self._most_sent = 0
        self._interrupted = False
        self.lock = PerProcess(threading.RLock)
        self._clock = clock
        self._started = clock()
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)], maxlen=_SAMPLES)

    def transfer(self, label: str) -> Transfer:
        """Track one object in a block. If the block fails, its bytes do not count."""
        return Transfer(label, self)

    def ended(self, transfer: Transfer, *, complete: bool) -> None:
        with self.lock():
            self.transfers.pop(transfer, None)
            self._finished += transfer.bytes_done if complete else 0
            self._parts += transfer.parts if complete else 0
            self._most_sent = 0

    def add(self, size: int, parts: int, retries: int) -> None:
        """Count what was transferred elsewhere."""
        with self.lock():
            self._finished += size
            self._parts += parts
            self.retries += retries

    @property
    def title(self) -> str:
        transfers = [*self.transfers]
        if not transfers:
            return self.label
        more = f" +{len(transfers) - 1}" if len(transfers) > 1 else ""
        return f"{transfers[0].label}{more}"

    @property
    def note(self) -> str:
        current = self._note if self._clock() < self._note_until else ""
        return next((transfer.note for transfer in [*self.transfers] if transfer.note), current)

    @property
    def bytes_done(self) -> int:
        with self.lock():
            return self._finished + sum(transfer.bytes_done for transfer in [*self.transfers])

    @property
    def in_flight(self) -> int:
        return sum(transfer.in_flight for transfer in [*self.transfers])

    @property
    def bytes_sent(self) -> int:
        """Bytes done, and those sent but not yet confirmed. Never decreases during a transfer."""
        unconfirmed = min(sum([*self._sent_by_thread.values()]), self.in_flight)
        self._most_sent = max(self._most_sent, self.bytes_done + unconfirmed)
        return self._most_sent

    @property
    def parts(self) -> int:
        return self._parts + sum(transfer.parts for transfer in [*self.transfers])

    @property
    def seconds(self) -> float:
        return self._clock() - self._started

    def retrying(self, error: BaseException, delay: float) -> None:
        self.retries += 1
        self._note = retry_note(error, delay)
        self._note_until = self._clock() + delay

    def limit_rate(self, size: int) -> None:
        if self._rate_limit is not None:
            self._rate_limit.wait(size)

    def sending(self, size: int) -> None:
        """Count ``size`` sent bytes of this thread's request. Called by ``libcloud.http.timeouts``.

        :raises TransferInterruptedError: :meth:`interrupt` was called, and the request has data.
        """
        if self._rate_limit is not None:
            self._rate_limit.wait(size)
        thread = threading.get_ident()
        self._sent_by_thread[thread] = self._sent_by_thread.get(thread, 0) + size
        if self._interrupted and self._sent_by_thread[thread] > _MAX_OVERHEAD:
            raise TransferInterruptedError("interrupted")
        with self.lock():
            self.sent += size

    def interrupt(self) -> None:
        """Make requests that send data fail, which would take long on a slow connection."""
        self._interrupted = True

    def settled(self) -> None:
        """A request of this thread starts or ends. Called by ``libcloud.http.timeouts``."""
        self._sent_by_thread[threading.get_ident()] = 0

    def speed(self) -> float:
        now = self._clock()
        while len(self._samples) > 1 and self._samples[1][0] < now - _SPEED_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return max(0, self.bytes_sent - before) / max(now - since, 0.001)

    def seconds_left(self) -> float | None:
        speed = self.speed()
        if self.total is None or not speed:
            return None
        return max(0, self.total - self.bytes_sent) / speed

    def summary(self) -> str:
        seconds = self.seconds
        parts = f" in {count(self.parts, 'part')}" if self.parts > 1 else ""
        retried = f", {count(self.retries, 'request')} retried" if self.retries else ""
        speed = f", {size_text(self.bytes_done / max(seconds, 0.001))}/s" if self.bytes_done else ""
        return f"{size_text(self.bytes_done)}{parts}, {seconds:.1f} s{speed}{retried}"

    def sample(self) -> None:
        now = self._clock()
        # Limit the rate: small pieces would fill all samples within an instant.
        if now - self._samples[-1][0] >= _SPEED_SECONDS / _SAMPLES:
            self._samples.append((now, self.bytes_sent))


def retry_note(error: BaseException, delay: float) -> str:
    detail = getattr(error, "detail", None)
    reason = str(getattr(error, "value", None) or error).partition("\n")[0]
    if detail is not None:
        reason = f"{detail.status} {detail.code or ''}".strip()
    elif is_network_error(error):
        reason, _ = network_problem(error)
    return f"retrying in {delay:.0f} s: {reason}" if delay >= 0.5 else f"retrying: {reason}"


def bar_line(meter: Meter, columns: int, *, unicode: bool = True) -> str:
    """The progress line for a terminal of ``columns``; narrow terminals get fewer fields."""
    room = max(columns - 1, 1)  # some terminals wrap a line that fills the last column
    eta = meter.seconds_left()
    if meter.total is None:
        fields = [size_text(meter.bytes_sent), duration(meter.seconds), *_part_fields(meter)]
    else:
        percent = min(100, meter.bytes_sent * 100 // meter.total) if meter.total else 100
        if meter.bytes_done < meter.total:
            percent = min(percent, 99)  # not all parts are confirmed
        done, total = size_text(meter.bytes_sent), size_text(meter.total)
        done = done.removesuffix(f" {total.split()[-1]}")
        fields = [f"{percent:3}%", f"{done}/{total}"]
        fields += [f"{size_text(meter.speed())}/s", f"ETA {duration(eta)}" if eta else "ETA -:--"]
    if meter.note:  # more important than the speed, of which there is none now
        del fields[2:]
    text = fields[0]
    for field in fields[1:]:
        if len(text) + 2 + len(field) > room:
            break
        text = f"{text}  {field}"
    text = shortened(text, room)
    room -= len(text)
    bar = ""
    if meter.total is not None and room > _BAR[0] + 2:
        share = 1.0 if meter.note else _LABEL_SHARE
        wanted = min(width(_title(meter, room)), int(room * share))
        length = min(_BAR[1], max(_BAR[0], room - wanted - 4))
        bar = _bar(meter, length, unicode) + "  "
        room -= len(bar)
    label = _title(meter, room - 2) if room > min(6, width(_title(meter, room)) + 1) else ""
    return f"{label}{'  ' if label else ''}{bar}{text}"


def _title(meter: Meter, columns: int) -> str:
    note = f": {printable(meter.note)}" if meter.note else ""
    name = shortened(printable(meter.title), max(columns - width(note), min(columns, 8)))
    return shortened(f"{name}{note}", columns)


def _part_fields(meter: Meter) -> list[str]:
    in_parts = meter.parts or any(transfer.upload_id for transfer in [*meter.transfers])
    sent = [count(meter.parts, "part")] if in_parts else []
    in_flight = [f"{size_text(meter.in_flight)} in flight"] if meter.in_flight else []
    return [f"{size_text(meter.speed())}/s", *sent, *in_flight]


def _bar(meter: Meter, length: int, unicode: bool) -> str:
    full, pending, empty = ("█", "▒", "░") if unicode else ("#", "+", ".")
    total = meter.total or 1
    done = min(length, meter.bytes_sent * length // total) if meter.total else length
    unconfirmed = max(0, meter.bytes_done + meter.in_flight - meter.bytes_sent)
    in_flight = min(length - done, -(-unconfirmed * length // total))
    return full * done + pending * in_flight + empty * (length - done - in_flight)
