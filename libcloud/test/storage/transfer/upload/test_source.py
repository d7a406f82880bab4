# SPDX-License-Identifier: Apache-2.0
"""Sources: which there are, how they are cut into parts, and what cutting costs."""

from __future__ import annotations

import array
import ctypes
import io
import mmap
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.transfer.upload import source as source_module
from libcloud.storage.transfer.upload.source import PartSource
from libcloud.storage.transfer.values import SourcePart
from libcloud.storage.types import InvalidSourceError
from libcloud.utils import files

KIB = 1024
MIB = 1024 * KIB
DATA = bytes(range(10))


class OnlyNext:
    """An iterator without ``__iter__``."""

    def __init__(self, pieces: Iterable[object]) -> None:
        self._pieces = iter(pieces)

    def __next__(self) -> object:
        return next(self._pieces)


class OldNext:
    """An iterator as Python 2 knew it."""

    def __init__(self, pieces: Iterable[object]) -> None:
        self._pieces = iter(pieces)

    def next(self) -> object:
        return next(self._pieces)


class OnlyRead:
    """Nothing but ``read(size)``; each call gives the next of ``pieces``, whatever was asked."""

    def __init__(self, pieces: Iterable[object]) -> None:
        self._pieces = iter(pieces)
        self.asked: list[int] = []

    def read(self, size: int) -> object:
        self.asked.append(size)
        return next(self._pieces, b"")


def parts_of(source: object, size: int) -> list[SourcePart[Any]]:
    """All parts of ``source``, each of ``size`` bytes."""
    cutter = PartSource(source)
    parts = [cutter.next_part(size)]
    while not parts[-1].last:
        parts.append(cutter.next_part(size))
    return parts


def bodies_of(source: object, size: int) -> list[bytes]:
    return [bytes(part.body) for part in parts_of(source, size)]


def _mapped(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, len(data))
    mapped.write(data)
    mapped.seek(0)
    return mapped


def _generator(pieces: Iterable[object]) -> Iterator[object]:
    yield from pieces


