# SPDX-License-Identifier: Apache-2.0
"""Locks, and what each thread and each process has for itself.

A finalizer that uses the very object whose lock is held stands for the garbage collector, which may
come at any allocation. Here it comes each time that a lock is taken.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.credentials import Credentials
from libcloud.common.credentials.provider import CredentialProvider
from libcloud.http import connections
from libcloud.storage.s3.access import _provider
from libcloud.storage.s3.client import UnsupportedFeatures
from libcloud.storage.transfer.budget import MemoryBudget, Share, _Usage
from libcloud.storage.transfer.retry import ConcurrencyLimiter, RetryBudget
from libcloud.test.storage.fakes.options import AMAZON as AMAZON_SERVER
from libcloud.test.storage.s3_servers import PART, store
from libcloud.utils import local
from libcloud.utils.local import PerProcess, PerThread

LIBRARY = Path(__file__).resolve().parents[1]

# Where a lock may be made otherwise, and why.
OTHER_LOCKS = {
    "storage/writer.py": "reentrant; a writer does nothing in a forked child",
    "storage/drivers/_local_lock.py": "taken with a timeout, and a new one each time",
    "storage/transfer/budget.py": "a condition of a PerProcess; its lock is reentrant",
    "storage/transfer/upload/at_exit.py": "given up by one thread and taken by another",
    "storage/transfer/upload/workers.py": "a condition of one upload; its lock is reentrant",
}
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "allocate_lock"}


def locks_made(code: str) -> bool:
    """Whether ``code`` calls one of :data:`LOCKS`."""
    if not any(f"{name}(" in code for name in LOCKS):
        return False
    calls = (node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return any(ast.unparse(func).rpartition(".")[2] in LOCKS for func in calls)


def test_all_other_locks_are_made_per_process() -> None:
    found = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if not path.is_relative_to(LIBRARY / "test") and locks_made(path.read_text("utf-8"))
    }
    assert found == set(OTHER_LOCKS)


@pytest.mark.parametrize("code", ["import threading\nx = threading.Lock()", "x = Condition()"])
def test_a_lock_is_seen(code: str) -> None:
    assert locks_made(code)


class Interrupting:
    """A lock in whose block a finalizer runs, once it is taken."""

    def __init__(self, lock: Any, finalizer: Callable[[], object]) -> None:
        self._lock = lock
        self._finalizer = finalizer

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        taken: bool = self._lock.acquire(*args, **kwargs)
        if taken:
            self._finalizer()
        return taken

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)  # what a condition needs of its lock


class Once:
    """Calls ``use`` from a finalizer that the garbage collector runs, but not within itself."""

    def __init__(self, use: Callable[[], object]) -> None:
        self._use = use
        self._active = threading.local()
        self.calls = 0

    def __call__(self) -> None:
        if getattr(self._active, "now", False):
            return
        self._active.now = True
        try:
            garbage = _Garbage(self._use)
            garbage.me = garbage
            del garbage
            gc.collect(0)
            self.calls += 1
        finally:
            self._active.now = False


class _Garbage:
    def __init__(self, use: Callable[[], object]) -> None:
        self._use = use
        self.me: Any = None

    def __del__(self) -> None:
        self._use()


def ends(work: Callable[[], object]) -> bool:
    """Whether ``work`` comes to its end; a deadlock must not stop the tests."""
    done: list[bool] = []

    def run() -> None:
        work()
        done.append(True)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    return bool(done)


def _of_retry_budget() -> tuple[Any, str, Callable[[], object]]:
    budget = RetryBudget(lock=PerProcess(threading.RLock))

    def use() -> None:
        budget.spend()
        budget.refill()

    return budget, "_lock", use


def _of_limiter() -> tuple[Any, str, Callable[[], object]]:
    limiter = ConcurrencyLimiter(lock=PerProcess(threading.RLock))

    def use() -> None:
        limiter.throttled(limiter.epoch, 8)
        limiter.succeeded(limiter.epoch)

    return limiter, "_lock", use


def _of_given_up() -> tuple[Any, str, Callable[[], object]]:
    refused = UnsupportedFeatures("store")
    return refused, "_lock", lambda: refused.add(["checksum"])


def _of_credentials() -> tuple[Any, str, Callable[[], object]]:
    source = CredentialProvider(lambda: Credentials("key", "secret"))
    return source, "_lock", lambda: (source.current(), source.refresh(Credentials("key", "secret")))


def _of_connection() -> tuple[Any, str, Callable[[], object]]:
    connection = ConnectionUserAndKey("user", "key")
    vars(connection)["_connecting"] = PerProcess(threading.RLock)
    return connection, "_connecting", connection._connect_once


@pytest.mark.parametrize(
    "make",
    [
        _of_retry_budget,
        _of_limiter,
        _of_given_up,
        _of_credentials,
        _of_connection,
    ],
)
def test_a_finalizer_may_use_what_is_locked(
    make: Callable[[], tuple[Any, str, Callable[[], object]]],
) -> None:
    thing, name, use = make()
    lock: PerProcess[Any] = getattr(thing, name)
    finalizer = Once(use)
    vars(thing)[name] = lambda: Interrupting(lock(), finalizer)
    assert ends(use)
    assert finalizer.calls


def test_a_finalizer_may_take_memory_while_the_budget_is_locked() -> None:
    budget = MemoryBudget(100, patience=0.0)
    other = Share(budget)

    def use() -> None:
        if other.held:
            other.give(10)
        elif not other.take(10):
            other.wait(10)

    finalizer = Once(use)
    locks = Interrupting(threading.RLock(), finalizer)
    usage: Any = budget._usage()
    usage.lock, usage.changed = locks, threading.Condition(locks)  # type: ignore[arg-type]
    share = Share(budget)

    def work() -> None:
        for _ in range(3):
            taken = share.take(95)
            assert taken or other.held
            share.give(95)
            share.wait(95)
            share.close()

    assert ends(work)
    assert finalizer.calls
    assert budget.used == share.held + other.held


@pytest.mark.slow
def test_a_finalizer_may_make_requests_wherever_a_lock_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with store() as s3:
        finalizer = Once(lambda: s3.stream([b"x"], "temporary").delete())
        budget = s3.driver._client.retry_loop.retries()._budget
        take = PerProcess.__call__

        def taken(self: PerProcess[Any]) -> Any:
            value = take(self)
            is_lock = isinstance(value, (type(threading.RLock()), type(threading.Lock())))
            return Interrupting(value, finalizer) if is_lock else value

        def work() -> None:
            for _ in range(4):
                budget.spend()  # so that each success returns a token
            data = s3.in_parts(4, ex_window=2)
            assert b"".join(s3.container.get_object("object").as_stream()) == data
            assert [obj.name for obj in s3.container.list_objects()] == ["object"]

        with monkeypatch.context() as patched:
            patched.setattr(local.PerProcess, "__call__", taken)
            assert ends(work)
        assert finalizer.calls >= 4


@pytest.mark.parametrize("part", ["_budget", "limiter"])
def test_a_thread_that_holds_the_lock_of_retries_can_take_it_again(part: str) -> None:
    with store() as s3:
        lock = getattr(s3.driver._client.retry_loop.retries(), part)._lock()
    with lock:
        assert lock.acquire(blocking=False)
        lock.release()


def test_a_request_that_interrupts_another_one_leaves_it_as_it_was() -> None:
    with store() as s3:
        one, two = (s3.stream([name.encode()], name).hash for name in ("one", "two"))
        connection = s3.driver.connection
        sent = connection.connection.getresponse
        interruptions: list[Any] = []

        def interrupted() -> Any:
            if not interruptions:
                interruptions.append(None)
                interruptions.append(connection.request("/bucket/two", method="HEAD"))
            return sent()

        connection.connection.getresponse = interrupted
        answer = connection.request("/bucket/one", method="HEAD")
        assert interruptions[1].headers["etag"].strip('"') == two
        assert answer.headers["etag"].strip('"') == one


def test_a_value_of_a_thread_is_freed_with_its_object_and_with_its_thread() -> None:
    class Call:
        method = PerThread("GET")

    class Response:
        pass

    known = local._of_this_thread()
    before = len(known)
    call = Call()
    call.method = "PUT"
    assert len(known) == before + 1
    del call
    assert len(known) == before

    gone = threading.Event()
    shared = Call()

    def use() -> None:
        response: Any = Response()
        weak.append(weakref.ref(response, lambda _: gone.set()))
        shared.method = response

    weak: list[Any] = []
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    del thread
    assert gone.wait(30)


def test_copies_share_no_value_of_a_thread() -> None:
    call = Call()
    call.method = "PUT"
    for other in (copy.copy(call), copy.deepcopy(call), pickle.loads(pickle.dumps(call))):
        assert other.method == "GET"
        other.method = "HEAD"
    assert call.method == "PUT"
    assert not vars(call)


class Call:
    """Has an attribute for each thread."""

    method = PerThread("GET")


def test_a_copy_has_values_of_its_own() -> None:
    numbers: PerProcess[list[int]] = PerProcess(list)
    numbers().append(1)
    for other in (copy.deepcopy(numbers), pickle.loads(pickle.dumps(numbers))):
        assert other() == []
    assert numbers() == [1]


def in_child(work: Callable[[], bool]) -> bool:
    """What ``work`` says in a forked child."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(30)  # so that a child which waits for ever does not outlive the test
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_that_another_thread_holds_at_a_fork_is_free_in_the_child() -> None:
    lock = PerProcess(threading.RLock)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock():
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        assert not lock().acquire(blocking=False)
        assert in_child(lambda: lock().acquire(blocking=False))
    finally:
        done.set()
        thread.join()


