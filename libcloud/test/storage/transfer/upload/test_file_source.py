# SPDX-License-Identifier: Apache-2.0
"""Files that are uploaded by their paths: workers read the parts, at their own positions."""

from __future__ import annotations

import io
from pathlib import Path
from unittest import mock

import pytest

from libcloud.storage.transfer.upload.source import (
    FileRange,
    FileSource,
    LocalFile,
    PartSource,
    source_of,
)
from libcloud.storage.types import SizeMismatchError
from libcloud.test.storage.transfer.upload.test_session import DATA, MemoryPort, session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


def test_parts_are_read_in_any_order_without_the_position_of_the_file(path: Path) -> None:
    with LocalFile(path) as file:
        source = FileSource(file)
        parts = [source.next_part(10) for _ in range(4)]
        read = {number: bytes(parts[number].body.read()) for number in (3, 1, 0, 2)}
        assert file.tell() == 0
    assert b"".join(read[number] for number in range(4)) == DATA
    assert [len(part.body) for part in parts] == [10, 10, 10, 5]
    assert [part.last for part in parts] == [False, False, False, True]


def test_a_file_is_read_from_its_position(path: Path) -> None:
    with LocalFile(path) as file:
        file.seek(30)
        part = FileSource(file).next_part(10)
        assert (bytes(part.body.read()), part.last) == (DATA[30:], True)


def test_a_file_of_unknown_size_is_read_as_a_stream(path: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")  # files of /proc look like this one
    with LocalFile(path) as file, LocalFile(empty) as other, path.open("rb") as opened:
        assert isinstance(source_of(file), FileSource)
        assert isinstance(source_of(other), PartSource)
        assert isinstance(source_of(opened), PartSource)


def test_a_stream_that_has_any_attribute_is_read_as_a_stream() -> None:
    stream = mock.Mock(read=io.BytesIO(b"data").read, spec=["read", "next_part"])
    assert bytes(source_of(stream).next_part(10).body) == b"data"


@pytest.mark.parametrize("size", [32, 7])
def test_a_file_that_became_shorter_is_an_error(path: Path, size: int) -> None:
    with LocalFile(path) as file:
        part = FileRange(file, 30, 5)
        path.write_bytes(DATA[:size])
        with pytest.raises(SizeMismatchError, match=f"had 35 bytes and has {size} now"):
            part.read()


def test_a_file_that_became_longer_is_an_error(path: Path) -> None:
    with LocalFile(path) as file:
        source = FileSource(file)
        path.write_bytes(DATA + b"more")
        with pytest.raises(SizeMismatchError, match="had 35 bytes and has 39 now"):
            source.next_part(100)


def test_a_part_that_is_sent_again_is_read_again(path: Path) -> None:
    port = MemoryPort([None, ConnectionError()])
    session(port).send_file(path)
    assert port.steps == ["create", *["part"] * 5, "complete"]
    assert port.stored == DATA


def test_a_file_that_changes_during_an_upload_publishes_nothing(path: Path) -> None:
    class Shortening(MemoryPort):
        def create(self) -> str:
            path.write_bytes(b"")
            return super().create()

    port = Shortening()
    with pytest.raises(SizeMismatchError) as caught:
        session(port).send_file(path)
    assert (port.steps, port.stored) == (["create", "abort"], None)
    assert caught.value.object_name == "thing"