SOURCES: dict[str, Callable[[], object]] = {
    "bytes": lambda: DATA,
    "bytearray": lambda: bytearray(DATA),
    "memoryview": lambda: memoryview(DATA),
    "memoryview of two dimensions": lambda: memoryview(DATA).cast("B", (5, 2)),
    "memoryview with steps": lambda: memoryview(bytes(x // 2 for x in range(20)))[::2],
    "memoryview of words": lambda: memoryview(DATA).cast("H"),
    "array": lambda: array.array("B", DATA),
    "array of words": lambda: array.array("H", DATA),
    "ctypes": lambda: (ctypes.c_uint16 * 5).from_buffer_copy(DATA),
    "mmap": lambda: _mapped(DATA),
    "generator": lambda: _generator([DATA[:3], DATA[3:]]),
    "list": lambda: [DATA[:3], DATA[3:]],
    "tuple of buffers": lambda: (bytearray(DATA[:3]), memoryview(DATA[3:5]), DATA[5:]),
    "arrays": lambda: [array.array("H", DATA[:4]), memoryview(DATA[4:]).cast("B", (3, 2))],
    "iterator of a list": lambda: iter([DATA]),
    "iterator of bytes": lambda: iter(DATA),
    "only __next__": lambda: OnlyNext([DATA[:9], DATA[9:]]),
    "only next": lambda: OldNext([DATA[:9], DATA[9:]]),
    "only read": lambda: OnlyRead([DATA]),
    "short reads": lambda: OnlyRead(DATA[i : i + 1] for i in range(10)),
    "file": lambda: io.BytesIO(DATA),
    "text file": lambda: io.StringIO(DATA.decode()),
    "text": lambda: iter([DATA.decode()]),
    "empty pieces": lambda: iter([b"", DATA[:4], b"", "", bytearray(), DATA[4:], b""]),
}


@pytest.mark.parametrize("size", [1, 3, 5, 10, 11])
@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_source_is_cut_into_the_same_parts(kind: str, size: int) -> None:
    assert bodies_of(SOURCES[kind](), size) == [DATA[i : i + size] for i in range(0, 10, size)]


@pytest.mark.parametrize(
    "empty",
    [
        b"",
        bytearray(),
        [],
        iter(()),
        iter([b"", ""]),
        io.BytesIO(),
        OnlyNext([]),
        OnlyRead([]),
        array.array("H"),
        [array.array("H"), memoryview(b"").cast("H")],
    ],
    ids=lambda empty: type(empty).__name__,
)
def test_a_source_without_data_is_one_empty_last_part(empty: object) -> None:
    assert bodies_of(empty, 4) == [b""]


def test_text_is_encoded_as_utf_8() -> None:
    assert bodies_of(io.StringIO("añ" * 3), 4) == [
        "añ".encode() + b"a",
        "ñañ".encode()[:4],
        b"\xb1",
    ]


def test_a_file_is_read_from_its_position() -> None:
    file = io.BytesIO(DATA)
    file.seek(4)
    assert bodies_of(file, 4) == [DATA[4:8], DATA[8:]]


def test_read_may_return_more_than_requested() -> None:
    source = OnlyRead([bytes(3 * MIB), b"end"])
    assert [len(body) for body in bodies_of(source, 2 * MIB)] == [2 * MIB, MIB + 3]
    assert max(source.asked) <= MIB


def test_after_an_empty_read_nothing_more_is_read() -> None:
    source = OnlyRead([DATA, b"", b"not this"])
    assert bodies_of(source, 4) == [DATA[:4], DATA[4:8], DATA[8:]]


def test_a_read_without_data_yet_is_an_error_and_not_the_end() -> None:
    with pytest.raises(InvalidSourceError, match="non-blocking"):
        parts_of(OnlyRead([DATA, None, DATA]), 4)


# A source is taken no further than it must be.


@pytest.mark.parametrize(("size", "count"), [(1, 10), (2, 5), (5, 2), (10, 1), (3, 4), (11, 1)])
@pytest.mark.parametrize("piece", [1, 2, 5, 10])
def test_the_last_part_is_marked_as_last(size: int, count: int, piece: int) -> None:
    pieces = (DATA[i : i + piece] for i in range(0, 10, piece))
    assert [part.last for part in parts_of(pieces, size)] == [False] * (count - 1) + [True]


def test_one_piece_is_taken_beyond_a_full_part() -> None:
    taken = []

    def pieces() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield b"ab"

    source = PartSource(pieces())
    assert not source.next_part(4).last
    assert taken == [0, 1, 2]


def test_nothing_is_taken_from_a_source_before_its_first_part() -> None:
    file = OnlyRead([DATA])
    PartSource(file)
    assert file.asked == []


def test_a_huge_piece_goes_over_several_parts() -> None:
    data = bytes(range(256)) * 40
    assert bodies_of(iter([b"x", data]), 1000) == [
        (b"x" + data)[i : i + 1000] for i in range(0, len(data) + 1, 1000)
    ]


def test_parts_may_grow() -> None:
    source = PartSource(iter([DATA, DATA]))
    assert [bytes(source.next_part(size).body) for size in (1, 4, 7, 10)] == [
        DATA[:1],
        DATA[1:5],
        DATA[5:] + DATA[:2],
        DATA[2:],
    ]


# What is no source, and what is no piece.


async def _asynchronous() -> AsyncIterator[bytes]:
    yield b""


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a text", "str"),
        ({"a": b""}, "dict"),
        ({b"a"}, "set"),
        (frozenset({b"a"}), "frozenset"),
        (None, "NoneType"),
        (3, "int"),
        (object(), "object"),
        (_asynchronous(), "async_generator"),
    ],
)
def test_an_invalid_source_is_refused_by_its_type(source: object, name: str) -> None:
    with pytest.raises(InvalidSourceError, match=rf"not a source of bytes: {name}\b"):
        PartSource(source)


