# SPDX-License-Identifier: Apache-2.0
"""Operations on many objects: results, failures that stay single, and how they stop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.types import DeletedObject, InvalidObjectNameError, ObjectDoesNotExistError
from libcloud.storage.worker_pool import WorkerPool
from libcloud.test.storage.fakes.faults import Action, Drop, Dropped, Hold, Status
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as made:
        yield made


def files(directory: Path, count: int) -> list[tuple[Any, str]]:
    """Files whose content is their number, and the names of their objects."""
    directory.mkdir()
    pairs = []
    for number in range(count):
        path = directory / str(number)
        path.write_bytes(b"%d" % number)
        pairs.append((path, f"d/{number}"))
    return pairs


@pytest.mark.slow
def test_files_are_uploaded_in_order_by_one_request_each(s3: Store, tmp_path: Path) -> None:
    pairs = files(tmp_path / "d", 100)
    results = [*s3.driver.ex_upload_objects(pairs, s3.container)]
    assert [one.item for one in results] == pairs
    assert [one.value.name for one in results] == [name for _, name in pairs]
    assert s3.server.operations() == ["PutObject"] * 100
    assert s3.body("d/42") == b"42"


@pytest.mark.slow
def test_objects_are_downloaded_copied_looked_up_and_deleted(s3: Store, tmp_path: Path) -> None:
    pairs = files(tmp_path / "d", 20)
    objects = [one.value for one in s3.driver.ex_upload_objects(pairs, s3.container)]
    targets = [(obj, tmp_path / "new" / obj.name) for obj in objects]
    paths = [one.value for one in s3.driver.ex_download_objects(targets)]
    assert paths == [str(path) for _, path in targets]
    assert [Path(path).read_bytes() for path in paths] == [b"%d" % n for n in range(20)]
    copies = s3.driver.ex_copy_objects([(obj, f"e/{obj.name}") for obj in objects], s3.container)
    assert [one.value.name for one in copies] == [f"e/{obj.name}" for obj in objects]
    names = [f"e/d/{number}" for number in range(20)]
    heads = [*s3.driver.ex_head_objects(names, s3.container)]
    assert [one.value.size for one in heads] == [len(str(n)) for n in range(20)]
    assert s3.server.operations()[-20:] == ["HeadObject"] * 20
    deletions = s3.driver.ex_iterate_deletions(iter([*objects, *names]), s3.container)
    assert {one.deleted for one in deletions} == {True}
    s3.assert_nothing_is_left()


def test_many_are_in_flight_at_once(s3: Store, tmp_path: Path) -> None:
    """The first response follows the arrival of all others."""
    pairs, hold = files(tmp_path / "d", 50), Hold("before")
    s3.server.faults.add("PutObject", hold)

    def release() -> None:
        assert hold.reached.wait(30)
        while len(s3.server.objects) < 49:
            pass
        hold.release.set()

    helper = threading.Thread(target=release)
    helper.start()
    assert all(one.ok for one in s3.driver.ex_upload_objects(pairs, s3.container))
    helper.join()


def test_a_file_that_fails_does_not_stop_the_others(s3: Store, tmp_path: Path) -> None:
    pairs = files(tmp_path / "d", 10)
    pairs[3] = (tmp_path / "d" / "missing", "d/3")
    pairs[5] = (tmp_path / "d" / "5", "k" * 1025)
    s3.server.faults.add(
        "PutObject", Status(403, "AccessDenied"), times=None, match=lambda one: "d/7" in one.target
    )
    results = [*s3.driver.ex_upload_objects(pairs, s3.container, fail_fast=False, ordered=False)]
    failed = {one.item[0].name: one.error for one in results if not one.ok}
    assert set(failed) == {"missing", "5", "7"}
    assert isinstance(failed["missing"], FileNotFoundError)
    assert isinstance(failed["5"], InvalidObjectNameError)
    s3.assert_nothing_is_left(*(f"d/{number}" for number in (0, 1, 2, 4, 6, 8, 9)))


def test_the_first_error_ends_the_results(s3: Store, tmp_path: Path) -> None:
    pairs = files(tmp_path / "d", 3)
    pairs[1] = (tmp_path / "missing", "d/1")
    results = s3.driver.ex_upload_objects(pairs, s3.container)
    assert next(results).ok
    with pytest.raises(FileNotFoundError):
        next(results)
    with pytest.raises(ObjectDoesNotExistError):
        [*s3.driver.ex_head_objects(["nothing"], s3.container)]


def test_a_store_that_throttles_from_the_first_request_gets_all_objects(
    s3: Store, tmp_path: Path
) -> None:
    """The limiter narrows the pool, and no object fails because others were throttled, too."""
    pairs = files(tmp_path / "d", 120)
    attempts: Counter[str] = Counter()

    def is_early(request: Incoming) -> bool:
        attempts[request.target] += 1
        return attempts[request.target] <= 3

    s3.server.faults.add("PutObject", Status(503, "SlowDown"), times=None, match=is_early)
    assert all(one.ok for one in s3.driver.ex_upload_objects(pairs, s3.container))
    assert {*attempts.values()} == {4}
    assert s3.driver._client.retry_loop.limiter.limit(256) < 64
    s3.assert_nothing_is_left(*(name for _, name in pairs))


class _EveryTenth(Action):
    """Drop the connection of every tenth request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def received(self, request: Incoming) -> Incoming:
        with self._lock:
            self._count += 1
            dropped = self._count % 10 == 0
        if dropped:
            raise Dropped
        return request


