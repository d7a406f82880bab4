# SPDX-License-Identifier: Apache-2.0
"""Shows progress as a bar on a terminal, as JSON lines, or as one line at the end.

Everything is written to standard error: standard output is for data.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from libcloud.cli.errors import redact
from libcloud.cli.settings import Settings
from libcloud.cli.text import count, printable
from libcloud.utils.cancellation import RateLimit
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:  # only transfers import them
    from libcloud.cli.meter import Transfer
    from libcloud.storage.transfer.progress import UploadEvent

_INTERVAL = 0.1
_COLUMNS = 80

_active: list[Progress] = []


def print_stderr(text: str) -> None:
    """Write a line to standard error, above the progress bar, with secrets redacted."""
    with _without_bars(), contextlib.suppress(OSError, ValueError):
        print(printable(redact(text)), file=sys.stderr, flush=True)


def print_stdout(text: str) -> None:
    """Write a line to standard output, above the progress bar if that is on the same terminal."""
    with _without_bars():
        click.echo(text)


def discard_output(stream: IO[Any]) -> None:
    """Discard what ``stream`` has buffered: writing it would raise again when Python exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Report(NamedTuple):
    """Prints what a command does, one line per object, to standard output."""

    dry_run: bool = False
    as_json: bool = False
    quiet: bool = False

    def step(self, would: str, done: str, text: str, **facts: Any) -> None:
        if self.as_json:
            known = {name: value for name, value in facts.items() if value is not None}
            from json import dumps

            print_stdout(dumps({**known, "dry_run": self.dry_run}))
        elif not self.quiet:
            print_stdout(printable(f"would {would} {text}" if self.dry_run else f"{done} {text}"))

    def total(self, number: int, kind: str, done: str) -> None:
        verb = f"would be {done}" if self.dry_run else done
        click.echo(f"{count(number, kind)} {verb}", err=True)


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for progress in _active:
            stack.enter_context(progress.paused())
        yield


class Totals(NamedTuple):
    """Bytes, parts and retries of the transfers so far."""

    bytes_done: int = 0
    parts: int = 0
    retries: int = 0

    def since(self, before: Totals) -> Totals:
        return Totals(*map(int.__sub__, self, before))


def totals() -> Totals:
    meters = [progress.meter for progress in _active]
    return Totals(
        sum(meter.bytes_done for meter in meters),
        sum(meter.parts for meter in meters),
        sum(meter.retries for meter in meters),
    )


def add_totals(found: Totals) -> None:
    """Count what another process has transferred."""
    for progress in _active[-1:]:
        progress.meter.add(*found)


@contextlib.contextmanager
def without_threads() -> Iterator[None]:
    """Stop drawing bars in the block, so that the process can fork."""
    for progress in _active:
        progress.stop_drawing()
    try:
        yield
    finally:
        for progress in _active:
            progress.start_drawing()


def silence() -> None:
    """Report no progress any more: this is a child, and its parent does."""
    for progress in _active:
        progress.silence()


def interrupt_transfers() -> None:
    for progress in _active:
        progress.meter.interrupt()


def is_interactive(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def is_shared_output(stream: IO[bytes]) -> bool:
    """Whether a progress bar would mix with the data, or with the output of its reader."""
    try:
        return stream.isatty() or stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


class Progress:
    """Shows the progress of a command; as a context manager, it shows the bar in the block."""

    def __init__(self, label: str, total: int | None, settings: Settings) -> None:
        from libcloud.cli.meter import Meter, bar_line

        rate_limit = RateLimit(settings.limit_rate) if settings.limit_rate else None
        self.meter = Meter(label, total, rate_limit=rate_limit)
        self.transfer = self.meter.transfer
        self._line = bar_line
        self._stream = sys.stderr
        self._json = settings.json_progress
        self._quiet = settings.quiet
        self._bar = not self._json and not self._quiet and is_interactive(self._stream)
        self._lock = PerProcess(threading.RLock)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._unicode = "utf" in (self._stream.encoding or "").lower()
        self._written = 0.0

    def __enter__(self) -> Progress:
        from libcloud.http.timeouts import TimedConnection
        from libcloud.storage.transfer.client import RetryLoop

        _active.append(self)
        TimedConnection.progress_listener = self.meter
        RetryLoop.retry_listener = self.meter.retrying
        self.start_drawing()
        return self

    def __exit__(self, *_: object) -> None:
        from libcloud.http.timeouts import TimedConnection
        from libcloud.storage.transfer.client import RetryLoop

        TimedConnection.progress_listener = None
        RetryLoop.retry_listener = None
        self.stop_drawing()
        self.clear()
        _active.remove(self)

    def start_drawing(self) -> None:
        """Start the thread that draws the bar, if there is one."""
        if self._bar:
            self._stop.clear()
            self._thread = threading.Thread(
                target=self._redraw_until_stopped, name="libcloud-bar", daemon=True
            )
            self._thread.start()

    def stop_drawing(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def silence(self) -> None:
        """Write nothing any more. The bar is still cleared above what others print."""
        self._json, self._quiet = False, True

    @property
    def shows_total(self) -> bool:
        """Whether it shows how much is left, for which the total must be known."""
        return self._bar or self._json

    def listener(self, transfer: Transfer) -> Callable[[UploadEvent], None]:
        if not self._json:
            return transfer.listen
        from libcloud.storage.transfer.progress import PartDone

        def listen(event: UploadEvent) -> None:
            transfer.listen(event)
            if isinstance(event, PartDone):
                self._emit("progress", transfer.label)

        return listen

    def count_pieces(self, pieces: Iterator[bytes], transfer: Transfer) -> Iterator[bytes]:
        count_bytes = self.byte_counter(transfer)
        for piece in pieces:
            yield piece
            count_bytes(len(piece))

    def byte_counter(self, transfer: Transfer) -> Callable[[int], None]:
        """A thread-safe function that counts received bytes."""

        def count_bytes(size: int) -> None:
            transfer.advance(size)
            self.meter.limit_rate(size)
            if self._json and self.meter.seconds - self._written >= 1:
                self._emit("progress", transfer.label)

        return count_bytes

    def finish(self, what: str) -> None:
        if self._json:
            self._emit("done", self.meter.label)
        elif not self._quiet:
            print_stderr(f"{printable(what)}: {self.meter.summary()}")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        with self._lock():
            self.clear()
            yield

    def clear(self) -> None:
        if self._bar:
            with self._lock():
                self._write("\r\x1b[K")

    def _redraw_until_stopped(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with self._lock():
                self.meter.sample()
                line = self._line(self.meter, self._columns(), unicode=self._unicode)
                self._write(f"\r{line}\x1b[K")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    def _write(self, text: str) -> None:
        # A closed terminal, or one that cannot encode a name, must not fail the transfer.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _emit(self, event: str, label: str) -> None:
        from json import dumps

        meter = self.meter
        with self._lock():  # so that no other thread writes a line between counting and writing
            self._written = meter.seconds
            line: dict[str, Any] = {
                "event": event,
                "object": label,
                "bytes": meter.bytes_done,
                "total": meter.total,
                "parts": meter.parts,
                "seconds": round(meter.seconds, 3),
                "retries": meter.retries,
            }
            self._write(dumps(line) + "\n")