def test_the_error_suggests_what_to_do() -> None:
    with pytest.raises(InvalidSourceError, match="upload_object"):
        PartSource("/etc/hosts")
    with pytest.raises(InvalidSourceError, match="asynchronous"):
        PartSource(_asynchronous())


@pytest.mark.parametrize(
    ("piece", "name"),
    [
        (None, "NoneType"),
        (1.5, "float"),
        (256, "int"),
        (-1, "int"),
        (True, "bool"),
        ([b"x"], "list"),
        ({}, "dict"),
    ],
)
@pytest.mark.parametrize("size", [2, 4, 5, 6])
def test_a_piece_that_is_no_data_is_an_error_wherever_it_comes(
    piece: object, name: str, size: int
) -> None:
    with pytest.raises(InvalidSourceError, match=rf"a piece of the stream is {name}\b"):
        parts_of(iter([b"abcd", piece, b"efgh"]), size)


def test_read_may_not_give_numbers() -> None:
    with pytest.raises(InvalidSourceError, match="int"):
        parts_of(OnlyRead([b"abc", 300]), 4)


@pytest.mark.parametrize("kind", [iter, OnlyNext, OldNext])
def test_an_error_of_the_source_comes_through_unchanged(kind: Callable[[Any], Any]) -> None:
    error = ValueError("the database went away")

    def pieces() -> Iterator[bytes]:
        yield DATA
        raise error

    source = PartSource(kind(pieces()))
    assert bytes(source.next_part(4).body) == DATA[:4]
    with pytest.raises(ValueError) as caught:
        source.next_part(100)
    assert caught.value is error


# Producers with one buffer for all their pieces.


def _reusing(sizes: Iterable[int]) -> Iterator[bytearray]:
    """One buffer, resized and overwritten between pieces; piece ``n`` consists of byte ``n``."""
    buffer = bytearray()
    for number, size in enumerate(sizes):
        buffer[:] = bytes([number]) * size
        yield buffer
        buffer[:] = b"\xff" * (size + 1)


@pytest.mark.parametrize("part", [1, 2, 3, 7, 100])
def test_a_producer_may_resize_and_reuse_its_buffer(part: int) -> None:
    sizes = [3, 1, 0, 5, 0, 0, 7, 2, 12]
    expected = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    assert b"".join(bodies_of(_reusing(sizes), part)) == expected


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 12))
def test_a_reused_buffer_is_never_seen_twice(sizes: list[int], part: int) -> None:
    expected = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    assert b"".join(bodies_of(_reusing(sizes), part)) == expected


def test_a_file_may_give_its_own_buffer() -> None:
    buffer = bytearray(b"abc")

    class File:
        def read(self, size: int) -> bytearray:
            if buffer == b"abc":
                buffer.extend(b"d")
            else:
                buffer.clear()
            return buffer

    assert bodies_of(File(), 3) == [b"abc", b"d"]


def test_a_part_is_not_changed_by_those_after_it() -> None:
    parts = parts_of(_reusing([4, 4, 4]), 4)
    assert [bytes(part.body) for part in parts] == [b"\0" * 4, b"\1" * 4, b"\2" * 4]


# Any pieces, any sizes.

_PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.binary(max_size=40).map(bytearray),
        st.binary(max_size=40).map(lambda data: memoryview(data)),
        st.text(max_size=10),
        st.integers(0, 255),
    ),
    max_size=20,
)


def _bytes_of(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    return bytes([piece]) if isinstance(piece, int) else bytes(piece)


@given(_PIECES, st.integers(1, 60))
def test_parts_together_are_the_pieces_together(pieces: list[object], size: int) -> None:
    parts = parts_of(iter(pieces), size)
    assert b"".join(bytes(part.body) for part in parts) == b"".join(map(_bytes_of, pieces))
    assert all(len(part.body) == size for part in parts[:-1])
    assert len(parts) == 1 or parts[-1].body


# What it costs, counted and not timed.


class Counting:
    """A producer of one-byte pieces that counts them."""

    def __init__(self, total: int) -> None:
        self.taken = 0
        self._total = total

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._total):
            self.taken += 1
            yield b"x"


