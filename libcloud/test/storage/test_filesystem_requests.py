# SPDX-License-Identifier: Apache-2.0
"""The file system of fsspec: how many requests an operation makes, and how many at once."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

# fsspec has no types.
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import Store, pattern, store
from libcloud.utils import cancellation

COUNT = 8
FILES = [f"bucket/d/{number}" for number in range(COUNT)]
KIB = 1024


def file_system(s3: Store, **options: Any) -> Any:
    return LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True, **options)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running
        assert not running.server.violations


@pytest.fixture
def fs(s3: Store) -> Any:
    return file_system(s3)


@dataclass(frozen=True)
class Requests:
    """Requests since this was made."""

    s3: Store
    before: int

    def operations(self) -> list[str]:
        return self.s3.server.operations()[self.before :]


def put_files(s3: Store, *paths: str) -> Requests:
    """Objects whose content is their path; the requests that follow."""
    for path in paths:
        name = path.removeprefix("bucket/")
        s3.driver.upload_object_via_stream(iter([path.encode()]), s3.container, name)
    return Requests(s3, len(s3.server.requests))


@dataclass
class Together(Action):
    """Requests get responses when all of them have arrived; a missing one fails the others."""

    count: int = COUNT
    barrier: threading.Barrier = field(init=False)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.count)

    def verified(self, request: Incoming) -> Incoming:
        self.barrier.wait(30)
        return request


def _get(fs: Any, directory: Path) -> None:
    fs.get("bucket/d", str(directory / "new"), recursive=True)
    for path in FILES:
        assert (directory / "new" / path.rpartition("/")[2]).read_text() == path


def _put(fs: Any, directory: Path) -> None:
    for number in range(COUNT):
        (directory / str(number)).write_text(str(number))
    fs.put(f"{directory}/", "bucket/e/", recursive=True)


OPERATIONS: dict[str, tuple[str, Callable[[Any, Path], object]]] = {
    "cat": ("GetObject", lambda fs, _: fs.cat(FILES)),
    "cat_ranges": ("GetObject", lambda fs, _: fs.cat_ranges(FILES, 2, 5, on_error="raise")),
    "get": ("GetObject", _get),
    "put": ("PutObject", _put),
    "pipe": ("PutObject", lambda fs, _: fs.pipe(dict.fromkeys(FILES, b"data"))),
    "cp": ("CopyObject", lambda fs, _: fs.cp("bucket/d/", "bucket/e/", recursive=True)),
    "rm": ("HeadObject", lambda fs, _: fs.rm(FILES)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_on_many_files_has_all_of_them_in_flight(
    s3: Store, fs: Any, tmp_path: Path, operation: str
) -> None:
    requests = put_files(s3, *FILES)
    request, run = OPERATIONS[operation]
    s3.server.faults.add(request, Together(), times=COUNT)
    run(fs, tmp_path)
    assert requests.operations().count(request) >= COUNT


def test_the_directories_of_a_level_are_listed_at_once(s3: Store, fs: Any) -> None:
    paths = [f"bucket/t/{number}/x/file" for number in range(COUNT)]
    requests = put_files(s3, *paths)
    inner = Together()
    s3.server.faults.add(
        "ListObjectsV2", inner, times=COUNT, match=lambda one: "x%2F" not in one.target, nth=2
    )
    assert fs.glob("bucket/t/*/*") == [path.rpartition("/")[0] for path in paths]
    assert requests.operations() == ["ListObjectsV2"] * (1 + COUNT)


def _open(fs: Any, _: Path) -> None:
    with fs.open("bucket/d/0") as file:
        assert (file.size, file.read()) == (10, b"bucket/d/0")


READS: dict[str, Callable[[Any, Path], object]] = {
    "cat_file": lambda fs, _: fs.cat_file("bucket/d/0"),
    "range": lambda fs, _: fs.cat_file("bucket/d/0", 2, 5),
    "to the end": lambda fs, _: fs.cat_file("bucket/d/0", 2),
    "beyond the end": lambda fs, _: fs.cat_file("bucket/d/0", 2, 5000),
    "last bytes": lambda fs, _: fs.cat_file("bucket/d/0", -4),
    "more bytes than there are": lambda fs, _: fs.cat_file("bucket/d/0", -5000),
    "last bytes of several": lambda fs, _: fs.cat_ranges(["bucket/d/0"], -4, None),
    "get_file": lambda fs, directory: fs.get_file("bucket/d/0", str(directory / "0")),
    "open": _open,
}


@pytest.mark.parametrize("read", READS)
def test_a_read_is_one_request(s3: Store, fs: Any, tmp_path: Path, read: str) -> None:
    requests = put_files(s3, FILES[0])
    READS[read](fs, tmp_path)
    assert requests.operations() == ["GetObject"]


def test_inner_directories_cost_no_request(s3: Store, fs: Any, tmp_path: Path) -> None:
    requests = put_files(s3, "bucket/d/a/1", "bucket/d/b/2")
    fs.get("bucket/d", str(tmp_path / "new"), recursive=True)
    assert (tmp_path / "new" / "b" / "2").read_text() == "bucket/d/b/2"
    assert requests.operations().count("GetObject") == 2 + 1, "one shows that d is not a file"
    assert requests.operations().count("ListObjectsV2") == 2


def test_a_file_that_has_the_name_of_a_directory_is_copied_and_moved(s3: Store, fs: Any) -> None:
    put_files(s3, "bucket/d", "bucket/d/1", "bucket/d/e", "bucket/d/e/2")
    fs.copy("bucket/d", "bucket/copy", recursive=True)
    fs.mv("bucket/d", "bucket/new", recursive=True)
    names = ["", "/1", "/e", "/e/2"]
    assert fs.find("bucket") == [f"bucket/{one}{name}" for one in ("copy", "new") for name in names]


@pytest.mark.parametrize("target", ["s3://bucket/d/e", "/bucket/d/e", "bucket/d/", "bucket/d"])
def test_a_file_that_is_moved_onto_itself_stays(s3: Store, fs: Any, target: str) -> None:
    put_files(s3, "bucket/d/e")
    fs.mv("bucket/d/e", target)
    fs.mv("bucket/d", "bucket/", recursive=True)
    assert fs.cat_file("bucket/d/e") == b"bucket/d/e"


@pytest.mark.parametrize("target", ["bucket/d", "bucket/d/new/", "bucket/"])
def test_a_directory_is_not_moved_over_its_own_files(s3: Store, fs: Any, target: str) -> None:
    put_files(s3, "bucket/d/e", "bucket/d/d/e")
    with pytest.raises(OSError, match="cannot be moved into itself"):
        fs.mv("bucket/d/" if target == "bucket/" else "bucket/d", target, recursive=True)
    paths = ["bucket/d/d/e", "bucket/d/e"]
    assert fs.find("bucket") == paths
    assert [fs.cat_file(path) for path in paths] == [path.encode() for path in paths]


def test_a_move_deletes_nothing_below_the_depth_that_it_copies(s3: Store, fs: Any) -> None:
    put_files(s3, "bucket/d/1", "bucket/d/2", "bucket/d/e/3")
    fs.mv("bucket/d", "bucket/new", recursive=True, maxdepth=1)
    assert fs.find("bucket") == ["bucket/d/e/3", "bucket/new/1", "bucket/new/2"]


def test_a_move_that_cannot_copy_a_file_deletes_nothing(s3: Store, fs: Any) -> None:
    put_files(s3, "bucket/d/1", "bucket/d/2")
    s3.server.faults.add("CopyObject", Status(403, "AccessDenied"))
    with pytest.raises(PermissionError):
        fs.mv("bucket/d", "bucket/new", recursive=True)
    assert len(fs.find("bucket/d")) == 2


def test_files_are_put_without_asking_for_their_container(
    s3: Store, fs: Any, tmp_path: Path
) -> None:
    for number in range(4):
        directory = tmp_path / "source" / str(number)
        directory.mkdir(parents=True)
        (directory / "file").touch()
    fs.put(f"{tmp_path}/source/", "bucket/e/", recursive=True)
    assert set(s3.server.operations()) == {"PutObject"}
    assert s3.server.count("PutObject") == 4


def test_a_container_that_is_missing_is_made_for_a_file(s3: Store, fs: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    fs.put_file(str(tmp_path / "file"), "new/file")
    assert fs.cat_file("new/file") == b"data"
    fs.rm("new", recursive=True)
    fs.put_file(str(tmp_path / "file"), "new/file")
    assert fs.cat_file("new/file") == b"data"


def test_a_container_that_another_client_makes_meanwhile_is_used(
    s3: Store, fs: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"data")
    s3.driver.create_container("new")
    s3.server.faults.add("PutObject", Status(404, "NoSuchBucket"))
    s3.server.faults.add("HeadBucket", Status(404, "NoSuchBucket"))
    s3.server.faults.add("CreateBucket", Status(409, "BucketAlreadyOwnedByYou"))
    progress = Callback()
    fs.put_file(str(tmp_path / "file"), "new/file", callback=progress)
    assert fs.cat_file("new/file") == b"data"
    assert (progress.size, progress.value) == (4, 4)  # although it was sent twice


def test_empty_directories_are_put_as_their_container(fs: Any, tmp_path: Path) -> None:
    (tmp_path / "source" / "empty").mkdir(parents=True)
    fs.put(f"{tmp_path}/source/", "new/e/", recursive=True)
    assert fs.ls("new") == []


def test_a_directory_is_put_in_a_transaction_into_a_missing_container(
    fs: Any, tmp_path: Path
) -> None:
    (tmp_path / "source" / "d").mkdir(parents=True)
    (tmp_path / "source" / "d" / "file").write_bytes(b"data")
    with fs.transaction:
        fs.put(f"{tmp_path}/source/", "new/", recursive=True)
    assert fs.cat_file("new/d/file") == b"data"


def test_a_directory_is_removed_by_one_listing_and_one_deletion(s3: Store, fs: Any) -> None:
    requests = put_files(s3, *FILES)
    fs.rm("bucket/d", recursive=True)
    assert sorted(requests.operations()) == ["DeleteObjects", "HeadObject", "ListObjectsV2"]


def test_sizes_and_patterns_come_from_listings_alone(s3: Store, fs: Any) -> None:
    requests = put_files(s3, *FILES, "bucket/other")
    assert fs.du("bucket/d") == 10 * COUNT
    assert fs.du("bucket/d", total=False)["bucket/d/3"] == 10
    assert fs.glob("bucket/d/[3-5]") == FILES[3:6]
    assert fs.glob("bucket/d/**") == ["bucket/d", *FILES]
    assert [names for _, _, names in fs.walk("bucket/d")] == [[path[-1] for path in FILES]]
    assert set(requests.operations()) == {"ListObjectsV2"}


def test_a_pattern_lists_only_what_begins_like_it(s3: Store, fs: Any) -> None:
    put_files(s3, "bucket/d/2025-1", "bucket/d/2026-1", "bucket/d/2026-2/x")
    assert fs.glob("bucket/d/2026-*") == ["bucket/d/2026-1", "bucket/d/2026-2"]
    assert fs.glob("bucket/d/2026-*/**") == ["bucket/d/2026-2", "bucket/d/2026-2/x"]
    prefixes = {entry.query["prefix"] for entry in s3.requests("ListObjectsV2")}
    assert prefixes == {"d/2026-"}


# Reading ahead.


def ranges(s3: Store) -> list[str]:
    return sorted(
        (entry.headers["range"].removeprefix("bytes=") for entry in s3.requests("GetObject")),
        key=lambda text: int(text.partition("-")[0]),
    )


def test_a_sequential_reader_has_several_ranges_in_flight(s3: Store, fs: Any) -> None:
    data = pattern(60_000)
    fs.pipe_file("bucket/long", data)
    ahead = Together(3)
    s3.server.faults.add("GetObject", ahead, nth=2, times=3)
    with fs.open("bucket/long", block_size=1000) as file:
        assert b"".join(iter(lambda: file.read(500), b"")) == data
    assert s3.server.count("GetObject") == 60, "each byte is requested once"


def test_a_window_grows_with_what_was_read(s3: Store, fs: Any) -> None:
    data = pattern(3 * 1024 * KIB)
    fs.pipe_file("bucket/long", data)
    with fs.open("bucket/long") as file:
        assert b"".join(iter(lambda: file.read(64 * KIB), b"")) == data
    sizes = [1 + int(end) - int(start) for start, _, end in (r.partition("-") for r in ranges(s3))]
    assert sum(sizes) == len(data)
    assert sizes[0] == 64 * KIB
    assert max(sizes) > 4 * sizes[0]
    assert len(sizes) < 10


def test_an_open_file_measures_its_requests(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/long", pattern(1024 * KIB))
    with fs.open("bucket/long") as file:
        file._cost.clock = count(step=9).__next__  # seconds
        for _ in range(5):
            file._fetch_range(0, 300 * KIB)
        assert file._cost.in_bytes == 300 * KIB, "each begins after 9 s, and ends after 9 s"


def test_a_random_reader_requests_what_it_reads(s3: Store, fs: Any) -> None:
    data = pattern(1024 * KIB)
    fs.pipe_file("bucket/long", data)
    with fs.open("bucket/long", block_size=256 * KIB) as file:
        for place in (900 * KIB, 300 * KIB, 600 * KIB):
            file.seek(place)
            assert file.read(70 * KIB) == data[place : place + 70 * KIB]
    expected = [f"{n * KIB}-{(n + 70) * KIB - 1}" for n in (300, 600, 900)]
    assert ranges(s3) == ["0-65535", *expected]


def test_reading_back_and_forth_returns_the_bytes_of_the_object(fs: Any) -> None:
    data = pattern(50_000)
    fs.pipe_file("bucket/long", data)
    with fs.open("bucket/long", block_size=700) as file:
        for place in (0, 5, 699, 1400, 1200, 49_000, 49_990, 3, 0):
            file.seek(place)
            for _ in range(4):
                assert file.read(301) == data[place : place + 301]
                place += 301


def test_an_error_ahead_is_raised_when_the_reader_is_there(s3: Store, fs: Any) -> None:
    data = pattern(3000)
    fs.pipe_file("bucket/long", data)
    refused = Status(403, "AccessDenied")
    s3.server.faults.add("GetObject", refused, match=lambda get: "bytes=2000-" in str(get.headers))
    with fs.open("bucket/long", block_size=1000) as file:
        assert file.read(900) == data[:900]
        assert file.read(1000) == data[900:1900]
        with pytest.raises(PermissionError):
            file.read(200)
        assert file.read(200) == data[1900:2100], "the file can be read further"


# The cache of listings.


def test_listings_are_not_cached_by_default(s3: Store, fs: Any) -> None:
    assert fs.ls("bucket") == []
    put_files(s3, "bucket/a")
    assert fs.ls("bucket", detail=False) == ["bucket/a"]


def test_a_cached_listing_serves_until_it_expires(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = file_system(s3, use_listings_cache=True)
    now = 1000.0
    monkeypatch.setattr("fsspec.dircache.time.time", lambda: now)
    requests = put_files(s3, "bucket/d/a")
    for _ in range(3):
        assert fs.ls("bucket/d", detail=False) == ["bucket/d/a"]
        assert fs.info("bucket/d/a")["size"] == 10
        assert fs.exists("bucket/d/a")
    assert requests.operations() == ["ListObjectsV2"]
    put_files(s3, "bucket/d/b")
    assert fs.ls("bucket/d", detail=False) == ["bucket/d/a"]
    assert fs.ls("bucket/d", detail=False, refresh=True) == ["bucket/d/a", "bucket/d/b"]
    put_files(s3, "bucket/d/c")
    now += 61
    assert len(fs.ls("bucket/d")) == 3


WRITES: dict[str, Callable[[Any, str], object]] = {
    "pipe": lambda fs, _: fs.pipe_file("bucket/d/new", b"data"),
    "put": lambda fs, local: fs.put_file(local, "bucket/d/new"),
    "copy": lambda fs, _: fs.cp_file("bucket/d/old", "bucket/d/new"),
    "touch": lambda fs, _: fs.touch("bucket/d/new"),
}


def test_a_copy_whose_response_is_lost_is_seen_through_the_cache(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = file_system(s3, use_listings_cache=True)
    put_files(s3, "bucket/d/old")
    assert len(fs.ls("bucket/d")) == 1
    copy = s3.driver.ex_copy_object

    def lose_the_response(*arguments: Any) -> None:
        copy(*arguments)
        raise ConnectionError

    monkeypatch.setattr(s3.driver, "ex_copy_object", lose_the_response)
    with pytest.raises(ConnectionError):
        fs.cp_file("bucket/d/old", "bucket/d/new")
    assert fs.ls("bucket/d", detail=False) == ["bucket/d/new", "bucket/d/old"]


@pytest.mark.parametrize("write", WRITES)
def test_own_writes_are_seen_through_the_cache(s3: Store, write: str) -> None:
    fs = file_system(s3, use_listings_cache=True)
    put_files(s3, "bucket/d/old")

    def listed() -> list[str]:
        assert fs.ls("bucket", detail=False) == (["bucket/d"] if fs.ls("bucket") else [])
        return [entry["name"] for entry in fs.ls("bucket/d")]

    assert listed() == ["bucket/d/old"]
    WRITES[write](fs, __file__)
    assert listed() == ["bucket/d/new", "bucket/d/old"]
    fs.rm("bucket/d/new")
    assert listed() == ["bucket/d/old"]
    fs.rm("bucket/d", recursive=True)
    assert fs.ls("bucket") == []
    fs.mkdir("new")
    assert fs.ls("", detail=False) == ["bucket", "new"]
    fs.rmdir("new")
    assert fs.ls("", detail=False) == ["bucket"]


def test_a_listing_that_a_write_overtakes_is_not_cached(s3: Store) -> None:
    fs = file_system(s3, use_listings_cache=True)
    version = fs._listings.version
    fs.pipe_file("bucket/a", b"")
    fs._listings.store("bucket", [], version)
    assert fs.ls("bucket", detail=False) == ["bucket/a"]


# Asynchronous use.


def test_coroutines_run_in_the_loop_of_the_program(s3: Store) -> None:
    async def program() -> list[bytes]:
        fs = file_system(s3, asynchronous=True)
        await fs._pipe({path: path.encode() for path in FILES})
        assert await fs._find("bucket/d") == FILES
        s3.server.faults.add("GetObject", Together(), times=COUNT)
        found: list[bytes] = await asyncio.gather(*(fs._cat_file(path) for path in FILES))
        return found

    assert asyncio.run(program()) == [path.encode() for path in FILES]


def test_files_are_opened_in_a_program_that_has_a_loop(s3: Store) -> None:
    async def program() -> bytes:
        fs = file_system(s3, asynchronous=True)
        with fs.open("bucket/a", "xb") as file:
            file.write(b"data")
        with fs.open("bucket/a") as file:
            found: bytes = file.read()
        fs.touch("bucket/a")
        assert fs.modified("bucket/a")
        return found

    assert asyncio.run(program()) == b"data"


class CancelTheTask:
    """A callback of fsspec that cancels the task of the download at its first piece.

    :param waits: set when the cancelled task waits for this thread.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], waits: threading.Event
    ) -> None:
        self._loop, self._task, self._waits = loop, task, waits

    def set_size(self, size: int) -> None: ...

    def relative_update(self, size: int) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        assert self._waits.wait(30)
        cancellation.raise_if_cancelled()


