# SPDX-License-Identifier: Apache-2.0
"""Large objects come over several connections: whole, of one version, or not at all."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libcloud.http import LibcloudConnection
from libcloud.storage import worker_pool
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scheduler import AdaptiveLimit
from libcloud.storage.transfer.download import parallel
from libcloud.storage.types import IncompleteDownloadError, ObjectHashMismatchError
from libcloud.test.storage.fakes.digests import checksum
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    FlipBit,
    Hold,
    Release,
    Status,
    Truncate,
)
from libcloud.test.storage.fakes.options import MIB
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import Store, pattern, store

PART = 1000
DATA = pattern(4 * PART + 600)
WINDOW = 3


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with store() as there:
        yield there


@pytest.fixture
def s3(running: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store, and a driver that reads 300 bytes at once."""
    monkeypatch.setattr(parallel, "_PIECE", 300)
    running.server.reset()
    running.server.create_bucket("bucket")
    yield running
    join_workers()


@pytest.fixture
def stored(s3: Store) -> Object:
    found: Object = s3.stream(iter([DATA]), ex_checksum="crc32", ex_part_size=10_000)
    return found


def join_workers() -> None:
    for thread in threading.enumerate():
        if thread.name == "libcloud-download":
            thread.join(30)
            assert not thread.is_alive()


def descriptors_in(folder: Path) -> list[str]:
    """Files in ``folder`` that this process has open."""
    targets = (Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))
    found = (str(target.readlink()) for target in targets if target.is_symlink())
    return [name for name in found if name.startswith(str(folder))]


def fetch(obj: Any, path: Path, **options: Any) -> Any:
    options = {"ex_window": WINDOW, "ex_part_size": PART, **options}
    return obj.driver.download_object(obj, path, **options)


def ranges(s3: Store) -> list[str | None]:
    return [entry.headers.get("range") for entry in s3.requests("GetObject")]


def has_range(request: Any) -> bool:
    return request.header("range") is not None


def has_range_of(start: str) -> Callable[[Any], bool]:
    return lambda request: (request.header("range") or "").startswith(f"bytes={start}")


def resumes_a_part(request: Any) -> bool:
    start = (request.header("range") or "bytes=0-").removeprefix("bytes=").partition("-")[0]
    return int(start) % PART != 0


@dataclass(frozen=True, slots=True)
class Whole(Action):
    """Ignore that a range was asked for."""

    def verified(self, request: Incoming) -> Incoming:
        headers = tuple(item for item in request.headers if item[0] != "range")
        return Incoming(request.method, request.target, headers)


@dataclass(frozen=True, slots=True)
class Meet(Action):
    """Let one request go on, and hold this one."""

    other: Hold
    held: Hold

    def verified(self, request: Incoming) -> Incoming:
        self.other.release.set()
        return self.held.verified(request)


@dataclass(frozen=True, slots=True)
class Refuse(Action):
    """Let one request go on, and hold this one, which is refused in the end."""

    other: Hold
    held: Hold

    def verified(self, request: Incoming) -> Incoming:
        Meet(self.other, self.held).verified(request)
        return Status(403, "AccessDenied").received(request)


def hold_the_first_connection(s3: Store, after: int, until: str, *, flip: bool = False) -> None:
    """Break the first connection, and hold its next request until a range was asked for.

    Before that a helper, whose first range is the last one, gets nothing: it might fetch all.
    """
    early, held = Hold("before"), Hold("before")
    last = f"bytes={len(DATA) - len(DATA) % PART}-{len(DATA) - 1}"
    s3.server.faults.add("GetObject", Truncate(after))
    if until != last:
        s3.server.faults.add("GetObject", early, match=lambda r: r.header("range") == last)
    s3.server.faults.add("GetObject", Meet(early, held), match=has_range_of(f"{after}-"))
    released = Release(held, flip)
    s3.server.faults.add("GetObject", released, match=lambda r: r.header("range") == until)


# What comes, and how.


@pytest.mark.parametrize("window", [2, 3, 9])
@pytest.mark.parametrize("part_size", [300, PART, 1150, 2300, 4599])
def test_a_file_is_the_object(
    s3: Store, stored: Object, tmp_path: Path, window: int, part_size: int
) -> None:
    path = tmp_path / "file"
    assert fetch(stored, path, ex_window=window, ex_part_size=part_size) is True
    assert path.read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [path]
    join_workers()


