# SPDX-License-Identifier: Apache-2.0
"""Behaviour of writers: objects that are written like files, whole or not at all."""

from __future__ import annotations

import gzip
import io
import threading
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.conformance.harness import Harness, needs, pattern
from libcloud.test.storage.conformance.sources import cut


def _open(h: Harness, container: Container, name: str = "object") -> Any:
    options: Any = {"ex_part_size": h.part_size} if "multipart" in h.features else {}
    return container.ex_open_writer(name, **options)


def _written(h: Harness, data: bytes, piece: int) -> None:
    """Write ``data`` in pieces and see that it is stored."""
    container = h.container()
    with _open(h, container) as writer:
        for part in cut(data, piece):
            assert writer.write(part) == len(part)
        assert writer.tell() == len(data)
    assert (writer.result.name, writer.result.size) == ("object", len(data))
    assert h.read(container, "object") == data
    assert h.unfinished(container) == []


def _is_absent(h: Harness, container: Container) -> None:
    assert h.names(container) == []
    assert h.unfinished(container) == []
    with pytest.raises(ObjectDoesNotExistError):
        h.driver.get_object(container.name, "object")


def a_writer_that_is_given_nothing_makes_an_empty_object(h: Harness) -> None:
    _written(h, b"", 1)


def a_small_object_is_written(h: Harness) -> None:
    _written(h, b"hello world", 4)


def an_object_of_exactly_one_part_is_written(h: Harness) -> None:
    _written(h, pattern(h.part_size), h.part_size // 7 + 1)


def an_object_of_several_parts_is_written(h: Harness) -> None:
    _written(h, pattern(h.part_size * 3 + 1), h.part_size // 7 + 1)


def one_write_may_reach_over_several_parts(h: Harness) -> None:
    data = pattern(h.part_size * 3 + 1)
    _written(h, data, len(data))


@needs("same_hash")
def a_writer_returns_the_hash_of_the_stored_object(h: Harness) -> None:
    container = h.container()
    with _open(h, container) as writer:
        writer.write(pattern(h.part_size * 2 + 1))
    assert writer.result.hash == h.driver.get_object(container.name, "object").hash


@needs("metadata", "content_type")
def a_writer_sends_the_properties_of_the_object(h: Harness) -> None:
    container = h.container()
    extra = {"content_type": "text/x-written", "meta_data": {"key": "value"}}
    with container.ex_open_writer("object", extra) as writer:
        writer.write(b"data")
    found = h.driver.get_object(container.name, "object")
    assert found.meta_data["key"] == "value"
    assert found.extra["content_type"] == "text/x-written"


def a_compressed_text_is_written(h: Harness) -> None:
    container = h.container()
    lines = [f"{number} grüße\n" for number in range(h.part_size // 5)]
    with _open(h, container) as writer, gzip.open(writer, "wt", encoding="utf-8") as text:
        text.writelines(lines)
    unpacked = gzip.decompress(h.read(container, "object")).decode()
    assert unpacked == "".join(lines)


def _fails(h: Harness, size: int, error: BaseException, *, wrapped: bool = False) -> None:
    """A block that is left by ``error`` leaves the object of before alone."""
    container = h.container()
    h.put(container, "object", b"the old one")
    with pytest.raises(type(error)) as caught, _open(h, container) as writer:
        wrapper = io.BufferedWriter(writer) if wrapped else writer
        with wrapper:
            wrapper.write(pattern(size))
            raise error
    assert caught.value is error
    assert h.read(container, "object") == b"the old one"
    assert h.unfinished(container) == []


def a_block_left_early_publishes_nothing(h: Harness) -> None:
    _fails(h, 10, KeyError("early"))


def a_block_left_late_publishes_nothing(h: Harness) -> None:
    _fails(h, h.part_size * 3 + 1, KeyError("late"))


def a_block_left_by_an_interrupt_publishes_nothing(h: Harness) -> None:
    _fails(h, h.part_size * 3 + 1, KeyboardInterrupt())


def a_wrapper_left_by_an_exception_publishes_nothing(h: Harness) -> None:
    _fails(h, h.part_size * 3 + 1, KeyError("late"), wrapped=True)


def an_aborted_writer_publishes_nothing(h: Harness) -> None:
    container = h.container()
    with _open(h, container) as writer:
        writer.write(pattern(h.part_size * 3 + 1))
        writer.abort()
    assert writer.result is None
    _is_absent(h, container)


def a_dropped_writer_publishes_nothing(h: Harness) -> None:
    container = h.container()
    writer = _open(h, container)
    writer.write(pattern(h.part_size * 3 + 1))
    with pytest.warns(ResourceWarning, match="dropped without close"):
        del writer
    for thread in threading.enumerate():
        if thread.name == "libcloud-abandoned":
            thread.join(60)
    _is_absent(h, container)
