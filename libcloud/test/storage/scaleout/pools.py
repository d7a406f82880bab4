# SPDX-License-Identifier: Apache-2.0
"""Executors, pieces and drivers for the tests of uploads by several processes."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout.worker import PartTask
from libcloud.storage.transfer.progress import UploadEvent
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.s3_servers import PART, Store, with_small_parts


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def connected(host: str, port: int) -> Any:
    """A driver with small parts, with the credentials of this process: ``ex_connect``."""
    kind = with_small_parts(S3StorageDriver)
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    return kind(key, secret, host=host, port=port, secure=False)


def raise_smallest_part(found: Store) -> None:
    """Have the driver know the smallest part of the other tests, instead of a byte."""
    limits = replace(found.driver.profile.limits, min_part_size=PART)
    found.driver.profile = replace(found.driver.profile, limits=limits)


def piece(folder: str, number: int, size: int) -> bytes:
    """Piece ``number``; each call leaves a file in ``folder``."""
    os.close(tempfile.mkstemp(prefix=f"{number}-", dir=folder)[0])
    return pattern(size, seed=number)


def fatal(folder: str, number: int, size: int) -> bytes:
    """The same, but the first call ends its process."""
    first = not runs_of(folder)[number]
    data = piece(folder, number, size)
    if first:
        os._exit(1)
    return data


def runs_of(folder: str) -> Counter[int]:
    """How often each piece was made, in all processes."""
    return Counter(int(name.partition("-")[0]) for name in os.listdir(folder))


def coordinate(host: str, port: int, folder: str, sizes: list[int], event: str) -> None:
    """Upload, with threads, until an event comes; then the process is killed."""
    driver = connected(host, port)

    def kill(found: UploadEvent) -> None:
        if type(found).__name__ == event:
            os.kill(os.getpid(), signal.SIGKILL)

    with ThreadPoolExecutor(2) as pool:
        driver.ex_upload_with(
            pool,
            [partial(piece, folder, number, size) for number, size in enumerate(sizes)],
            Container("bucket", {}, driver),
            "object",
            sizes=sizes,
            ex_on_session=lambda text: Path(f"{folder}.session").write_text(text),
            on_event=kill,
        )


@dataclass
class Pieces:
    """Pieces of an object as functions, which count how often they are called.

    :param sizes: bytes of each.
    :param changing: positions of those that have other bytes each time.
    """

    sizes: Sequence[int]
    changing: frozenset[int] = frozenset()
    runs: Counter[int] = field(default_factory=Counter)

    @property
    def functions(self) -> list[Callable[[], bytes]]:
        return [partial(self._make, number) for number in range(len(self.sizes))]

    @property
    def data(self) -> bytes:
        return b"".join(self._content(number, 0) for number in range(len(self.sizes)))

    def _make(self, number: int) -> bytes:
        self.runs[number] += 1
        return self._content(number, self.runs[number] if number in self.changing else 0)

    def _content(self, number: int, turn: int) -> bytes:
        return pattern(self.sizes[number], seed=number + 100 * turn)


class OddExecutor(Executor):
    """Runs tasks without threads, in an odd but fixed order, and treats some of them badly.

    Tasks wait until ``window`` of them do, or all that are expected have come; then they run, the
    last first.

    :param expected: tasks that will come.
    :param twice: numbers of parts whose task runs a second time, after all others; the first
        result is returned.
    :param late: parts that run after all others.
    :param lost: parts whose task is lost, after it ran.
    """

    shares_memory = True

    def __init__(
        self,
        expected: int,
        window: int = 4,
        *,
        twice: Sequence[int] = (),
        late: Sequence[int] = (),
        lost: Sequence[int] = (),
    ) -> None:
        self.workers = (window + 1) // 2
        self._expected = expected
        self._window = window
        self._twice, self._late, self._lost = set(twice), set(late), set(lost)
        self._waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self._submitted = 0
        self.most_waiting = 0
        self.tasks: list[PartTask] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.tasks.append(args[0])
        self._submitted += 1
        self._waiting.append((future, fn, args))
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        if self._submitted >= self._expected or len(self._waiting) == self._window:
            self._run()
        return future

    def _run(self) -> None:
        ended = self._submitted >= self._expected
        again: list[Callable[[], Any]] = []
        batch, self._waiting = self._waiting[::-1], []
        late = [item for item in batch if item[2][0].number in self._late]
        if not ended and len(late) < len(batch):
            self._waiting, batch = late, [item for item in batch if item not in late]
        for future, function, args in batch:
            number = args[0].number
            if not future.set_running_or_notify_cancel():
                continue
            result = function(*args)
            if number in self._twice:
                self._twice.remove(number)
                again.append(partial(function, *args))
            if number in self._lost:
                future.set_exception(RuntimeError("the worker was lost"))
            else:
                self._settled.append((future, result))
        for repeat in again:
            repeat()
        for future, result in self._settled:
            future.set_result(result)
        self._settled.clear()

    @property
    def _settled(self) -> list[tuple[Future[Any], Any]]:
        return vars(self).setdefault("settled", [])  # type: ignore[no-any-return]


class Twice(ThreadPoolExecutor):
    """Runs each task twice, one after the other; the first result counts."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def both() -> Any:
            first = fn(*args, **kwargs)
            fn(*args, **kwargs)
            return first

        return super().submit(both)
