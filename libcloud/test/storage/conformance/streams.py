# SPDX-License-Identifier: Apache-2.0
"""Behaviour of uploads from streams: what goes in comes out, whatever the shape of the source."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.types import InvalidSourceError
from libcloud.test.storage.conformance.harness import Harness, needs, pattern
from libcloud.test.storage.conformance.sources import (
    BareIterator,
    OnlyRead,
    cut,
    reused_bytearray,
)
from libcloud.utils import files


def _arrives(h: Harness, source: Any, data: bytes, **rest: Any) -> Object:
    """Upload ``source`` and see that ``data`` is stored."""
    container = h.container()
    returned = h.stream(container, "object", source, **rest)
    assert returned.size == len(data)
    assert h.read(container, "object") == data
    assert h.driver.get_object(container.name, "object").size == len(data)
    assert h.unfinished(container) == []
    return returned


def _piece(h: Harness) -> int:
    """Size of a small piece: it divides nothing."""
    return h.part_size // 7 + 1


def an_empty_stream_makes_an_empty_object(h: Harness) -> None:
    _arrives(h, iter([]), b"")


def a_stream_of_nothing_but_empty_pieces_makes_an_empty_object(h: Harness) -> None:
    _arrives(h, iter([b"", b"", b""]), b"")


def an_empty_file_like_makes_an_empty_object(h: Harness) -> None:
    _arrives(h, io.BytesIO(), b"")


def one_byte(h: Harness) -> None:
    _arrives(h, iter([b"x"]), b"x")


def one_byte_less_than_a_part(h: Harness) -> None:
    data = pattern(h.part_size - 1)
    _arrives(h, cut(data, _piece(h)), data)


def exactly_one_part(h: Harness) -> None:
    data = pattern(h.part_size)
    _arrives(h, cut(data, _piece(h)), data)


def one_byte_more_than_a_part(h: Harness) -> None:
    data = pattern(h.part_size + 1)
    _arrives(h, cut(data, _piece(h)), data)


def a_multiple_of_the_part_size(h: Harness) -> None:
    data = pattern(h.part_size * 3)
    _arrives(h, cut(data, _piece(h)), data)


def several_parts_and_a_rest(h: Harness) -> None:
    data = pattern(h.part_size * 3 + h.part_size // 3)
    _arrives(h, cut(data, _piece(h)), data)


def pieces_of_exactly_a_part(h: Harness) -> None:
    data = pattern(h.part_size * 3)
    _arrives(h, cut(data, h.part_size), data)


def tiny_pieces(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 5)
    _arrives(h, cut(data, max(1, h.part_size // 10_000)), data)


def one_piece_larger_than_several_parts(h: Harness) -> None:
    data = pattern(h.part_size * 3 + 7)
    _arrives(h, iter([data]), data)


def large_and_small_pieces_in_turn(h: Harness) -> None:
    data = pattern(h.part_size * 3 + 11)
    second, third = 2 * h.part_size + 1, 2 * h.part_size + 3
    _arrives(h, iter([data[:second], data[second:third], data[third:]]), data)


def empty_pieces_are_not_the_end(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)

    def pieces() -> Iterator[bytes]:
        yield b""
        for piece in cut(data, _piece(h)):
            yield piece
            yield b""
            yield b""

    _arrives(h, pieces(), data)


def a_bytearray_may_be_reused_by_its_producer(h: Harness) -> None:
    data = pattern(h.part_size * 3 + 3)
    _arrives(h, reused_bytearray(data, _piece(h)), data)


def a_part_sized_bytearray_may_be_reused_by_its_producer(h: Harness) -> None:
    data = pattern(h.part_size * 3)
    _arrives(h, reused_bytearray(data, h.part_size), data)


def a_memoryview_may_be_reused_by_its_producer(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    pieces = (memoryview(piece) for piece in reused_bytearray(data, _piece(h)))

    def released() -> Iterator[memoryview]:
        for view in pieces:
            yield view
            view.release()

    _arrives(h, released(), data)


def text_is_encoded_as_utf8(h: Harness) -> None:
    _arrives(h, iter(["gr", "üß", "", "e 漢字"]), "grüße 漢字".encode())


def a_file_like_is_read_to_its_end(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    _arrives(h, io.BytesIO(data), data)


def a_file_like_with_read_only(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    _arrives(h, OnlyRead(data), data)


def a_file_like_that_gives_less_than_it_is_asked_for(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    _arrives(h, OnlyRead(data, largest=_piece(h) + 3), data)


def an_open_file(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    with open(h.file(data), "rb") as source:
        _arrives(h, source, data)


def an_iterator_with_next_only(h: Harness) -> None:
    data = pattern(h.part_size * 2 + 3)
    _arrives(h, BareIterator(data, _piece(h)), data)


def an_invalid_stream_is_refused_and_nothing_is_stored(h: Harness) -> None:
    container = h.container()
    with pytest.raises((AttributeError, TypeError, LibcloudError)):
        h.stream(container, "object", 12345)
    assert h.names(container) == []


def a_stream_of_invalid_pieces_is_refused_and_nothing_is_stored(h: Harness) -> None:
    container = h.container()
    wrong: Any = iter([pattern(h.part_size), pattern(h.part_size), 12345])
    with pytest.raises((AttributeError, TypeError, ValueError, LibcloudError)):
        h.stream(container, "object", wrong)
    assert h.names(container) == []
    assert h.unfinished(container) == []


def empty_pieces_without_end_are_refused_and_nothing_is_stored(h: Harness) -> None:
    container = h.container()
    endless: list[Any] = [b"", "", bytearray()]
    for empty in endless:
        source = itertools.chain([pattern(h.part_size + 1)], itertools.repeat(empty))
        with (
            mock.patch.object(files, "MAX_EMPTY_PIECES", 10_000),
            pytest.raises(InvalidSourceError, match="10,000 consecutive empty pieces"),
        ):
            h.stream(container, "object", source)
    assert h.names(container) == []
    assert h.unfinished(container) == []


def as_many_empty_pieces_as_allowed_are_not_the_end(h: Harness) -> None:
    nothing: list[Any] = [b""] * 4_000 + [""] * 4_000
    with mock.patch.object(files, "MAX_EMPTY_PIECES", 8_000):
        _arrives(h, iter([b"a", *nothing, b"b", *nothing, b"c"]), b"abc")


@needs("multipart")
def one_part_at_a_time(h: Harness) -> None:
    data = pattern(h.part_size * 3 + 1)
    _arrives(h, cut(data, _piece(h)), data, window=1)


@needs("multipart")
def four_parts_at_a_time(h: Harness) -> None:
    data = pattern(h.part_size * 6 + 1)
    _arrives(h, cut(data, _piece(h)), data, window=4)


def the_returned_object_says_what_was_stored(h: Harness) -> None:
    container = h.container()
    returned = h.stream(container, "a name", iter([b"hello ", b"world"]))
    assert (returned.name, returned.size) == ("a name", 11)
    assert returned.container.name == container.name
    assert returned.driver is h.driver


@needs("same_hash")
def a_short_upload_returns_the_hash_of_the_stored_object(h: Harness) -> None:
    container = h.container()
    returned = h.stream(container, "object", iter([b"hello ", b"world"]))
    assert returned.hash == h.driver.get_object(container.name, "object").hash


@needs("same_hash")
def a_long_upload_returns_the_hash_of_the_stored_object(h: Harness) -> None:
    container = h.container()
    returned = h.stream(container, "object", cut(pattern(h.part_size * 2 + 1), _piece(h)))
    assert returned.hash == h.driver.get_object(container.name, "object").hash


@needs("etag_is_md5")
def the_hash_of_a_short_object_is_its_md5(h: Harness) -> None:
    container = h.container()
    expected = hashlib.md5(b"hello world").hexdigest()
    assert h.stream(container, "object", iter([b"hello ", b"world"])).hash == expected
    assert h.driver.get_object(container.name, "object").hash == expected


def a_second_upload_replaces_the_first(h: Harness) -> None:
    container = h.container()
    for data in (pattern(h.part_size * 2 + 1), b"short", pattern(h.part_size + 1, seed=1), b""):
        h.stream(container, "object", cut(data, _piece(h)))
        assert h.read(container, "object") == data
    assert h.names(container) == ["object"]


def the_container_uploads_as_the_driver_does(h: Harness) -> None:
    container = h.container()
    returned = container.upload_object_via_stream(iter([b"by ", b"container"]), "object")
    assert returned.size == 12
    assert h.read(container, "object") == b"by container"
