# SPDX-License-Identifier: Apache-2.0
"""Downloads are compared with what the store says of the object, over all of their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.transfer.download import saving
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.test.storage.fakes.digests import checksum
from libcloud.test.storage.fakes.faults import FlipBit, Status, Truncate
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

DATA = pattern(3 * PART + 1)
MODE = "x-amz-checksum-mode"


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with store(replace(AMAZON, own_checksum=False)) as there:
        yield there


@pytest.fixture(scope="module")
def https() -> Iterator[Store]:
    """A store over https, where the driver sends a CRC-32 of its own accord."""
    with store(replace(AMAZON, tls=True)) as there:
        yield there


@pytest.fixture
def s3(running: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store, and a driver that reads into files piece by piece."""
    monkeypatch.setattr(saving, "_PIECE", 700)
    running.server.reset()
    running.server.create_bucket("bucket")
    return running


def as_stream(obj: Any, folder: Path, **options: Any) -> bytes:
    return b"".join(obj.driver.download_object_as_stream(obj, 700, **options))


def as_file(obj: Any, folder: Path, **options: Any) -> bytes:
    path = folder / "file"
    try:
        assert obj.driver.download_object(obj, path, **options)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


Read = Callable[..., bytes]
each_way = pytest.mark.parametrize("read", [as_stream, as_file])


def asked(s3: Store) -> list[str | None]:
    return [entry.headers.get(MODE) for entry in s3.requests("GetObject")]


@each_way
@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
@pytest.mark.parametrize("position", [0, 1234, len(DATA) - 1])
def test_one_flipped_bit_is_noticed(
    s3: Store, tmp_path: Path, read: Read, name: str, position: int
) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum=name)
    assert read(obj, tmp_path) == DATA
    s3.server.faults.add("GetObject", FlipBit(position, "answer"))

    with pytest.raises(ObjectHashMismatchError, match=rf"object was received.*{name}") as caught:
        read(obj, tmp_path)

    assert checksum(name, DATA) in str(caught.value)
    assert caught.value.object_name == "object"
    assert list(tmp_path.iterdir()) == []
    assert read(obj, tmp_path) == DATA


def test_a_file_that_was_there_is_kept(s3: Store, tmp_path: Path) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum="crc32")
    (tmp_path / "file").write_bytes(b"mine")
    s3.server.faults.add("GetObject", FlipBit(where="answer"))

    with pytest.raises(ObjectHashMismatchError):
        obj.download(tmp_path / "file", overwrite_existing=True)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@each_way
@pytest.mark.parametrize("damaged", [False, True])
def test_a_body_in_two_halves_is_compared_as_one(
    s3: Store, tmp_path: Path, read: Read, damaged: bool
) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum="crc32")
    s3.server.faults.add("GetObject", Truncate(1500))
    if not damaged:
        assert read(obj, tmp_path) == DATA
    else:
        s3.server.faults.add("GetObject", FlipBit(0, "answer"), nth=2)
        with pytest.raises(ObjectHashMismatchError):
            read(obj, tmp_path)

    assert asked(s3) == ["ENABLED", None]


@each_way
def test_an_etag_is_compared_on_demand_only(s3: Store, tmp_path: Path, read: Read) -> None:
    whole = s3.driver.upload_object_via_stream(iter([DATA]), s3.container, "one request")
    assert read(whole, tmp_path, ex_verify_hash=True) == DATA
    s3.server.faults.add("GetObject", FlipBit(where="answer"), times=None)

    assert read(whole, tmp_path) != DATA
    with pytest.raises(ObjectHashMismatchError, match=rf"md5 {'[0-9a-f]' * 32}.*{whole.hash}"):
        read(whole, tmp_path, ex_verify_hash=True)


@each_way
def test_nothing_is_compared_without_verify_hash(s3: Store, tmp_path: Path, read: Read) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum="crc32")
    s3.server.faults.add("GetObject", FlipBit(where="answer"))

    assert read(obj, tmp_path, ex_verify_hash=False) != DATA

    assert asked(s3) == [None]


