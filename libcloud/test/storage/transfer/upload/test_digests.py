# SPDX-License-Identifier: Apache-2.0
"""Who computes the digests of parts, and what becomes of the memory of those that were sent."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload import workers
from libcloud.storage.transfer.upload.session import ObjectUpload, UploadOptions
from libcloud.storage.transfer.upload.source import PartSource
from libcloud.storage.transfer.values import Body, Digest
from libcloud.test.storage.transfer.upload.fake_store import (
    LIMITS,
    Call,
    FakeStore,
    Fault,
    StoreError,
)
from libcloud.test.storage.transfer.upload.sending import (
    ABORT,
    CREATE,
    DATA,
    Sending,
    check_end,
    cut,
    data_of,
    fails,
    part,
)

# Seconds in which a thread that is not held up does something.
_SOON = 20.0


class Digesting(FakeStore):
    """Notes which threads compute digests.

    :param meanwhile: called in the middle of each, with the number of those before it.
    :param begun: there is an upload to go on with, so that none has to be created.
    """

    def __init__(
        self,
        meanwhile: Callable[[int], object] = int,
        *,
        during: Callable[[Call], object] | None = None,
        begun: bool = True,
    ) -> None:
        super().__init__(during=during)
        self.threads: list[threading.Thread] = []
        if begun:
            self.uploads["begun"] = {}
        self._meanwhile = meanwhile

    def digest(self, body: Body) -> Digest:
        self.threads.append(threading.current_thread())
        self._meanwhile(len(self.threads) - 1)
        return super().digest(body)

    @property
    def by_caller(self) -> list[bool]:
        """For each digest, in order, whether it was this thread that computed it."""
        return [thread is threading.current_thread() for thread in self.threads]


def test_the_caller_computes_a_digest_while_the_other_cores_are_busy_with_theirs() -> None:
    helped = threading.Event()
    caller = threading.current_thread()

    def meanwhile(before: int) -> None:
        if threading.current_thread() is caller:
            helped.set()
        else:
            assert helped.wait(_SOON)

    store = Digesting(meanwhile)
    Sending(store, "threads", window=4, cores=2, upload_id="begun").run(cut(DATA, 7))
    check_end(store, DATA, None)
    assert store.digests == 4


def test_with_one_core_the_caller_computes_all_digests() -> None:
    store = Digesting()
    Sending(store, "threads", window=4, cores=1, upload_id="begun").run(cut(DATA, 7))
    check_end(store, DATA, None)
    assert store.by_caller == [True] * 4


def test_with_a_core_for_each_part_the_caller_computes_none() -> None:
    store = Digesting()
    Sending(store, "threads", window=4, cores=5, upload_id="begun").run(cut(DATA, 7))
    check_end(store, DATA, None)
    assert store.by_caller == [False] * 4


def test_a_free_core_computes_the_next_digest() -> None:
    sent = {number: threading.Event() for number in range(1, 5)}
    store = Digesting(during=lambda call: sent[call.number].set() if call.number else None)

    def pieces() -> Iterator[bytes]:
        yield DATA[:30]
        assert sent[1].wait(_SOON)
        assert sent[2].wait(_SOON)

    Sending(store, "threads", window=2, cores=2, upload_id="begun").run(pieces())
    check_end(store, DATA[:30], None)
    assert store.by_caller[2] is False


def test_while_the_upload_is_created_the_caller_computes_digests() -> None:
    computed = threading.Event()

    def during(call: Call) -> None:
        if call == CREATE:
            assert computed.wait(_SOON)

    store = Digesting(
        lambda before: computed.set() if before == 3 else None, during=during, begun=False
    )
    Sending(store, "threads", window=4, cores=64).run(cut(DATA, 7))
    check_end(store, DATA, None)
    assert store.by_caller == [True] * 4


def test_the_first_digest_does_not_wait_for_the_second_part() -> None:
    store, found = Digesting(begun=False), list[list[bool]]()

    def pieces() -> Iterator[bytes]:
        yield DATA[:11]
        found.append(store.by_caller)
        yield DATA[11:]

    Sending(store, "threads", window=4, cores=64).run(pieces())
    check_end(store, DATA, None)
    assert found == [[True]]


def test_a_digest_that_fails_before_the_upload_is_there_is_computed_again() -> None:
    failed = threading.Event()

    def during(call: Call) -> None:
        if call == CREATE:
            assert failed.wait(_SOON)

    def fail(before: int) -> None:
        if not failed.is_set():
            failed.set()
            raise StoreError("not now")

    store = Digesting(fail, during=during, begun=False)
    Sending(store, "threads", cores=64).run(DATA)
    check_end(store, DATA, None)
    assert store.by_caller[0] is True
    assert len(store.threads) == 5


def test_a_digest_that_fails_in_the_callers_thread_fails_the_upload() -> None:
    def fail(before: int) -> None:
        if before == 1:
            raise StoreError("no such hash function")

    store = Digesting(fail)
    fails(Sending(store, "threads", cores=1, upload_id="begun"), DATA, StoreError)
    assert str(ABORT) in store.steps()
    assert str(part(2)) not in store.steps()


def test_a_digest_that_may_succeed_later_is_computed_again() -> None:
    def fail(before: int) -> None:
        if before == 1:
            raise StoreError("not now", Fault.BUSY)

    store = Digesting(fail)
    Sending(store, "threads", cores=1, upload_id="begun").run(DATA)
    check_end(store, DATA, None)
    assert len(store.threads) == 5


def test_an_interrupt_of_a_digest_propagates_after_the_clean_up() -> None:
    def interrupt(before: int) -> None:
        if before == 1:
            raise KeyboardInterrupt

    store = Digesting(interrupt)
    fails(Sending(store, "threads", cores=1, upload_id="begun"), DATA, KeyboardInterrupt)
    assert not store.left


# Memory that parts leave behind.


@pytest.mark.parametrize(
    ("size", "kept"), [(35, [4 * 10]), (8, [])], ids=["in parts", "in one request"]
)
def test_an_upload_in_parts_keeps_what_they_take(
    size: int, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(workers, "_keep_free", asked.append)
    store = FakeStore()
    options = UploadOptions(part_size=10, window=4)
    ObjectUpload(store, LIMITS, options, Retries()).send(PartSource(data_of(size)))
    assert asked == kept
    assert (str(CREATE) in store.steps()) == bool(kept)


_PARTS = f"""
import resource
from libcloud.storage.transfer.upload import workers

workers._keep_free({96 * MIB})
for number in range(20):
    if number == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    part = [b"".join([b"x" * 65536] * 4) for _ in range(32)]
    del part
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_memory_that_is_kept_is_not_mapped_again() -> None:
    """Elsewhere than with glibc it may be kept anyway; 18 parts of 8 MiB are 36,864 pages."""
    run = subprocess.run(
        [sys.executable, "-c", _PARTS], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(run.stdout) < 4096
