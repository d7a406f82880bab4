# SPDX-License-Identifier: Apache-2.0
"""The cache of an open file: which ranges it requests, for which reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from unittest import mock

import pytest

from libcloud.storage.filesystem.readahead import DEFAULT_RANGE, ReadAhead
from libcloud.storage.filesystem.reading import RequestCost
from libcloud.test.storage.s3_servers import pattern

KIB = 1024
MIB = 1024 * KIB
SIZE = 64 * KIB  # of the smallest range
DATA = pattern(MIB + 1) * 64

# Latency, and throughput in bytes a second.
REGION = (0.03, 90e6)
DEAR = (0.08, 400e6)
CHEAP = (0.002, 400e6)


@dataclass
class Reader:
    """A cache on ``DATA`` that records what it requests; what it requests ahead is there at once.

    :ivar own: ranges that the reader waited for.
    :ivar ahead: ranges that were requested in other threads.
    """

    size: int = 24 * MIB
    blocksize: int = DEFAULT_RANGE
    known: tuple[int, bytes] = (0, b"")
    network: tuple[float, float] = REGION
    now: float = 0
    own: list[tuple[int, int]] = field(default_factory=list)
    ahead: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cost = RequestCost(clock=lambda: self.now)
        self.cost.record(self.network[0])  # opening
        self.cache = ReadAhead(
            self.blocksize,
            self._fetch,
            self.size,
            submit=self._submit,
            cost=self.cost,
            known=self.known,
        )

    def _fetch(self, start: int, end: int) -> bytes:
        self.own.append((start, end))
        return self._read(start, end)

    def _submit(self, fetch: object, start: int, end: int) -> Future[bytes]:
        self.ahead.append((start, end))
        future: Future[bytes] = Future()
        future.set_result(self._read(start, end))
        return future

    def _read(self, start: int, end: int) -> bytes:
        latency, throughput = self.network

        def body() -> Iterator[bytes]:
            self.now += (end - start) / throughput
            yield DATA[start:end]

        def request() -> Iterator[bytes]:
            self.now += latency
            return body()

        return self.cost.read(request)

    def read(self, start: int, length: int) -> None:
        expected = DATA[start : min(start + length, self.size)]
        assert self.cache._fetch(start, start + length) == expected

    def read_all(self, piece: int) -> None:
        for start in range(0, self.size, piece):
            self.read(start, piece)

    @property
    def requests(self) -> list[tuple[int, int]]:
        """In the order of their bytes."""
        return sorted(self.own + self.ahead)

    @property
    def requested(self) -> int:
        """Bytes."""
        return sum(end - start for start, end in self.requests)

    @property
    def held(self) -> int:
        """Bytes that are kept, or requested."""
        return sum(block.end - block.start for block in self.cache._blocks)


COLUMNS = [(group * 1100 + column) * KIB for group in range(5) for column in (170, 630)]


@pytest.mark.parametrize(
    ("order", "waits"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3),
        ([0, 1, 3, 2, 5, 4, 7, 6, 9, 8], 4),  # 2 is before what is requested ahead of 3
        ([9, 4, 0, 7, 2, 5], 3),
    ],
)
def test_a_reader_that_jumps_within_a_small_file_gets_all_of_it(
    order: list[int], waits: int
) -> None:
    reader = Reader(size=6 * MIB)
    for number in order:
        reader.read(COLUMNS[number], 57 * KIB)
    assert len(reader.own) == waits
    assert reader.requested <= 6 * MIB + 2 * SIZE


@pytest.mark.parametrize(
    ("order", "waits"),
    [([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 1), ([0, 8, 2, 9, 1], 1), ([9], 1), ([3, 1, 0, 9], 3)],
)
def test_a_reader_of_a_small_file_with_an_index_waits_once(order: list[int], waits: int) -> None:
    size = 6 * MIB
    reader = Reader(size=size, known=(size - SIZE, DATA[size - SIZE : size]))
    reader.read(size - 8, 8)
    for number in order:
        reader.read(COLUMNS[number], 57 * KIB)
    assert len(reader.own) == waits, "unless it goes back"
    assert reader.requested <= size


def test_a_reader_of_a_large_file_with_an_index_gets_what_it_reads() -> None:
    size = 24 * MIB
    reader = Reader(known=(size - SIZE, DATA[size - SIZE : size]))
    reader.read(size - 8, 8)
    reader.read(MIB, 1000)
    assert reader.requested == SIZE


def test_a_reader_of_some_columns_of_a_large_file_has_ranges_in_flight_ahead() -> None:
    reader = Reader()
    for place in range(MIB, 22 * MIB, 600 * KIB):
        reader.read(place, 57 * KIB)
    assert len(reader.own) == 3
    assert 3 <= len(reader.ahead) <= 10
    assert reader.requested <= 24 * MIB


def test_a_reader_in_several_threads_may_go_back_a_little() -> None:
    reader = Reader()
    for place in (8, 9, 10, 7.5, 11, 12):
        reader.read(int(place * MIB), SIZE)
    assert reader.own[3:] == [(15 * MIB // 2, 10 * MIB)], "what is between is requested"


# Two columns of each of four row groups of a file of 32 MB: gaps of 2.8 and 4.4 MB.
TWO_COLUMNS = [group * 8_000_000 + column * 400_000 for group in range(4) for column in (3, 11)]


def read_columns(network: tuple[float, float], blocksize: int = DEFAULT_RANGE) -> Reader:
    size = 32_000_000
    known = (size - SIZE, DATA[size - SIZE : size])
    reader = Reader(size=size, known=known, network=network, blocksize=blocksize)
    reader.read(size - 8, 8)
    for place in TWO_COLUMNS:
        reader.read(place, 400_000)
    return reader


def test_gaps_are_read_where_requests_are_dear() -> None:
    reader = read_columns(DEAR)
    assert len(reader.own) == 3, "three jumps show a pattern"
    assert reader.own[2] == (TWO_COLUMNS[2], 32_000_000), "with what arrives in 80 ms"
    assert not reader.ahead


@pytest.mark.parametrize(
    ("network", "blocksize"), [(REGION, DEFAULT_RANGE), (CHEAP, DEFAULT_RANGE), (DEAR, MIB)]
)
def test_gaps_are_not_read_where_requests_are_cheap_or_blocks_small(
    network: tuple[float, float], blocksize: int
) -> None:
    reader = read_columns(network, blocksize)
    assert [start for start, _ in reader.own] == TWO_COLUMNS
    assert reader.requested == 8 * 400_000


def test_a_sequential_reader_makes_few_requests_where_they_are_dear() -> None:
    reader = Reader(size=64 * MIB, known=(0, DATA[:SIZE]), network=DEAR)
    reader.read_all(MIB)
    assert len(reader.requests) == 4
    assert reader.own == [(SIZE, MIB + 7_200_000)], "with what arrives in 80 ms"
    assert reader.requested == 64 * MIB - SIZE, "each byte is requested once"


def test_a_sequential_reader_has_three_ranges_ahead_where_requests_are_cheap() -> None:
    reader = Reader(size=64 * MIB, known=(0, DATA[:SIZE]), network=CHEAP)
    reader.read_all(MIB)
    assert reader.requested == 64 * MIB - SIZE
    assert max(end - start for start, end in reader.ahead) == 8 * 800_000


@pytest.mark.parametrize("network", [REGION, DEAR, CHEAP])
@pytest.mark.parametrize("blocksize", [MIB, DEFAULT_RANGE])
def test_the_memory_of_a_reader_is_bounded(network: tuple[float, float], blocksize: int) -> None:
    reader = Reader(size=64 * MIB, blocksize=blocksize, network=network)
    ahead = min(3 * blocksize, 64 * MIB)
    kept = min(4 * blocksize, 8 * MIB)
    for start in range(0, reader.size, 256 * KIB):
        reader.read(start, 256 * KIB)
        assert max(end for _, end in reader.requests) <= start + 256 * KIB + ahead
        assert reader.held <= kept + blocksize + 256 * KIB + ahead
    assert max(end - start for start, end in reader.requests) <= blocksize


@pytest.mark.parametrize("blocksize", [MIB, 8 * MIB])
def test_the_memory_of_a_reader_that_goes_backwards_is_bounded(blocksize: int) -> None:
    reader = Reader(size=64 * MIB, blocksize=blocksize)
    for start in range(reader.size - SIZE, 0, -SIZE):
        reader.read(start, SIZE)
        assert reader.held <= SIZE + 3 * blocksize + blocksize
    assert reader.requested <= reader.size + SIZE


def test_a_forked_process_does_not_wait_for_the_threads_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_parent: Future[bytes] = Future()
    of_parent.set_running_or_notify_cancel()
    monkeypatch.setattr(of_parent, "result", mock.Mock(side_effect=AssertionError))
    reader = Reader()
    monkeypatch.setattr(reader.cache, "_submit", lambda *_: of_parent)
    reader.read(0, MIB)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr(reader.cache, "_submit", reader._submit)
    for start in range(MIB, 16 * MIB, MIB):
        reader.read(start, MIB)


@pytest.mark.parametrize(
    ("network", "places"),
    [(REGION, (20, 3, 12, 5, 22, 1, 10, 19, 0, 14)), (DEAR, (60, 2, 40, 5, 55, 20, 59, 0))],
)
def test_a_reader_that_jumps_far_gets_what_it_reads(
    network: tuple[float, float], places: tuple[int, ...]
) -> None:
    reader = Reader(size=64 * MIB, network=network)
    for place in places:
        reader.read(place * MIB, 1000)
    assert not reader.ahead
    assert reader.requested == len(places) * SIZE


def test_a_reader_that_looks_around_gets_nothing_ahead() -> None:
    reader = Reader(known=(0, DATA[:SIZE]))
    for place in (0, 50, 10, 60, 30):
        reader.read(place * KIB, 100)
    assert not reader.requested


def test_a_reader_that_jumps_away_gets_nothing_more_ahead() -> None:
    reader = Reader()
    for place in (0, 1, 2, 3):
        reader.read(MIB + place * 600 * KIB, 1000)
    before = len(reader.ahead)
    reader.read(20 * MIB, 1000)
    reader.read(11 * MIB, 1000)
    assert len(reader.ahead) == before


def test_the_last_read_data_is_kept_for_backward_reads() -> None:
    reader = Reader()
    for place in range(0, 4 * MIB, 128 * KIB):
        reader.read(place, 128 * KIB)
    before = reader.requested
    for start in range(MIB, 16 * MIB, MIB):
        reader.read(start, MIB)
    assert reader.requested == before


@pytest.mark.parametrize(
    ("length", "network", "sizes"),
    [
        (20 * MIB, REGION, [6_990_507, 6_990_507, 6_990_506]),
        (5 * MIB, REGION, []),
        (60 * MIB, REGION, [-(-60 * MIB // 7)] * 6 + [60 * MIB - 6 * -(-60 * MIB // 7)]),
        (20 * MIB, DEAR, []),
    ],
)
def test_a_large_read_is_several_requests_in_parallel(
    length: int, network: tuple[float, float], sizes: list[int]
) -> None:
    reader = Reader(size=63 * MIB, network=network)
    for _ in range(3):
        reader.cost.record(network[0], length, length / network[1])
    reader.read(MIB, length)
    assert [end - start for start, end in reader.ahead] == sizes


def test_the_last_bytes_that_are_known_are_not_requested_again() -> None:
    size = 24 * MIB
    reader = Reader(known=(size - SIZE, DATA[size - SIZE : size]))
    reader.read(size - 8, 8)
    reader.read(size - SIZE, SIZE - 8)
    assert not reader.requested
    reader.read(0, 1000)
    assert reader.own == [(0, SIZE)]


@pytest.mark.parametrize("blocksize", [1, 2])
def test_a_reader_of_tiny_ranges_reads_again_after_errors(blocksize: int) -> None:
    reader = Reader(blocksize=blocksize)
    fetch = reader.cache.fetcher
    reader.cache.fetcher = mock.Mock(side_effect=OSError("broken"))
    for _ in range(3):
        with pytest.raises(OSError, match="broken"):
            reader.read(50, 1)
    reader.cache.fetcher = fetch
    reader.read(50, 1)
