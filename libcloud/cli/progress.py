# SPDX-License-Identifier: Apache-2.0
"""Shows how far a transfer is: a bar on a terminal, JSON lines, or one line at the end.

Drawn on standard error, so that standard output is the data's.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TextIO

from libcloud.cli.errors import without_secrets
from libcloud.cli.meter import Flow, Meter, bar_line
from libcloud.cli.settings import Settings
from libcloud.cli.text import printable
from libcloud.storage.transfer.progress import PartDone, UploadEvent
from libcloud.utils.per_process import PerProcess

__all__ = ["Progress", "cut", "on_terminal", "say"]

_INTERVAL = 0.1
_COLUMNS = 80

_shown: list[Progress] = []


def say(text: str) -> None:
    """Write a line to standard error, above the bar if there is one."""
    for progress in _shown:
        progress.clear()
    with contextlib.suppress(OSError, ValueError):
        print(printable(without_secrets(text)), file=sys.stderr, flush=True)


def cut() -> None:
    """Let what is being sent fail."""
    for progress in _shown:
        progress.meter.cut()


def on_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at ``stream``, on a screen that can go back in a line."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


class Progress:
    """One transfer, and how it is shown. A context manager: the bar is there while it is open.

    :param total: bytes to move; ``None`` if that is not known.
    :param settings: of the command: quiet, or JSON.
    """

    def __init__(self, label: str, total: int | None, settings: Settings) -> None:
        self.meter = Meter(label, total)
        self._stream = sys.stderr
        self._json = settings.json_progress
        self._quiet = settings.quiet
        self._bar = not self._json and not self._quiet and on_terminal(self._stream)
        self._lock = PerProcess(threading.RLock)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._unicode = "utf" in (self._stream.encoding or "").lower()
        self._written = 0.0

    def __enter__(self) -> Progress:
        from libcloud.http.timeouts import TimedConnection

        _shown.append(self)
        TimedConnection.watcher = self.meter
        if self._bar:
            self._thread = threading.Thread(target=self._tick, name="libcloud-bar", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        from libcloud.http.timeouts import TimedConnection

        TimedConnection.watcher = None
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.clear()
        _shown.remove(self)

    def flow(self, label: str) -> AbstractContextManager[Flow]:
        """An object's turn: see :meth:`Meter.flow`."""
        return self.meter.flow(label)

    def listener(self, flow: Flow) -> Callable[[UploadEvent], None]:
        """What follows an upload: a listener of the engine."""

        def listen(event: UploadEvent) -> None:
            flow.listen(event)
            if self._json and isinstance(event, PartDone):
                self._emit("progress", flow.label)

        return listen

    def counted(self, pieces: Iterator[bytes], flow: Flow) -> Iterator[bytes]:
        """``pieces``, counted as they pass."""
        count = self.counting(flow)
        for piece in pieces:
            yield piece
            count(len(piece))

    def counting(self, flow: Flow) -> Callable[[int], None]:
        """What is told the bytes that arrive, by any thread."""

        def count(size: int) -> None:
            flow.advance(size)
            if self._json and self.meter.seconds - self._written >= 1:
                self._emit("progress", flow.label)

        return count

    def done(self, what: str) -> None:
        """Say that it is over and went well: ``what`` it was, and the numbers."""
        if self._json:
            self._emit("done", self.meter.label)
        elif not self._quiet:
            say(f"{printable(what)}: {self.meter.summary()}")

    def clear(self) -> None:
        """Take the bar off the screen."""
        if self._bar:
            with self._lock():
                self._write("\r\x1b[K")

    def _tick(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with self._lock():
                self.meter.sample()
                line = bar_line(self.meter, self._columns(), unicode=self._unicode)
                self._write(f"\r{line}\x1b[K")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    def _write(self, text: str) -> None:
        # A terminal that is gone, or cannot write a name, must not fail the transfer.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _emit(self, event: str, label: str) -> None:
        meter = self.meter
        self._written = meter.seconds
        line: dict[str, Any] = {
            "event": event,
            "object": label,
            "bytes": meter.done,
            "total": meter.total,
            "parts": meter.parts,
            "seconds": round(meter.seconds, 3),
            "retries": meter.retries,
        }
        with self._lock():
            self._write(json.dumps(line) + "\n")