@pytest.fixture
def slow_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[threading.Event, threading.Thread]]:
    """A thread that imports a module, and the event that the module waits for."""
    begun, released = threading.Event(), threading.Event()
    monkeypatch.setattr(local, "_IMPORTED", {"slow_to_import"})
    monkeypatch.setattr(local, "for_slow_to_import", (begun, released), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "slow_to_import.py").write_text(
        "from libcloud.utils.local import for_slow_to_import as events\n"
        "events[0].set()\nassert events[1].wait(60)\nvalue = 1\n"
    )
    thread = threading.Thread(target=importlib.import_module, args=["slow_to_import"])
    thread.start()
    assert begun.wait(30)
    yield released, thread
    released.set()
    thread.join()
    sys.modules.pop("slow_to_import", None)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_waits_for_the_import_of_another_thread(
    slow_import: tuple[threading.Event, threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request imports modules, whose locks stay locked in the child."""
    released, thread = slow_import

    def release_and_wait(_seconds: float) -> None:
        released.set()
        thread.join()

    monkeypatch.setattr("time.sleep", release_and_wait)
    assert in_child(lambda: bool(importlib.import_module("slow_to_import").value))


def test_a_fork_does_not_wait_for_ever_for_an_import(
    slow_import: tuple[threading.Event, threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import may need a lock that the forking thread holds."""
    monkeypatch.setattr(local, "_LONGEST_WAIT", 0.01, raising=False)
    waiting = threading.Thread(target=local.await_imports, daemon=True)
    waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_forked_child_finds_the_codec_of_host_names() -> None:
    assert hasattr(connections, "encodings")  # imported before any thread can connect


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_whole_memory_budget() -> None:
    budget = MemoryBudget(PART)
    share = Share(budget)
    assert share.take(PART)
    with budget._usage().changed:
        assert in_child(lambda: budget.used == 0 and Share(budget).take(PART))
    assert budget.used == PART


@contextlib.contextmanager
def all_locks_held() -> Iterator[int]:
    """Another thread holds every lock of the library that exists; how many these are."""
    held, done, count = threading.Event(), threading.Event(), [0]
    gc.unfreeze()  # get_objects() leaves out what the set-up of the tests has frozen

    def hold() -> None:
        with contextlib.ExitStack() as stack:
            for owner in [one for one in gc.get_objects() if type(one) is PerProcess]:
                value = owner()
                lock = value.changed if isinstance(value, _Usage) else value
                if hasattr(lock, "acquire"):
                    stack.enter_context(lock)
                    count[0] += 1
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        yield count[0]
    finally:
        done.set()
        thread.join()


def give_credentials() -> Credentials:
    return Credentials(AMAZON_SERVER.key, AMAZON_SERVER.secret)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_uses_a_driver_whose_locks_other_threads_hold() -> None:
    with store() as s3:
        driver = s3.driver
        driver.connection.credential_provider = _provider(give_credentials, driver.connection)
        driver.ex_max_memory = MemoryBudget(4 * PART)
        assert s3.in_parts(2) == s3.body()
        assert driver._client.retry_loop.retries()
        driver.connection.credential_provider._cached = None
        connect = driver.connection.connection
        driver.connection.connection = None
        driver.connection._connect_once()
        assert driver.connection.connection is not connect

        def use() -> bool:
            driver.connection.connection = None
            driver.connection.addressing.learn_region("elsewhere", "eu-west-1")
            driver._client.unsupported.add(["something"])
            data = s3.in_parts(4, "of-the-child", ex_window=2)
            return b"".join(s3.container.get_object("of-the-child").as_stream()) == data

        with all_locks_held() as count:
            assert count >= 6
            assert in_child(use)
        assert s3.in_parts(4, "of-the-child") == s3.body("of-the-child")