def test_a_download_whose_coroutine_is_cancelled_leaves_no_file(
    s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = file_system(s3, asynchronous=True)
    put_files(s3, FILES[0])
    waits, wait = threading.Event(), asyncio.wait

    async def wait_patiently(futures: Any, timeout: float) -> Any:
        waits.set()
        return await wait(futures, timeout=30)

    monkeypatch.setattr("libcloud.storage.filesystem.workers.asyncio.wait", wait_patiently)

    async def download() -> None:
        task: Any = asyncio.current_task()
        callback = CancelTheTask(asyncio.get_running_loop(), task, waits)
        await fs._get_file(FILES[0], str(tmp_path / "file"), callback=callback)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(download())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_uses_the_file_system_of_its_parent(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/a", b"data")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if fs.cat(["bucket/a"]) == {"bucket/a": b"data"} else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert fs.cat_file("bucket/a") == b"data"


def test_a_subclass_names_another_protocol_and_provider(tmp_path: Path) -> None:
    class LocalDriverFileSystem(LibcloudFileSystem):
        protocol: Any = ("libcloud+local",)
        default_provider = Provider.LOCAL

    (tmp_path / "container").mkdir()
    fs: Any = LocalDriverFileSystem(str(tmp_path), skip_instance_cache=True)
    assert fs.ls("libcloud+local://", detail=False) == ["container"]
