# SPDX-License-Identifier: Apache-2.0
"""The last bytes of a file: one request where the store has ranges for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.test.storage.fakes.faults import Action, Status, Truncate
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import Store, pattern, store

DATA = pattern(200_000)


class WithoutRange(Action):
    """A store that ignores ranges whose first byte is not named."""

    def verified(self, request: Incoming) -> Incoming:
        kept = tuple(
            (name, value) for name, value in request.headers if not value.startswith("bytes=-")
        )
        return replace(request, headers=kept)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running
        assert not running.server.violations


@pytest.fixture
def fs(s3: Store) -> Any:
    s3.driver.upload_object_via_stream(iter([DATA]), s3.container, "object")
    s3.driver.upload_object_via_stream(iter([b""]), s3.container, "empty")
    return LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True)


def test_a_body_that_breaks_off_continues_where_it_was(s3: Store, fs: Any) -> None:
    s3.server.faults.add("GetObject", Truncate(70_000))
    assert fs.cat_file("bucket/object", -150_000) == DATA[-150_000:]
    ranges = [dict(request.headers).get("range") for request in s3.server.requests[-2:]]
    assert ranges[0] == "bytes=-150000"
    assert ranges[1] is not None and ranges[1].endswith("-199999")


def test_a_store_that_ignores_suffix_ranges_gets_another_request(s3: Store, fs: Any) -> None:
    s3.server.faults.add("GetObject", WithoutRange(), times=None)
    assert fs.cat_file("bucket/object", -5) == DATA[-5:]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "InvalidArgument"), (416, "InvalidRange"), (501, "NotImplemented")],
)
def test_a_store_that_refuses_such_a_range_gets_another_request(
    s3: Store, fs: Any, status: int, code: str
) -> None:
    s3.server.faults.add("GetObject", Status(status, code))
    assert fs.cat_file("bucket/object", -5) == DATA[-5:]


def test_an_empty_file_has_no_last_bytes(fs: Any) -> None:
    assert fs.cat_file("bucket/empty", -5) == b""


@pytest.fixture
def parquet(s3: Store) -> str:
    """The path of a file whose index is at its end."""
    s3.driver.upload_object_via_stream(iter([DATA]), s3.container, "table.parquet")
    return "bucket/table.parquet"


def test_a_file_whose_index_is_at_its_end_is_opened_there(s3: Store, fs: Any, parquet: str) -> None:
    before = len(s3.server.requests)
    with fs.open(parquet) as file:
        file.seek(-60_000, 2)
        assert file.read() == DATA[-60_000:]
    assert s3.server.operations()[before:] == ["GetObject"]


def test_such_a_file_can_be_empty(s3: Store, fs: Any) -> None:
    s3.driver.upload_object_via_stream(iter([b""]), s3.container, "empty.zip")
    with fs.open("bucket/empty.zip") as file:
        assert file.read() == b""


@pytest.mark.parametrize("fault", [WithoutRange(), Status(501, "NotImplemented")])
def test_such_a_file_is_opened_where_there_are_no_such_ranges(
    s3: Store, fs: Any, parquet: str, fault: Action
) -> None:
    s3.server.faults.add("GetObject", fault)
    with fs.open(parquet) as file:
        assert file.read() == DATA
