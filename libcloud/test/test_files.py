# SPDX-License-Identifier: Apache-2.0
"""Reading sources in pieces: what ends them, what they may yield, what it costs."""

from __future__ import annotations

import io
import mimetypes
import stat
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.common.types import InvalidSourceError
from libcloud.utils import files
from libcloud.utils.files import (
    CHUNK_SIZE,
    exhaust_iterator,
    guess_file_mime_type,
    has_exact_size,
    read_in_chunks,
    refill,
)


class _OnlyNext:
    """An iterator of the old kind: no ``__next__``, no ``__iter__``."""

    def __init__(self, *pieces: Any) -> None:
        self._pieces = list(pieces)

    def next(self) -> Any:
        if not self._pieces:
            raise StopIteration
        return self._pieces.pop(0)


class _Reader:
    """A file that offers ``read`` and nothing else, and remembers what it was asked for."""

    def __init__(self, *answers: Any) -> None:
        self.sizes: list[int] = []
        self._answers = list(answers)

    def read(self, size: int) -> Any:
        self.sizes.append(size)
        return self._answers.pop(0)


def test_an_empty_piece_of_an_iterator_is_not_its_end() -> None:
    pieces = iter([b"first-", b"", b"second-", "", b"third"])

    assert exhaust_iterator(pieces) == b"first-second-third"


def test_a_sentinel_that_never_comes_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MAX_EMPTY_PIECES", 100)
    file = _Reader(b"dat", b"a", *[b""] * 101)  # and then an IndexError
    pieces = read_in_chunks(iter(lambda: file.read(3), ""))

    assert [next(pieces), next(pieces)] == [b"dat", b"a"]
    with pytest.raises(InvalidSourceError, match=r"sentinel.*b'' for a binary file"):
        next(pieces)


def test_an_empty_read_is_the_end_of_a_file() -> None:
    reader = _Reader(b"ab", b"", b"never")

    assert list(read_in_chunks(reader)) == [b"ab"]


def test_an_iterator_that_has_only_next_is_read_to_its_end() -> None:
    assert list(read_in_chunks(_OnlyNext(b"a", "b"))) == [b"a", b"b"]


def test_a_file_is_read_and_not_iterated() -> None:
    file = io.BytesIO(b"a\nb\nc")

    assert list(read_in_chunks(file, chunk_size=4)) == [b"a\nb\n", b"c"]


@pytest.mark.parametrize("chunk_size", [None, 0])
def test_without_a_size_a_file_is_read_in_default_pieces(chunk_size: int | None) -> None:
    reader = _Reader(b"")

    list(read_in_chunks(reader, chunk_size=chunk_size))

    assert reader.sizes == [CHUNK_SIZE]


