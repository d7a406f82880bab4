# SPDX-License-Identifier: Apache-2.0
"""What a migration copies, and how it verifies that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.scaleout.migrate import (
    MigrationReport,
    migrate,
)
from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY
from libcloud.test.storage.s3_servers import BUCKET, PART
from libcloud.test.storage.scaleout.migrating import NAMES, Pair, contents

pytestmark = pytest.mark.slow


def test_other_data_of_the_same_size_is_replaced_and_reported(pair: Pair) -> None:
    pair.fill("a", "b")
    other = pair.destination
    other.driver.upload_object_via_stream(iter([b"?"]), other.container, "a")
    report = pair.migrate()
    assert pair.copies == contents("a", "b")
    assert (report.replaced, report.copied) == (1, 1)


def test_below_a_prefix_the_marker_of_the_directory_is_left_out(pair: Pair) -> None:
    pair.fill("x/", data=lambda _: b"")
    pair.fill("x/a", "x/b/", "xy")
    report = pair.migrate(source_prefix="x/", shard_size=1)
    assert pair.copies == {"a": b"x/a", "b/": b"x/b/"}
    assert report.is_clean


@pytest.mark.parametrize(
    ("given", "limit"), [({}, DEFAULT_MEMORY), ({"ex_max_memory": 5000}, 5000)]
)
def test_the_copies_of_a_task_share_a_memory_budget(
    pair: Pair, given: dict[str, int], limit: int
) -> None:
    pair.fill("a", "b")
    upload = pair.destination.driver.upload_object_via_stream
    budgets = set()

    def note(stream: Any, container: Container, name: str, *args: Any, **options: Any) -> Any:
        if name in ("a", "b"):
            budgets.add(options["ex_max_memory"])
        return upload(stream, container, name, *args, **options)

    pair.destination.driver.upload_object_via_stream = note
    pair.migrate(upload_options=given)
    [budget] = budgets
    assert budget.size == limit


def test_an_object_that_changes_or_goes_after_it_was_listed_is_reported(pair: Pair) -> None:
    pair.fill("a", "b", "c")

    def change(report: MigrationReport) -> None:
        if not report.copied:
            pair.fill("a", data=lambda _: b"something else")
            pair.source.driver.delete_object(pair.source.container.get_object("b"))

    report = pair.migrate(on_report=change)
    assert pair.copies == {"a": b"something else", "c": b"c"}
    assert (report.changed, report.deleted, report.copied, report.is_clean) == (1, 1, 1, True)
    assert {one["key"]: one["outcome"] for one in report.noted} == {"a": "changed", "b": "deleted"}


ODD = ("a//b", "/", "//", "../x", "tab\there", "bell\x07", "line\nfeed", "ü", "a b+%", "*")


def test_odd_names_are_kept(pair: Pair) -> None:
    pair.fill(*ODD)
    report = pair.migrate(shard_size=3)
    assert report.is_clean
    assert pair.copies == contents(*ODD)
    assert pair.migrate("m2", shard_size=3).present == len(ODD)


def test_a_name_that_the_destination_refuses_is_listed_and_the_others_are_copied(
    pair: Pair, tmp_path: Path
) -> None:
    pair.fill("a", "a//b", "b")
    listed = pair.source.driver.iterate_container_objects

    def with_undecodable_name(container: Container, *args: Any, **options: Any) -> Iterator[Object]:
        yield from listed(container, *args, **options)
        if (options.get("ex_start_after") or "") <= "caf":
            yield Object("caf\udce9", 1, None, {}, {}, container, container.driver)

    pair.source.driver.iterate_container_objects = with_undecodable_name
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    local = driver.create_container("local")
    report = migrate(pair.source.container, local, job="m1", shard_size=2)
    assert sorted(one["key"] for one in report.noted) == ["a//b", "caf\udce9"]
    assert (report.objects, report.copied, report.failed) == (4, 2, 2)
    assert not report.is_clean
    report = pair.migrate(shard_size=2)
    assert [one["key"] for one in report.noted] == ["caf\udce9"]


def test_a_store_that_cannot_list_from_a_key_is_listed_as_a_whole(
    pair: Pair, tmp_path: Path
) -> None:
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    local = driver.create_container("local")
    for name in NAMES:
        local.upload_object_via_stream(iter([name.encode()]), f"x/{name}")
    target = pair.destination.container
    report = migrate(local, target, job="m1", shard_size=10, source_prefix="x/")
    assert (report.copied, report.is_clean) == (25, True)
    assert pair.copies == contents(*NAMES)
    report = migrate(target, local, job="m1", shard_size=10, destination_prefix="y/")
    assert (report.copied, report.is_clean) == (25, True)
    # Another job: its files are not comparable, so they are replaced, and the report says so.
    report = migrate(target, local, job="m2", shard_size=10, destination_prefix="y/")
    assert (report.replaced, report.present) == (25, 0)


def test_properties_are_kept_and_what_is_lost_is_counted(pair: Pair, tmp_path: Path) -> None:
    extra = {"content_type": "text/x-test", "meta_data": {"color": "blue"}}
    headers = {"Content-Encoding": "gzip", "Cache-Control": "no-cache"}
    options = {"ex_storage_class": "standard_ia", "ex_tags": {"a": "b & c"}}
    source, target = pair.source, pair.destination
    source.driver.upload_object_via_stream(
        iter([b"a"]), source.container, "a", extra, headers, **options
    )
    assert not pair.migrate().lost
    found = target.container.get_object("a")
    assert found.meta_data == {"color": "blue"}
    expected = {
        "content_type": "text/x-test",
        "content_encoding": "gzip",
        "cache_control": "no-cache",
        "storage_class": "STANDARD_IA",
    }
    assert {name: found.extra[name] for name in expected} == expected
    assert target.driver.ex_get_object_tags(found) == {"a": "b & c"}
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    report = migrate(source.container, driver.create_container("local"), job="m1")
    lost = ["metadata", "content type", "Content-Encoding", "Cache-Control", "storage class"]
    assert report.lost == dict.fromkeys([*lost, "tags"], 1)


def test_within_a_store_storage_class_and_tags_are_kept_by_copies_in_parts(pair: Pair) -> None:
    source = pair.source
    source.server.create_bucket("second")
    second = Container("second", {}, source.driver)
    source.in_parts(3, "big", ex_storage_class="standard_ia", ex_tags={"a": "b"})
    migrate(source.container, second, job="m1", upload_options={"ex_part_size": PART})
    found = second.get_object("big")
    assert found.extra["storage_class"] == "STANDARD_IA"
    assert source.driver.ex_get_object_tags(found) == {"a": "b"}
    assert source.server.log.counts()["UploadPartCopy"] == 3


def test_within_a_store_the_store_copies(pair: Pair) -> None:
    pair.fill(*NAMES)
    source = pair.source
    source.server.create_bucket("second")
    report = migrate(source.container, Container("second", {}, source.driver), job="m1")
    assert (report.copied, report.is_clean) == (25, True)
    assert source.server.log.counts()["CopyObject"] == 25


def test_an_object_that_was_not_stored_is_found_by_the_listing(pair: Pair) -> None:
    pair.fill("a", "b")
    upload = pair.destination.driver.upload_object_via_stream

    def lose(stream: Any, container: Container, name: str, *args: Any, **options: Any) -> Any:
        stored = upload(stream, container, name, *args, **options)
        if name == "a":
            del pair.destination.server.state.objects[BUCKET, "a"]
        return stored

    pair.destination.driver.upload_object_via_stream = lose
    report = pair.migrate(verify="stored")
    assert [one["key"] for one in report.noted] == ["a"]
    assert "not stored" in report.noted[0]["error"]
    assert (report.copied, report.failed) == (1, 1)


def test_a_copy_that_reads_differently_is_found_by_reading(pair: Pair) -> None:
    pair.fill("a", "b")
    read = pair.destination.driver._read_object

    def flip(container: Container, name: str, *args: Any) -> Any:
        obj, pieces = read(container, name, *args)
        return obj, (bytes(byte ^ (name == "a") for byte in piece) for piece in pieces)

    pair.destination.driver._read_object = flip
    report = pair.migrate(verify="read")
    assert [one["key"] for one in report.noted] == ["a"]
    assert (report.copied, report.failed) == (1, 1)


def test_large_objects_are_copied_in_parts(pair: Pair) -> None:
    data = pair.source.in_parts(4, "big")
    report = pair.migrate(upload_options={"ex_part_size": PART}, verify="read")
    assert (report.copied, report.is_clean) == (1, True)
    assert pair.copies == {"big": data}
    assert pair.destination.server.log.counts()["UploadPart"] == 4
