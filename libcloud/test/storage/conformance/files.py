# SPDX-License-Identifier: Apache-2.0
"""Behaviour of uploads from files and of downloads: files, streams, ranges."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.conformance.harness import Harness, needs, pattern

DATA = b"0123456789abcdef"

# It has 4096 bytes, it says.
_SYSTEM_FILE = "/sys/kernel/mm/transparent_hugepage/enabled"


def a_small_file_is_uploaded(h: Harness) -> None:
    container = h.container()
    returned = container.upload_object(h.file(DATA), "object")
    assert (returned.name, returned.size) == ("object", len(DATA))
    assert h.read(container, "object") == DATA


def an_empty_file_is_uploaded(h: Harness) -> None:
    container = h.container()
    assert container.upload_object(h.file(b""), "object").size == 0
    assert h.read(container, "object") == b""


def a_large_file_is_uploaded(h: Harness) -> None:
    container = h.container()
    data = pattern(h.part_size * 2 + 17)
    assert container.upload_object(h.file(data), "object").size == len(data)
    assert h.read(container, "object") == data


def a_file_is_uploaded_without_verification(h: Harness) -> None:
    container = h.container()
    container.upload_object(h.file(DATA), "object", verify_hash=False)
    assert h.read(container, "object") == DATA


@needs("etag_is_md5")
def the_hash_of_an_uploaded_file_is_its_md5(h: Harness) -> None:
    returned = h.container().upload_object(h.file(DATA), "object")
    assert returned.hash == hashlib.md5(DATA).hexdigest()


def a_reader_that_asks_for_the_size_gets_all_at_once(h: Harness) -> None:
    container = h.container()
    data = pattern(h.part_size * 2 + 17)
    h.put(container, "object", data)
    obj = container.get_object("object")
    # As django-storages and many a program read.
    assert next(obj.as_stream(obj.size)) == data
    assert next(h.driver.download_object_as_stream(obj, obj.size)) == data


def a_reader_that_asks_for_the_size_of_nothing_gets_one_empty_piece(h: Harness) -> None:
    container = h.container()
    h.put(container, "object", b"")
    obj = container.get_object("object")
    assert list(obj.as_stream(obj.size)) == [b""]
    assert list(obj.as_stream()) == []


@needs("range_reads")
def all_of_an_empty_object_is_a_range_of_it(h: Harness) -> None:
    container = h.container()
    h.put(container, "object", b"")
    # As sqlalchemy-file reads.
    assert b"".join(container.get_object("object").range_as_stream(0)) == b""


def a_missing_file_is_reported_and_nothing_is_stored(h: Harness) -> None:
    container = h.container()
    with pytest.raises(OSError):
        container.upload_object(str(h.folder / "no such file"), "object")
    assert h.names(container) == []


def a_file_whose_size_the_system_does_not_tell_is_read_to_its_end(h: Harness) -> None:
    container = h.container()
    paths = (
        "/proc/version",  # cannot seek to its end
        "/proc/sys/kernel/ostype",  # has its end at 0
        _SYSTEM_FILE,
    )
    for path in filter(os.path.exists, paths):
        with open(path, "rb") as file:
            data = file.read()
        assert container.upload_object(path, "file").size == len(data)
        assert h.read(container, "file") == data
        with open(path, "rb") as file:
            assert h.stream(container, "stream", file).size == len(data)
        assert h.read(container, "stream") == data


@needs("multipart")
def such_a_file_is_read_to_its_end_in_parts_too(h: Harness) -> None:
    container = h.container()
    for path in filter(os.path.exists, ("/proc/version", _SYSTEM_FILE)):
        with open(path, "rb") as file:
            data = file.read()
        driver: Any = h.driver
        driver.upload_object(path, container, "file", ex_part_size=h.part_size)
        assert h.read(container, "file") == data


def a_named_pipe_is_read_to_its_end(h: Harness) -> None:
    container = h.container()
    data = pattern(h.part_size + 17)
    path = h.folder / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    try:
        assert container.upload_object(str(path), "object").size == len(data)
    finally:
        writer.join(30)
    assert h.read(container, "object") == data


def a_sparse_file_is_uploaded_whole(h: Harness) -> None:
    container = h.container()
    path = h.folder / "sparse"
    with open(path, "wb") as file:
        file.truncate(h.part_size + 17)
    assert container.upload_object(str(path), "object").size == h.part_size + 17
    assert h.read(container, "object") == bytes(h.part_size + 17)


def a_file_replaces_an_object(h: Harness) -> None:
    container = h.container()
    h.put(container, "object", b"something longer than what comes next")
    container.upload_object(h.file(DATA), "object")
    assert h.read(container, "object") == DATA


def _stored(h: Harness, data: bytes = DATA) -> tuple[Container, Object]:
    container = h.container()
    h.put(container, "object.bin", data)
    return container, h.driver.get_object(container.name, "object.bin")


def a_download_to_a_new_file(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 17)
    _, stored = _stored(h, data)
    path = h.folder / "copy"
    assert stored.download(str(path)) is True
    assert path.read_bytes() == data


def a_download_of_an_empty_object(h: Harness) -> None:
    _, stored = _stored(h, b"")
    path = h.folder / "copy"
    assert stored.download(str(path)) is True
    assert path.read_bytes() == b""
    assert b"".join(stored.as_stream()) == b""


def a_download_into_a_directory_takes_the_object_name(h: Harness) -> None:
    _, stored = _stored(h)
    assert stored.download(str(h.folder) + os.sep) is True
    assert (h.folder / "object.bin").read_bytes() == DATA


def an_existing_file_is_not_overwritten_by_default(h: Harness) -> None:
    _, stored = _stored(h)
    path = h.folder / "copy"
    path.write_bytes(b"mine")
    with pytest.raises(LibcloudError):
        stored.download(str(path))
    assert path.read_bytes() == b"mine"
    assert stored.download(str(path), overwrite_existing=True) is True
    assert path.read_bytes() == DATA


def a_download_into_a_missing_directory_is_refused(h: Harness) -> None:
    _, stored = _stored(h)
    with pytest.raises(LibcloudError):
        stored.download(str(h.folder / "no such directory" / "copy"))


def a_download_of_a_missing_object_is_reported_and_leaves_no_file(h: Harness) -> None:
    _, stored = _stored(h)
    stored.delete()
    path = h.folder / "copy"
    with pytest.raises(ObjectDoesNotExistError):
        stored.download(str(path))
    assert list(h.folder.iterdir()) == []


def a_stream_of_a_missing_object_is_reported(h: Harness) -> None:
    _, stored = _stored(h)
    stored.delete()
    with pytest.raises(ObjectDoesNotExistError):
        b"".join(stored.as_stream())


def a_stream_gives_everything_in_order(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 17)
    _, stored = _stored(h, data)
    assert b"".join(h.driver.download_object_as_stream(stored)) == data


def a_stream_comes_in_pieces_of_the_size_asked_for(h: Harness) -> None:
    data = pattern(10_000)
    _, stored = _stored(h, data)
    pieces = list(stored.as_stream(chunk_size=3000))
    assert b"".join(pieces) == data
    assert [len(piece) for piece in pieces] == [3000, 3000, 3000, 1000]


@needs("range_reads")
def a_range_starts_at_zero_and_excludes_its_end(h: Harness) -> None:
    _, stored = _stored(h)
    spans = [(0, 1), (0, 16), (3, 7), (15, 16), (0, None), (10, None), (15, None)]
    for start, end in spans:
        assert b"".join(stored.range_as_stream(start, end)) == DATA[start:end], (start, end)


@needs("range_reads")
def a_range_across_parts(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 17)
    _, stored = _stored(h, data)
    start, end = h.part_size - 5, 2 * h.part_size + 5
    assert b"".join(stored.range_as_stream(start, end)) == data[start:end]


@needs("range_reads")
def a_range_into_a_file(h: Harness) -> None:
    _, stored = _stored(h)
    path = h.folder / "copy"
    assert stored.download_range(str(path), 4, 8) is True
    assert path.read_bytes() == DATA[4:8]
    with pytest.raises(LibcloudError):
        stored.download_range(str(path), 8)
    assert stored.download_range(str(path), 8, overwrite_existing=True) is True
    assert path.read_bytes() == DATA[8:]


@needs("range_reads")
def invalid_ranges_are_refused(h: Harness) -> None:
    _, stored = _stored(h)
    for start, end in [(-1, None), (-5, 3), (5, 5), (7, 3)]:
        with pytest.raises(ValueError):
            b"".join(stored.range_as_stream(start, end))
        with pytest.raises(ValueError):
            stored.download_range(str(h.folder / "copy"), start, end)
    assert list(h.folder.iterdir()) == []


@needs("range_reads")
def a_range_behind_the_end_is_an_error(h: Harness) -> None:
    _, stored = _stored(h)
    with pytest.raises((LibcloudError, ValueError)):
        b"".join(stored.range_as_stream(1000))


@needs("range_reads")
def a_range_of_a_missing_object_is_reported(h: Harness) -> None:
    _, stored = _stored(h)
    stored.delete()
    with pytest.raises(ObjectDoesNotExistError):
        b"".join(stored.range_as_stream(0, 4))