def test_a_read_that_returns_more_than_requested_loses_nothing() -> None:
    reader = _Reader(b"abcde", b"fg", b"")

    assert list(read_in_chunks(reader, chunk_size=2)) == [b"abcde", b"fg"]


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (b"x\xff", b"x\xff"),
        (bytearray(b"xy"), b"xy"),
        (memoryview(b"xy")[1:], b"y"),
        (memoryview(bytes(range(8))).cast("H"), bytes(range(8))),
        ("é", "é".encode()),
        (0, b"\0"),
        (255, b"\xff"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_data_becomes_bytes(piece: object, expected: bytes) -> None:
    assert list(read_in_chunks(iter([piece]))) == [expected]


def test_a_reused_buffer_is_copied() -> None:
    buffer = bytearray(b"a")

    def refilling() -> Iterator[bytearray]:
        yield buffer
        buffer[0] = ord("b")
        yield buffer

    assert list(read_in_chunks(refilling())) == [b"a", b"b"]


@pytest.mark.parametrize("piece", [None, 1.5, 256, -1, True, [b"a"], {}])
def test_a_piece_that_is_no_data_is_refused_by_its_type(piece: object) -> None:
    pieces = read_in_chunks(iter([b"good", piece]))

    assert next(pieces) == b"good"
    with pytest.raises(TypeError, match=type(piece).__name__):
        next(pieces)


def test_a_read_without_a_response_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        exhaust_iterator(_Reader(None))


@pytest.mark.parametrize("source", ["text", b"bytes", [b"a"], None, 3, object()])
def test_a_source_that_can_be_neither_read_nor_advanced_is_refused(source: object) -> None:
    with pytest.raises(TypeError, match=type(source).__name__):
        exhaust_iterator(source)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        list(read_in_chunks(io.BytesIO(b"abc"), chunk_size=-1))


def test_an_error_of_the_source_comes_through_after_the_pieces_before_it() -> None:
    def failing() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("broken source")

    pieces = read_in_chunks(failing())

    assert next(pieces) == b"a"
    with pytest.raises(ValueError, match="broken source"):
        next(pieces)


@pytest.mark.parametrize("source", [lambda: iter([]), lambda: iter([b"", ""]), io.BytesIO])
@pytest.mark.parametrize("fill_size", [False, True])
def test_one_empty_piece_is_given_for_no_data_if_wanted(
    source: Callable[[], Any], fill_size: bool
) -> None:
    assert list(read_in_chunks(source(), fill_size=fill_size, yield_empty=True)) == [b""]
    assert list(read_in_chunks(source(), fill_size=fill_size)) == []


def test_no_empty_piece_is_added_to_data() -> None:
    assert list(read_in_chunks(iter([b"a"]), yield_empty=True)) == [b"a"]


@given(
    pieces=st.lists(st.binary(max_size=40), max_size=30),
    size=st.integers(min_value=1, max_value=25),
)
def test_filled_pieces_hold_the_same_data_in_one_size(pieces: list[bytes], size: int) -> None:
    filled = list(read_in_chunks(iter(pieces), chunk_size=size, fill_size=True))

    assert b"".join(filled) == b"".join(pieces)
    assert all(len(piece) == size for piece in filled[:-1])
    assert all(0 < len(piece) <= size for piece in filled)


def test_filling_gives_a_piece_as_soon_as_it_is_full() -> None:
    pulled = []

    def watched() -> Iterator[bytes]:
        for number in range(10):
            pulled.append(number)
            yield b"ab"

    filled = read_in_chunks(watched(), chunk_size=4, fill_size=True)

    assert next(filled) == b"abab"
    assert pulled == [0, 1]


def test_filling_from_single_bytes_holds_about_one_piece() -> None:
    size = 32 * 1024
    pieces = (b"x" for _ in range(size))

    tracemalloc.start()
    try:
        assert len(next(read_in_chunks(pieces, chunk_size=size, fill_size=True))) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * size


def test_the_work_grows_with_the_pieces_and_not_with_their_square() -> None:
    def lines_run(count: int) -> int:
        lines = 0

        def count_lines(frame: Any, event: str, argument: object) -> Any:
            nonlocal lines
            lines += event == "line"
            return count_lines

        before = sys.gettrace()
        sys.settrace(count_lines)
        try:
            for _ in read_in_chunks(iter([b"ab"] * count), chunk_size=64, fill_size=True):
                pass
        finally:
            sys.settrace(before)
        return lines

    assert lines_run(2000) < 12 * lines_run(200)


def test_the_type_of_a_file_is_guessed_from_its_name() -> None:
    assert guess_file_mime_type("a/b.tar.gz") == ("application/x-tar", "gzip")
    assert guess_file_mime_type("nothing-known") == (None, None)


def test_one_thread_loads_the_content_types(monkeypatch: pytest.MonkeyPatch) -> None:
    held, load, lock = [], mimetypes.init, files._loading()

    def init() -> None:
        held.append(lock._is_owned())  # type: ignore[attr-defined]
        load()

    monkeypatch.setattr(mimetypes, "init", init)
    monkeypatch.setattr(mimetypes, "inited", False)
    files._load_content_types.cache_clear()
    for name in ("a.txt", "b.txt"):
        assert guess_file_mime_type(name) == ("text/plain", None)
    assert held == [True]


@pytest.mark.parametrize(
    ("mode", "size", "blocks", "expected"),
    [
        (stat.S_IFREG, 3, 8, True),
        (stat.S_IFREG, 0, 0, False),  # of /proc, or empty
        (stat.S_IFREG, 4096, 0, False),  # of /sys
        (stat.S_IFREG, 1 << 40, 0, True),  # sparse
        (stat.S_IFIFO, 0, 0, False),
        (stat.S_IFBLK, 0, 0, False),
    ],
)
def test_the_size_of_a_file_is_believed_where_it_can_be(
    mode: int, size: int, blocks: int, expected: bool
) -> None:
    status: Any = SimpleNamespace(st_mode=mode, st_size=size, st_blocks=blocks)
    assert has_exact_size(status) is expected


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pieces_of_any_size_are_refilled(size: int) -> None:
    data = bytes(range(40))
    for lengths in ([40], [1] * 40, [3, 0, 5, 32], [2, 2, 36], [39, 1]):
        ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
        pieces = [data[end - length : end] for length, end in zip(lengths, ends, strict=True)]
        expected = [data[at : at + size] for at in range(0, 40, size)]
        assert list(refill(iter(pieces), size)) == expected


def test_a_single_piece_is_not_copied() -> None:
    piece = b"data" * 1000
    [refilled] = refill(iter([piece]), 10_000)
    assert refilled is piece