@pytest.mark.slow
def test_a_store_that_drops_every_tenth_connection_gets_all_objects(
    s3: Store, tmp_path: Path
) -> None:
    pairs = files(tmp_path / "d", 60)
    s3.server.faults.add("*", _EveryTenth(), times=None)
    assert all(one.ok for one in s3.driver.ex_upload_objects(pairs, s3.container))
    objects = [one.value for one in s3.driver.ex_head_objects((n for _, n in pairs), s3.container)]
    downloads = [(obj, tmp_path / "new" / obj.name) for obj in objects]
    assert all(one.ok for one in s3.driver.ex_download_objects(downloads))
    assert all(one.deleted for one in s3.driver.ex_iterate_deletions(objects))
    s3.assert_nothing_is_left()


def test_an_interrupt_leaves_nothing_half_done(
    s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload in parts is aborted, the download leaves no file."""
    defaults: Any = WorkerPool.map.__kwdefaults__
    monkeypatch.setitem(defaults, "grace", None)  # however long it takes
    big = tmp_path / "big"
    big.write_bytes(pattern(10 * PART))
    hold = Hold("before")
    s3.server.faults.add("UploadPart", hold, part=2)

    def pairs() -> Iterator[tuple[Path, str]]:
        yield big, "big"
        assert hold.reached.wait(30)
        hold.release.set()
        raise KeyboardInterrupt

    options = {"ex_part_size": PART, "ex_window": 1}
    with pytest.raises(KeyboardInterrupt):
        [*s3.driver.ex_upload_objects(pairs(), s3.container, **options)]
    s3.assert_nothing_is_left()


def test_pairs_are_read_as_they_are_needed_and_may_be_many(s3: Store) -> None:
    names = (f"object {number}" for number in range(100_000))
    results = s3.driver.ex_head_objects(names, s3.container, fail_fast=False)
    assert isinstance(next(results).error, ObjectDoesNotExistError)
    results.close()
    assert len(s3.server.requests) < 256


def test_one_item_is_not_several(s3: Store) -> None:
    for method in ("ex_head_objects", "ex_iterate_deletions"):
        with pytest.raises(TypeError):
            getattr(s3.driver, method)("name", s3.container)
    with pytest.raises(TypeError):
        s3.driver.ex_upload_objects("name", s3.container)
    with pytest.raises(TypeError):
        s3.driver.ex_upload_objects([], BUCKET)
    with pytest.raises(ValueError, match="container"):
        [*s3.driver.ex_head_objects(["a"])]


@pytest.mark.parametrize("kind", ["local", "dummy"])
def test_every_driver_has_these_methods(kind: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    driver: Any = (
        LocalStorageDriver(str(tmp_path / "store"))
        if kind == "local"
        else DummyStorageDriver("key", "secret")
    )
    container: Container = driver.create_container("container")
    pairs = files(tmp_path / "d", 5)
    objects = [one.value for one in driver.ex_upload_objects(pairs, container)]
    copies = [(obj, f"copy of {obj.name.replace('/', ' ')}") for obj in objects]
    assert all(one.ok for one in driver.ex_copy_objects(copies, container))
    heads = [one.value.size for one in driver.ex_head_objects([n for _, n in pairs], container)]
    assert heads == [obj.size for obj in objects]
    targets = [(obj, tmp_path / "new" / obj.name) for obj in objects]
    assert all(one.ok for one in driver.ex_download_objects(targets))
    names = [obj.name for obj in container.list_objects()]
    assert len(names) == 10
    assert driver.ex_delete_objects([*names, "nothing"], container) == [
        DeletedObject("container", name) for name in [*names, "nothing"]
    ]


def test_a_dropped_connection_is_an_error_of_its_object_alone(s3: Store, tmp_path: Path) -> None:
    pairs = files(tmp_path / "d", 5)
    s3.server.faults.add("PutObject", Drop(), times=None, match=lambda one: "d/3" in one.target)
    results = [*s3.driver.ex_upload_objects(pairs, s3.container, fail_fast=False)]
    assert [one.ok for one in results] == [True, True, True, False, True]