def test_pieces_are_taken_as_they_are_needed_and_once() -> None:
    pieces = Counting(1000)
    source = PartSource(pieces)
    for number in range(1, 10):
        assert len(source.next_part(100).body) == 100
        assert pieces.taken == 100 * number + 1


def _peak_of(work: Callable[[], object]) -> int:
    """Bytes allocated at once, at most, by ``work``."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_cutting_allocates_the_part_and_no_second_copy_of_the_piece(
    kind: Callable[[bytes], object],
) -> None:
    piece = kind(bytes(4 * MIB))
    source = PartSource(iter([piece]))
    assert _peak_of(lambda: source.next_part(4 * MIB)) < 8 * MIB


def test_small_pieces_allocate_no_more_than_large_ones() -> None:
    source = PartSource(iter([bytes(100)] * (2 * MIB // 100)))
    assert _peak_of(lambda: source.next_part(MIB)) < MIB + 256 * KIB


def test_the_rest_of_a_huge_piece_is_not_copied_with_each_part() -> None:
    source = PartSource(iter([bytes(MIB)]))
    allocated = sum(_peak_of(lambda: source.next_part(KIB)) for _ in range(MIB // KIB))
    assert allocated < 4 * MIB


@pytest.mark.parametrize(
    "make", [OnlyNext, OldNext, OnlyRead, iter], ids=lambda make: make.__name__
)
def test_a_piece_is_let_go_before_the_next_one_is_made(make: Callable[..., object]) -> None:
    source = PartSource(make(bytes(MIB) for _ in range(8)))

    def take_all() -> None:
        while not source.next_part(KIB).last:
            pass

    assert _peak_of(take_all) < 2 * MIB  # two pieces


@pytest.mark.parametrize(
    ("piece", "most"), [(1, 2.0), (7, 2.0), (100, 1.0), (8 * KIB, 1.0), (64 * KIB, 0.0)]
)
def test_the_bytes_that_are_copied_grow_with_the_stream_and_no_faster(
    monkeypatch: pytest.MonkeyPatch, piece: int, most: float
) -> None:
    copied = 0

    def joined(pieces: list[bytes]) -> bytes:
        nonlocal copied
        copied += sum(map(len, pieces)) if len(pieces) > 1 else 0
        return b"".join(pieces)

    monkeypatch.setattr(source_module, "_joined", joined)
    amounts = []
    for factor in (1, 4, 16):
        copied, size = 0, factor * 64 * KIB
        source = PartSource(bytes(piece) for _ in range(size // piece))
        while not source.next_part(MIB // 2).last:
            pass
        assert copied <= most * size
        amounts.append(copied / size)
    assert max(amounts) <= 1.1 * min(amounts)


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_many_tiny_pieces_keep_their_order_and_none_is_lost(piece: int) -> None:
    data = bytes(range(251)) * 120
    source = PartSource(data[at : at + piece] for at in range(0, len(data), piece))
    parts: list[SourcePart[Any]] = []
    while not parts or not parts[-1].last:
        parts.append(source.next_part(20_000))
    assert b"".join(bytes(part.body) for part in parts) == data


def test_empty_pieces_count_in_a_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their number: a decoder gives many of them before each of its blocks."""
    monkeypatch.setattr(files, "MAX_EMPTY_PIECES", 10_000)
    nothing: list[object] = [b""] * 9_000
    pieces = [*nothing, b"a", *nothing, b"b", *nothing, b"c", *nothing]

    assert bodies_of(iter(pieces), 10) == [b"abc"]
    assert bodies_of(iter(["", b"", b"d"] * 8_000), 10_000) == [b"d" * 8_000]