def test_the_last_parts_come_as_ranges_of_the_same_version(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    hold_the_first_connection(s3, 1500, until="bytes=2000-2999")

    assert fetch(stored, tmp_path / "file", ex_window=2) is True

    assert (tmp_path / "file").read_bytes() == DATA
    asked = ["bytes=4000-4599", "bytes=3000-3999", "bytes=2000-2999"]
    assert [span for span in ranges(s3) if span in asked] == asked
    assert sorted(map(str, ranges(s3))) == sorted([*asked, "None", "bytes=1500-4599"])
    for entry in s3.requests("GetObject")[1:]:
        assert entry.headers["if-match"] == f'"{stored.hash}"'
        assert "x-amz-checksum-mode" not in entry.headers


@pytest.fixture
def is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The object is large, and what to do about it is decided at each piece."""
    monkeypatch.setattr(parallel, "_MIN_SIZE", len(DATA) - 1)
    monkeypatch.setattr(parallel, "DEFAULT_PART_SIZE", PART)
    monkeypatch.setattr(parallel, "_PIECE", 100)
    monkeypatch.setattr(parallel, "_INTERVAL", 0)


@pytest.mark.usefixtures("is_large")
def test_a_large_object_is_split_by_default(s3: Store, stored: Object, tmp_path: Path) -> None:
    hold_the_first_connection(s3, 500, until="bytes=4000-4599")
    assert stored.download(tmp_path / "file") is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert "bytes=4000-4599" in ranges(s3)


@pytest.mark.usefixtures("is_large")
def test_no_connection_is_added_while_one_is_being_opened(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it adds to the throughput is not known before."""
    helper, workers, join = Hold("before"), list[int](), parallel.ParallelDownload._join

    def one_more(connections: AdaptiveLimit, rate: float) -> None:
        connections.size += 1

    def release_and_join(download: parallel.ParallelDownload) -> None:
        workers.append(len(download._workers))
        helper.release.set()
        join(download)

    monkeypatch.setattr(parallel.ParallelDownload, "_join", release_and_join)
    monkeypatch.setattr(AdaptiveLimit, "measured", one_more)
    s3.server.faults.add("GetObject", helper, match=has_range)
    assert stored.download(tmp_path / "file") is True
    assert workers[0] == 1


def test_a_small_object_comes_by_one_request(s3: Store, stored: Object, tmp_path: Path) -> None:
    assert stored.download(tmp_path / "a") is True
    assert fetch(stored, tmp_path / "b", ex_part_size=len(DATA)) is True
    assert ranges(s3) == [None, None]


@pytest.mark.parametrize("name", ["ex_window", "ex_part_size"])
def test_invalid_arguments_are_refused_at_once(
    s3: Store, stored: Object, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        fetch(stored, tmp_path / "file", **{name: 0})
    assert ranges(s3) == []


# What is left to one connection.


class OneAtATime(LibcloudConnection):
    max_concurrency = 1


def test_a_connection_for_one_thread_makes_one_request(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = s3.driver.connection
    monkeypatch.setattr(
        connection, "connection", OneAtATime(s3.server.host, s3.server.port, secure=False)
    )
    assert fetch(stored, tmp_path / "file") is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert ranges(s3) == [None]


@pytest.mark.parametrize("options", [{"ex_window": 1}, {"delete_on_failure": False}], ids=str)
def test_one_connection_can_be_requested(
    s3: Store, stored: Object, tmp_path: Path, options: dict[str, Any]
) -> None:
    assert fetch(stored, tmp_path / "file", **options) is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert ranges(s3) == [None]


def test_a_way_of_saving_of_a_subclass_is_used(s3: Store, stored: Object, tmp_path: Path) -> None:
    s3.driver._save_object = lambda **given: given["response"].status
    try:
        assert fetch(stored, tmp_path / "file") == 200
    finally:
        del s3.driver._save_object
    assert ranges(s3) == [None]


def test_a_hash_that_cannot_be_put_together_is_computed_over_one_connection(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    with s3.server.state.lock:
        kept = s3.server.state.objects["bucket", "object"]
        kept.checksums = {"sha256": checksum("sha256", DATA)}
    assert fetch(stored, tmp_path / "file") is True
    s3.server.faults.add("GetObject", FlipBit(4000, "answer"))
    with pytest.raises(ObjectHashMismatchError, match="sha256"):
        fetch(stored, tmp_path / "other")
    assert ranges(s3) == [None, None]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_pipe_is_written_from_front_to_back(s3: Store, stored: Object, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert fetch(stored, pipe, overwrite_existing=True) is True
        assert os.read(reading, 2 * len(DATA)) == DATA
    finally:
        os.close(reading)


def test_an_object_of_another_size_than_head_reported_is_not_accepted(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    container: Container = stored.container
    looked_at = Object("object", len(DATA) + 1, None, {}, {}, container, stored.driver)
    assert fetch(looked_at, tmp_path / "file") is False
    assert list(tmp_path.iterdir()) == []


# What goes wrong.


@pytest.mark.parametrize("keep", [0, 1, 999, 1000, 2345, 4599])
def test_breaks_of_the_first_connection_are_retried(
    s3: Store, stored: Object, tmp_path: Path, keep: int
) -> None:
    s3.server.faults.add("GetObject", Truncate(keep))
    assert fetch(stored, tmp_path / "file") is True
    assert (tmp_path / "file").read_bytes() == DATA


HELPLESS = {
    "reset": Drop("after_body"),
    "cut off": Truncate(0),
    "cut off in the middle": Truncate(450),
    "busy": Status(503, "SlowDown"),
    "forbidden": Status(403, "AccessDenied"),
    "no ranges": Status(501, "NotImplemented"),
    "ranges ignored": Whole(),
    "replaced": Status(412, "PreconditionFailed"),
    "gone": Status(404, "NoSuchKey"),
}


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("action", HELPLESS.values(), ids=HELPLESS)
def test_ranges_that_helpers_miss_are_downloaded_anyway(
    s3: Store, stored: Object, tmp_path: Path, action: Action, times: int | None
) -> None:
    s3.server.faults.add("GetObject", action, match=has_range, times=times)
    assert fetch(stored, tmp_path / "file") is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_part_that_a_helper_fails_to_get_is_waited_for(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper fails when the first connection has come to its part, and not before."""
    first, last = Hold("before"), Hold("before")
    s3.server.faults.add("GetObject", Truncate(1500))
    s3.server.faults.add("GetObject", first, match=has_range_of("1500-"))
    s3.server.faults.add("GetObject", Refuse(first, last), match=has_range_of("4000-"))
    join = parallel.ParallelDownload._join

    def release_and_join(download: parallel.ParallelDownload) -> None:
        last.release.set()
        join(download)

    monkeypatch.setattr(parallel.ParallelDownload, "_join", release_and_join)
    assert fetch(stored, tmp_path / "file", ex_window=2) is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert last.reached.is_set()


def test_without_ranges_a_break_of_the_first_connection_is_an_error(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    s3.server.faults.add("GetObject", Truncate(1234))
    s3.server.faults.add("GetObject", Whole(), match=has_range, times=None)
    with pytest.raises(IncompleteDownloadError, match=r"12\d\d of 4600.*start again"):
        fetch(stored, tmp_path / "file", overwrite_existing=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
@pytest.mark.parametrize("where", ["first connection", "range"])
def test_a_flipped_bit_is_noticed_wherever_it_is(
    s3: Store, tmp_path: Path, name: str, where: str
) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum=name, ex_part_size=10_000)
    # Without helpers, whose last requests may reach the server late, and meet the faults.
    assert fetch(obj, tmp_path / "good", ex_window=1) is True
    if where == "first connection":
        s3.server.faults.add("GetObject", FlipBit(0, "answer"))
        # A helper might fetch all before the first connection does.
        s3.server.faults.add("GetObject", Status(404, "NoSuchKey"), match=has_range, times=None)
    else:
        hold_the_first_connection(s3, 1500, until="bytes=3000-3999", flip=True)
    with pytest.raises(ObjectHashMismatchError, match=name):
        fetch(obj, tmp_path / "file", ex_window=2)
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("call", [1, 2, 5])
def test_an_interrupt_leaves_neither_file_nor_helpers_nor_descriptors(
    s3: Store,
    stored: Object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    call: int,
) -> None:
    assert fetch(stored, tmp_path / "warm") is True
    join_workers()
    calls, stopped = 0, threading.Event()

    def write(descriptor: int, data: bytes, position: int) -> int:
        nonlocal calls
        if threading.current_thread() is threading.main_thread():
            calls += 1
            if calls == call:
                stopped.set()
                raise error("stop")
        else:
            stopped.wait()  # otherwise, helpers might write all that is left
        return pwrite(descriptor, data, position)

    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", write)
    with pytest.raises(error, match="stop"):
        fetch(stored, tmp_path / "file", ex_window=2, ex_part_size=300)
    join_workers()
    assert descriptors_in(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["warm"]


def test_a_full_disk_of_a_helper_is_an_error_of_the_first_connection_too(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes, position: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(stored, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_short_writes_are_continued(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:7], at))
    assert fetch(stored, tmp_path / "file") is True
    assert (tmp_path / "file").read_bytes() == DATA


def test_without_threads_one_connection_does(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        assert fetch(stored, tmp_path / "file") is True
    assert ranges(s3) == [None]
    assert descriptors_in(tmp_path) == []


def test_without_more_open_files_one_connection_does(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dup(descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(os, "dup", dup)
        assert fetch(stored, tmp_path / "file") is True
    assert ranges(s3) == [None]
    assert (tmp_path / "file").read_bytes() == DATA


@pytest.mark.parametrize("others", [0, 100, 127, 128, 500])
def test_the_downloads_of_a_pool_share_a_number_of_threads(
    s3: Store, stored: Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    running = {threading.Thread() for _ in range(others)}
    monkeypatch.setattr(parallel, "_helpers", lambda: running)
    monkeypatch.setattr(worker_pool, "most_tasks", lambda: 256)
    at_once = {0}
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        at_once.add(len(running) - others)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    results = s3.driver._pool.map(lambda path: fetch(stored, path), [tmp_path / "file"])
    assert [result.value for result in results] == [True]
    assert max(at_once) == min(WINDOW - 1, max(0, 128 - others))
    assert (tmp_path / "file").read_bytes() == DATA
    join_workers()
    assert len(running) == others


# Real servers.


@pytest.mark.slow
@pytest.mark.parametrize("launch", [moto_server, rclone_server])
def test_other_servers_return_the_same_objects(
    launch: Callable[[], AbstractContextManager[Endpoint]], tmp_path: Path
) -> None:
    data = pattern(3 * MIB + 1)
    with launch() as endpoint:
        driver: Any = S3StorageDriver(
            endpoint.key, endpoint.secret, host=endpoint.host, port=endpoint.port, secure=False
        )
        container = driver.create_container("parallel")
        obj = driver.upload_object_via_stream(iter([data]), container, "object")
        for number in range(5):
            path = tmp_path / str(number)
            assert driver.download_object(obj, path, ex_window=3, ex_part_size=200_000) is True
            assert path.read_bytes() == data


@pytest.mark.parametrize("window", [1, WINDOW])
def test_every_byte_is_reported_once(
    s3: Store, stored: Object, tmp_path: Path, window: int
) -> None:
    reported: list[int] = []
    assert fetch(stored, tmp_path / "x", ex_window=window, on_bytes=reported.append)
    join_workers()
    assert (tmp_path / "x").read_bytes() == DATA
    assert sum(reported) == len(DATA)


def test_bytes_of_a_range_that_fails_are_reported_once(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    """The first connection gets them again."""
    replaced = Status(412, "PreconditionFailed")
    s3.server.faults.add("GetObject", replaced, times=None, match=resumes_a_part)
    s3.server.faults.add("GetObject", Truncate(450), times=None, match=has_range)
    reported: list[int] = []
    assert fetch(stored, tmp_path / "x", on_bytes=reported.append)
    join_workers()
    assert (tmp_path / "x").read_bytes() == DATA
    assert sum(reported) == len(DATA)


@pytest.mark.parametrize("window", [1, WINDOW])
def test_a_callback_can_end_the_download(
    s3: Store, stored: Object, tmp_path: Path, window: int
) -> None:
    def stop(_: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        fetch(stored, tmp_path / "x", ex_window=window, on_bytes=stop)
    join_workers()
    assert os.listdir(tmp_path) == []
