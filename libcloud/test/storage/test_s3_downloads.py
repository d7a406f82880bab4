# SPDX-License-Identifier: Apache-2.0
"""Downloads through the S3 driver: as they are stored, as they come, whole or not at all."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import IncompleteDownloadError, ObjectDoesNotExistError
from libcloud.test import MockHttp
from libcloud.test.storage.fakes.faults import Status, Truncate
from libcloud.test.storage.fakes.options import MIB
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

DATA = pattern(10_000)


@pytest.fixture(params=["2", "4"])
def s3(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A driver for either version of the signature, and an object."""
    with store(version=request.param) as running:
        running.stream(iter([DATA]))
        yield running


@pytest.fixture
def stored(s3: Store) -> Object:
    found: Object = s3.container.get_object("object")
    return found


@pytest.mark.parametrize("size", [1000, 3000, 10_000, 20_000])
def test_a_stream_yields_pieces_of_the_requested_size(stored: Object, size: int) -> None:
    """G24."""
    pieces = list(stored.as_stream(chunk_size=size))
    assert b"".join(pieces) == DATA
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert len(pieces) == -(-len(DATA) // size)


def test_a_stream_without_a_size_is_all_of_it(stored: Object) -> None:
    assert b"".join(stored.as_stream()) == DATA


def _assert_not_buffered(size: int, download: Callable[[Object], int]) -> None:
    """G19: a download of ``size`` bytes never holds the whole object."""
    with store() as s3:
        s3.stream(iter([bytes(size)]), ex_part_size=8 * MIB)
        found = s3.container.get_object("object")
        tracemalloc.start()
        assert download(found) == size
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MIB


@pytest.mark.slow
def test_download_object_data_is_not_buffered_in_memory(tmp_path: Path) -> None:
    def download(obj: Object) -> int:
        assert obj.download(str(tmp_path / "copy")) is True
        return (tmp_path / "copy").stat().st_size

    _assert_not_buffered(24 * MIB, download)


@pytest.mark.slow
def test_download_object_as_stream_data_is_not_buffered_in_memory() -> None:
    _assert_not_buffered(24 * MIB, lambda obj: sum(map(len, obj.as_stream(chunk_size=MIB))))


def test_what_is_stored_compressed_arrives_as_it_is_stored(s3: Store, tmp_path: Path) -> None:
    """G23: the bytes, their number and their hash are those of the object."""
    data = gzip.compress(b"abc" * 1000)
    s3.stream(iter([data]), "packed", headers={"Content-Encoding": "gzip"})
    found = s3.container.get_object("packed")
    assert (found.size, found.extra["content_encoding"]) == (len(data), "gzip")
    assert b"".join(found.as_stream()) == data
    assert b"".join(found.range_as_stream(1, 20)) == data[1:20]
    assert found.download(str(tmp_path / "copy")) is True
    assert (tmp_path / "copy").read_bytes() == data
    asked = {e.headers["accept-encoding"] for e in s3.requests("GetObject", "HeadObject")}
    assert asked == {"identity"}


# Ranges.


_RANGES = pytest.mark.parametrize(
    ("start", "end", "header"),
    [
        (0, 1, "bytes=0-0"),
        (0, None, "bytes=0-"),
        (5, 10, "bytes=5-9"),
        (9_999, None, "bytes=9999-"),
        (9_990, 20_000, "bytes=9990-19999"),
    ],
)


@_RANGES
def test_download_object_range_as_stream_success(
    s3: Store, stored: Object, start: int, end: int | None, header: str
) -> None:
    assert b"".join(stored.range_as_stream(start, end)) == DATA[start:end]
    assert s3.requests("GetObject")[0].headers["range"] == header


@_RANGES
def test_download_object_range_success(
    s3: Store, stored: Object, start: int, end: int | None, header: str, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    assert stored.download_range(str(path), start, end) is True
    assert path.read_bytes() == DATA[start:end]
    assert s3.requests("GetObject")[0].headers["range"] == header


@pytest.mark.parametrize(("start", "end"), [(-1, None), (5, 5), (7, 3)])
def test_an_invalid_range_is_refused_at_once(
    s3: Store, stored: Object, start: int, end: int | None, tmp_path: Path
) -> None:
    asked = len(s3.server.requests)
    with pytest.raises(ValueError):
        stored.range_as_stream(start, end)
    with pytest.raises(ValueError):
        stored.download_range(str(tmp_path / "copy"), start, end)
    assert len(s3.server.requests) == asked


def test_a_range_behind_the_end_is_the_stores_error(stored: Object, tmp_path: Path) -> None:
    with pytest.raises(LibcloudError, match=r"bucket/object.*416.*InvalidRange"):
        b"".join(stored.range_as_stream(10_000))
    with pytest.raises(LibcloudError, match=r"bucket/object.*416.*InvalidRange"):
        stored.download_range(str(tmp_path / "copy"), 10_000)
    assert list(tmp_path.iterdir()) == []


# What fails.


@pytest.mark.parametrize("existing", [None, b"mine"])
def test_a_download_that_breaks_off_leaves_nothing_under_the_final_name(
    s3: Store, stored: Object, existing: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    if existing is not None:
        path.write_bytes(existing)
    s3.server.faults.add("GetObject", Truncate(5_000))
    s3.server.faults.add("GetObject", Truncate(0), times=None)
    with pytest.raises(Exception) as caught:
        stored.download(str(path), overwrite_existing=True)
    assert isinstance(caught.value, (OSError, LibcloudError))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([existing] if existing else [])


def test_a_stream_that_breaks_off_is_an_error(s3: Store, stored: Object) -> None:
    s3.server.faults.add("GetObject", Truncate(5_000))
    s3.server.faults.add("GetObject", Truncate(0), times=None)
    received: list[bytes] = []
    with pytest.raises((OSError, LibcloudError)):
        received.extend(stored.as_stream(chunk_size=1_000))
    assert b"".join(received) == DATA[:5_000]


class ShortHttp(MockHttp):
    """Answers with less than it announces, and no connection that could notice."""

    def _bucket_object(self, method: str, url: str, body: Any, headers: Any) -> Any:
        return 200, "12345", {"Content-Length": "10"}, "OK"


def test_download_object_invalid_file_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3StorageDriver.connectionCls, "conn_class", ShortHttp)
    driver = S3StorageDriver("key", "secret")
    obj = Object("object", 10, None, {}, {}, Container("bucket", {}, driver), driver)
    with pytest.raises(IncompleteDownloadError, match="5 of 10 bytes"):
        list(obj.as_stream())
    assert obj.download(str(tmp_path / "copy")) is False
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_object_raises_object_does_not_exist_error(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    stored.delete()
    for act in (
        lambda: b"".join(stored.as_stream()),
        lambda: b"".join(stored.range_as_stream(1)),
        lambda: stored.download(str(tmp_path / "copy")),
        lambda: stored.download_range(str(tmp_path / "copy"), 1),
    ):
        with pytest.raises(ObjectDoesNotExistError, match=r"bucket/object.*404.*NoSuchKey"):
            act()
    assert list(tmp_path.iterdir()) == []


def test_a_refused_download_leaves_nothing(s3: Store, stored: Object, tmp_path: Path) -> None:
    s3.server.faults.add("GetObject", Status(403, "InvalidObjectState"), times=None)
    with pytest.raises(LibcloudError, match="InvalidObjectState"):
        stored.download(str(tmp_path / "copy"))
    assert list(tmp_path.iterdir()) == []


def test_download_object_invalid_file_already_exists(
    s3: Store, stored: Object, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"mine")
    with pytest.raises(LibcloudError, match="already exists"):
        stored.download(str(path))
    assert path.read_bytes() == b"mine"
    assert stored.download(str(path), overwrite_existing=True) is True
    assert path.read_bytes() == DATA


def test_a_reader_that_stops_early_does_not_disturb_the_next(s3: Store, stored: Object) -> None:
    s3.in_parts(300, "large", ex_part_size=PART)
    pieces = s3.container.get_object("large").as_stream(chunk_size=10)
    assert len(next(iter(pieces))) == 10
    assert b"".join(stored.as_stream()) == DATA