@each_way
def test_an_etag_of_parts_is_no_hash(s3: Store, tmp_path: Path, read: Read) -> None:
    obj = s3.stream(iter([DATA]))
    assert obj.hash.endswith("-4")
    assert read(obj, tmp_path, ex_verify_hash=True) == DATA


@each_way
@pytest.mark.parametrize(
    "changes",
    [
        {"etag": "0" * 32, "headers": {"x-amz-server-side-encryption": "aws:kms"}},
        {"checksums": {"crc32": "AAAAAA==-4"}, "checksum_type": "COMPOSITE"},
        {"checksums": {"crc32": "AAAAAA=="}, "checksum_type": "COMPOSITE"},
        {"checksums": {"xxhash64": "AAAAAAAAAAA="}},
    ],
    ids=["KMS", "of parts", "said to be of parts", "unknown"],
)
def test_an_etag_that_is_not_a_digest_is_not_compared(
    s3: Store, tmp_path: Path, read: Read, changes: dict[str, Any]
) -> None:
    s3.stream(iter([DATA]))
    with s3.server.state.lock:
        stored = s3.server.state.objects["bucket", "object"]
        for name, value in changes.items():
            setattr(stored, name, value)
    assert read(s3.container.get_object("object"), tmp_path, ex_verify_hash=True) == DATA


def test_ranges_are_not_compared(s3: Store, tmp_path: Path) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum="crc32")
    s3.server.faults.add("GetObject", FlipBit(where="answer"), times=None)

    assert len(b"".join(obj.range_as_stream(0))) == len(DATA)
    assert obj.download_range(tmp_path / "file", 0)

    assert asked(s3) == [None, None]


def test_a_reader_that_stops_early_gets_no_error(s3: Store) -> None:
    obj = s3.stream(iter([DATA]), ex_checksum="crc32")
    s3.server.faults.add("GetObject", FlipBit(where="answer"))
    pieces = iter(obj.as_stream(700))
    assert len(next(pieces)) == 700
    pieces.close()


def test_an_empty_object_is_compared_too(s3: Store, tmp_path: Path) -> None:
    obj = s3.stream(iter([]), ex_checksum="crc32")
    assert as_stream(obj, tmp_path) == as_file(obj, tmp_path) == b""
    with s3.server.state.lock:
        s3.server.state.objects["bucket", "object"].checksums = {"crc32": checksum("crc32", b"x")}
    for read in (as_stream, as_file):
        with pytest.raises(ObjectHashMismatchError):
            read(obj, tmp_path)


@each_way
def test_what_amazon_keeps_of_its_own_accord_is_compared(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_PIECE", 700)
    with store() as s3:
        obj = s3.stream(iter([DATA]))
        assert read(obj, tmp_path) == DATA
        s3.server.faults.add("GetObject", FlipBit(2345, "answer"))
        with pytest.raises(ObjectHashMismatchError, match="crc64nvme"):
            read(obj, tmp_path)


# What is asked of the store.


def test_no_checksum_is_requested_from_a_store_without_checksums(s3: Store, tmp_path: Path) -> None:
    obj = s3.stream(iter([DATA]))
    s3.driver.profile, kept = replace(s3.driver.profile, checksums=()), s3.driver.profile
    try:
        assert as_stream(obj, tmp_path, ex_verify_hash=True) == DATA
    finally:
        s3.driver.profile = kept
    assert asked(s3) == [None]


def test_a_store_that_rejects_head_is_read_anyway(https: Store, tmp_path: Path) -> None:
    obj = https.stream(iter([DATA]))
    https.server.faults.add(
        "GetObject",
        Status(501, "NotImplemented", "A header you provided implies functionality"),
        times=None,
        match=lambda request: MODE in request.header_values,
    )
    assert as_stream(obj, tmp_path) == as_file(obj, tmp_path) == DATA
    assert asked(https) == ["ENABLED", None, None]

    # Checksums of uploads are another matter.
    assert https.stream(iter([DATA])).extra["checksum"]["algorithm"] == "crc32"
