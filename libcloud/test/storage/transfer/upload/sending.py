# SPDX-License-Identifier: Apache-2.0
"""An upload to the fake store by any of the runners, and what must be true of its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.progress import Listener
from libcloud.storage.transfer.retry import Retries, RetryPolicy
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.upload.source import PartSource
from libcloud.storage.transfer.upload.workers import InlineWorkers, ThreadWorkers
from libcloud.storage.transfer.values import Body, Step, StoredObject
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test.storage.transfer.upload.fake_store import LIMITS, Call, FakeStore

PART = 10
ATTEMPTS = 3
RUNNERS = ("inline", "threads", "foreign")
PATIENCE = 30.0  # seconds until a thread that does not end is taken to hang


CREATE, COMPLETE = Call(Step.CREATE), Call(Step.COMPLETE)
CONFIRM, ABORT = Call(Step.CONFIRM), Call(Step.ABORT)
PUT = Call(Step.PUT)

every_runner = pytest.mark.parametrize("runner", RUNNERS)


@dataclass
class Sending:
    """How to send; ``run`` does it."""

    store: FakeStore
    runner: str = "inline"
    window: int = 2
    attempts: int = ATTEMPTS
    keep: bool = False
    memory: int | None = None
    size: int | None = None
    limits: Limits = LIMITS
    part: int = PART
    base: float = 0.0
    listener: Listener | None = None
    sleeps: list[float] | None = None
    executor: Executor | None = None
    cores: int | None = None
    upload_id: str | None = None
    machine: UploadMachine | None = None
    workers: InlineWorkers[Body] | ThreadWorkers[Body] | None = None

    def run(self, source: object) -> StoredObject:
        """Send all of ``source``."""
        if self.runner != "foreign" or self.executor is not None:
            return self._run(source)
        with ThreadPoolExecutor(self.window) as self.executor:
            return self._run(source)

    def _run(self, source: object) -> StoredObject:
        self.machine = UploadMachine(
            PartPlan(self.limits, self.part),
            window=self.window,
            memory=self.memory,
            retries=Retries(RetryPolicy(self.attempts, base=self.base), random=_one),
            keep=self.keep,
            expected_size=self.size,
            upload_id=self.upload_id,
        )
        self.workers = self._workers()
        transfer: Transfer[Any] = Transfer(
            self.machine, self.workers, listener=self.listener, label="box/thing"
        )
        return transfer.run(PartSource(source))

    def _workers(self) -> InlineWorkers[Body] | ThreadWorkers[Body]:
        slept = self.sleeps if self.sleeps is not None else []
        if self.runner == "inline":
            return InlineWorkers(self.store, slept.append)
        return ThreadWorkers(
            self.store,
            self.window,
            executor=self.executor,
            cores=self.cores,
            sleep=slept.append,
        )


def _one() -> float:
    return 1.0


def data_of(size: int) -> bytes:
    """``size`` bytes of which no two neighbouring parts are equal."""
    return b"".join(bytes([number % 251]) * PART for number in range(size // PART + 1))[:size]


DATA = data_of(35)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """``data`` in pieces of ``size`` bytes."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def check_end(store: FakeStore, data: bytes, error: BaseException | None) -> None:
    """What holds at the end of every upload of ``data``, however it went.

    :param error: what was raised; ``None`` for nothing.
    """
    store.check()
    if error is None:
        assert store.object == data, store.steps()
        assert not store.left, store.steps()
        return
    assert store.object in (None, data), ("a part of the data was published", store.steps())
    for upload_id in store.left:
        assert upload_id in names_of(error), (upload_id, store.steps())
    if store.object is not None and isinstance(error, Exception):
        assert isinstance(error, UploadOutcomeUnknownError), (error, store.steps())


def names_of(error: BaseException) -> set[Any]:
    """Upload ids that ``error`` or what led to it names."""
    return {getattr(link, "upload_id", None) for link in chain_of(error)}


def chain_of(error: BaseException) -> list[BaseException]:
    """``error`` and what led to it."""
    chain = [error]
    while (link := chain[-1].__cause__ or chain[-1].__context__) is not None:
        assert link not in chain, "an exception is its own cause"
        chain.append(link)
    return chain


def upload_threads() -> list[threading.Thread]:
    """The engine's own threads that still run."""
    return [thread for thread in threading.enumerate() if "libcloud-upload" in thread.name]


def part(number: int) -> Call:
    return Call(Step.PART, number)


def fails(sending: Sending, source: object, kind: type[BaseException]) -> Any:
    """The exception that the upload ends with, after a look at the store."""
    with pytest.raises(kind) as caught:
        sending.run(source)
    check_end(sending.store, DATA, caught.value)
    assert not upload_threads()
    return caught.value
