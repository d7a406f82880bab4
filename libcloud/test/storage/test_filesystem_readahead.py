# SPDX-License-Identifier: Apache-2.0
"""The cache of an open file: which ranges it requests, for which reader."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from unittest import mock

import pytest

from libcloud.storage.filesystem.readahead import ReadAhead
from libcloud.test.storage.s3_servers import pattern

KIB = 1024
MIB = 1024 * KIB
DATA = pattern(MIB) * 24
SIZE = 64 * KIB  # of the smallest range


@dataclass
class Reader:
    """A cache on ``DATA`` that records what it requests; what it requests ahead is there at once.

    :ivar own: ranges that the reader waited for.
    :ivar ahead: ranges that were requested in other threads.
    """

    size: int = len(DATA)
    blocksize: int = 16 * MIB
    known: tuple[int, bytes] = (0, b"")
    own: list[tuple[int, int]] = field(default_factory=list)
    ahead: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = ReadAhead(
            self.blocksize, self._fetch, self.size, submit=self._submit, known=self.known
        )

    def _fetch(self, start: int, end: int) -> bytes:
        self.own.append((start, end))
        return DATA[start:end]

    def _submit(self, fetch: object, start: int, end: int) -> Future[bytes]:
        self.ahead.append((start, end))
        future: Future[bytes] = Future()
        future.set_result(DATA[start:end])
        return future

    def read(self, start: int, length: int) -> None:
        expected = DATA[start : min(start + length, self.size)]
        assert self.cache._fetch(start, start + length) == expected

    @property
    def requested(self) -> int:
        """Bytes."""
        return sum(end - start for start, end in self.own + self.ahead)


COLUMNS = [(group * 1100 + column) * KIB for group in range(5) for column in (170, 630)]


@pytest.mark.parametrize(
    "order", [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 3, 2, 5, 4, 7, 6, 9, 8], [9, 4, 0, 7, 2, 5]]
)
def test_a_reader_that_jumps_within_a_small_file_gets_all_of_it(order: list[int]) -> None:
    reader = Reader(size=6 * MIB)
    for number in order:
        reader.read(COLUMNS[number], 57 * KIB)
    assert len(reader.own) == 3, "the reader waits three times"
    assert reader.requested <= 6 * MIB + 2 * SIZE


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 1, 0, 9], [9]])
def test_a_reader_of_a_small_file_with_an_index_waits_once(order: list[int]) -> None:
    size = 6 * MIB
    reader = Reader(size=size, known=(size - SIZE, DATA[size - SIZE : size]))
    reader.read(size - 8, 8)
    for number in order:
        reader.read(COLUMNS[number], 57 * KIB)
    assert len(reader.own) == 1
    assert reader.requested <= size


def test_a_reader_of_a_large_file_with_an_index_gets_what_it_reads() -> None:
    reader = Reader(known=(len(DATA) - SIZE, DATA[-SIZE:]))
    reader.read(len(DATA) - 8, 8)
    reader.read(MIB, 1000)
    assert reader.requested == SIZE


def test_a_reader_of_some_columns_of_a_large_file_has_ranges_in_flight_ahead() -> None:
    reader = Reader()
    for place in range(MIB, 22 * MIB, 600 * KIB):
        reader.read(place, 57 * KIB)
    assert len(reader.own) == 3
    assert len(reader.ahead) <= 10
    assert all(end - start <= 8 * MIB // 3 for start, end in reader.ahead)


def test_a_reader_in_several_threads_may_go_back_a_little() -> None:
    reader = Reader()
    for place in (8, 9, 10, 7.5, 11, 12):
        reader.read(int(place * MIB), SIZE)
    assert reader.own[3:] == [(15 * MIB // 2, 8 * MIB)], "what is between is requested"


def test_a_reader_that_jumps_far_gets_what_it_reads() -> None:
    reader = Reader()
    for place in (20, 3, 12, 5, 22, 1, 10, 19, 0, 14):
        reader.read(place * MIB, 1000)
    assert not reader.ahead
    assert reader.requested == 10 * SIZE


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
    reader.read(MIB, MIB)
    assert reader.requested == before


def test_a_large_read_is_several_requests_in_parallel() -> None:
    reader = Reader()
    reader.read(MIB, 20 * MIB)
    assert [end - start for start, end in reader.ahead] == [8 * MIB, 8 * MIB, 4 * MIB]


def test_the_last_bytes_that_are_known_are_not_requested_again() -> None:
    reader = Reader(known=(len(DATA) - SIZE, DATA[-SIZE:]))
    reader.read(len(DATA) - 8, 8)
    reader.read(len(DATA) - SIZE, SIZE - 8)
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
