# SPDX-License-Identifier: Apache-2.0
"""The progress of transfers and its line, measured with a fake clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.cli.meter import Meter, Transfer, TransferInterruptedError, bar_line
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings
from libcloud.cli.text import width
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.error_details import ErrorDetail
from libcloud.storage.transfer.progress import (
    PartDone,
    PartStarted,
    Retried,
    Throttled,
    UploadAborted,
    UploadCompleting,
    UploadStarted,
)
from libcloud.utils.cancellation import RateLimit


class Clock:
    """A fake clock."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def started_transfer(meter: Meter, label: str = "x") -> Transfer:
    """A transfer that stays in progress."""
    transfer = Transfer(label, meter)
    meter.transfers[transfer] = None
    return transfer


def half_way(clock: Clock, label: str = "s3://bucket/name") -> Meter:
    """4 of 8 MiB after 2 seconds."""
    meter = Meter("", 8 * MIB, clock)
    clock.now += 2
    started_transfer(meter, label).advance(4 * MIB)
    return meter


def test_the_line_shows_percentage_size_speed_and_eta(clock: Clock) -> None:
    line = bar_line(half_way(clock), 100)
    assert line.endswith(" 50%  4.0/8.0 MiB  2.0 MiB/s  ETA 0:02")
    assert line.startswith("s3://bucket/name  ██")
    assert line.count("█") == line.count("░")


@pytest.mark.parametrize("columns", range(80, 84))
def test_a_short_name_is_shown_beside_the_bar(clock: Clock, columns: int) -> None:
    assert bar_line(half_way(clock, "big"), columns).startswith("big  ██")


def test_for_an_unknown_length_the_line_shows_size_parts_and_speed(clock: Clock) -> None:
    meter = Meter("x", None, clock)
    transfer = started_transfer(meter)
    transfer.listen(UploadStarted(0, "id"))
    transfer.listen(PartStarted(0, 1, MIB))
    transfer.listen(PartStarted(0, 2, MIB))
    clock.now = 65
    transfer.listen(PartDone(MIB, 1, MIB))
    expected = "x  1.0 MiB  1:05  15.8 KiB/s  1 part  1.0 MiB in flight"
    assert bar_line(meter, 80) == expected


def test_a_part_in_flight_is_shown_differently(clock: Clock) -> None:
    meter = Meter("x", 4 * MIB, clock)
    transfer = started_transfer(meter)
    transfer.listen(PartStarted(0, 1, MIB))
    line = bar_line(meter, 70, unicode=False)
    assert "+" in line and "#" not in line
    transfer.listen(PartDone(MIB, 1, MIB))
    line = bar_line(meter, 70, unicode=False)
    assert "#" in line and "+" not in line


@given(
    columns=st.integers(1, 200),
    label=st.text(max_size=300),
    total=st.none() | st.integers(0, 2**50),
    done=st.integers(0, 2**50),
    seconds=st.floats(0, 10**6),
)
def test_the_line_never_reaches_the_last_column(
    columns: int, label: str, total: int | None, done: int, seconds: float
) -> None:
    clock = Clock()
    meter = Meter("", total, clock)
    clock.now = seconds
    started_transfer(meter, label).advance(done)
    line = bar_line(meter, columns)
    assert width(line) < max(columns, 2)
    assert line.isprintable()


def test_a_narrow_terminal_gets_fewer_fields(clock: Clock) -> None:
    meter = half_way(clock)
    assert bar_line(meter, 40).strip() == "50%  4.0/8.0 MiB  2.0 MiB/s  ETA 0:02"
    assert bar_line(meter, 30).strip() == "50%  4.0/8.0 MiB  2.0 MiB/s"
    assert bar_line(meter, 10).strip() == "50%"


def test_the_label_has_more_room_than_the_bar(clock: Clock) -> None:
    line = bar_line(half_way(clock, "17/86 photos/2026/november/picture.jpeg"), 80)
    label, bar = line.split("  ")[:2]
    assert label.startswith("17/86 ") and label.endswith(".jpeg")
    assert 8 <= len(bar) < len(label)


def test_the_speed_is_an_average_of_the_last_seconds(clock: Clock) -> None:
    meter = Meter("x", None, clock)
    transfer = started_transfer(meter)
    for _ in range(100):
        clock.now += 1
        transfer.advance(MIB)
        meter.sample()
    for _ in range(40):
        clock.now += 1
        transfer.advance(10 * MIB)
        meter.sample()
    assert meter.speed() == pytest.approx(10 * MIB)
    clock.now += 60
    assert meter.speed() < MIB


def test_without_progress_there_is_no_eta(clock: Clock) -> None:
    meter = Meter("x", MIB, clock)
    assert meter.seconds_left() is None
    assert bar_line(meter, 80).endswith("ETA -:--")


def test_an_object_that_failed_does_not_count(clock: Clock) -> None:
    meter = Meter("", None, clock)
    with pytest.raises(KeyError), meter.transfer("one") as transfer:
        transfer.advance(5)
        raise KeyError
    with meter.transfer("two") as transfer:
        transfer.advance(3)
    assert (meter.bytes_done, meter.bytes_sent) == (3, 3)


def test_parallel_transfers_add_up(clock: Clock) -> None:
    meter = Meter("", 10 * MIB, clock)
    with meter.transfer("1/9 one") as one, meter.transfer("2/9 two") as two:
        one.advance(MIB)
        two.advance(2 * MIB)
        assert (meter.bytes_done, meter.title) == (3 * MIB, "1/9 one +1")
        two.listen(PartStarted(2 * MIB, 1, 4 * MIB))
        assert meter.in_flight == 4 * MIB
    assert meter.bytes_done == 3 * MIB


def test_sent_bytes_count_before_they_are_confirmed(clock: Clock) -> None:
    meter = Meter("x", 8 * MIB, clock)
    transfer = started_transfer(meter)
    transfer.listen(PartStarted(0, 1, 4 * MIB))
    meter.settled()
    meter.sending(MIB)
    clock.now = 2
    assert bar_line(meter, 80).endswith(" 12%  1.0/8.0 MiB  512.0 KiB/s  ETA 0:14")
    # A second attempt does not count twice, and takes nothing back.
    meter.settled()
    meter.sending(MIB // 2)
    assert meter.bytes_sent == MIB
    meter.sending(9 * MIB)  # headers and all
    assert meter.bytes_sent == 4 * MIB
    meter.settled()
    transfer.listen(PartDone(4 * MIB, 1, 4 * MIB))
    assert (meter.bytes_sent, meter.bytes_done) == (4 * MIB, 4 * MIB)


def test_an_interrupt_fails_only_requests_with_data(clock: Clock) -> None:
    meter = Meter("x", None, clock)
    meter.settled()
    meter.sending(MIB)
    meter.interrupt()
    with pytest.raises(TransferInterruptedError):
        meter.sending(MIB)
    meter.settled()
    meter.sending(1000)  # a request that aborts an upload


def test_the_summary_has_parts_and_retries(clock: Clock) -> None:
    meter = Meter("x", None, clock)
    transfer = started_transfer(meter)
    for number in (1, 2):
        transfer.listen(PartStarted(0, number, MIB))
        transfer.listen(PartDone(number * MIB, number, MIB))
    transfer.listen(Retried(2 * MIB, "part", 2, 2, 0.1, OSError()))
    clock.now = 2
    assert meter.summary() == "2.0 MiB in 2 parts, 2.0 s, 1.0 MiB/s, 1 request retried"


def test_an_upload_that_was_not_cleaned_up_is_recorded(clock: Clock) -> None:
    meter = Meter("x", None, clock)
    event = UploadAborted(0, "id", cleaned=False)
    transfer = started_transfer(meter)
    transfer.listen(event)
    assert transfer.aborted is event


def test_a_retry_is_shown_until_the_next_attempt(clock: Clock) -> None:
    meter = half_way(clock, "x")
    meter.retrying(ConnectionRefusedError(111, "Connection refused"), 2)
    assert bar_line(meter, 120).startswith("x: retrying in 2 s: ")
    assert "Connection refused" in bar_line(meter, 120)
    clock.now += 2
    assert bar_line(meter, 120).startswith("x  ")


def test_a_retry_because_of_throttling_is_shown(clock: Clock) -> None:
    meter = half_way(clock, "x" * 100)
    [transfer] = meter.transfers
    error = LibcloudError("Error uploading bucket/x: Status code: 503")
    error.detail = ErrorDetail(503, "SlowDown")  # type: ignore[attr-defined]  # as the client does
    transfer.listen(Retried(4 * MIB, "part", 1, 2, 1.0, error, throttled=True))
    transfer.listen(Throttled(4 * MIB, 1))
    assert "xxx: retrying in 1 s: 503 SlowDown  " in bar_line(meter, 80)


def test_a_retry_of_a_part_is_shown_until_the_next_event(clock: Clock) -> None:
    meter = half_way(clock, "x")
    [transfer] = meter.transfers
    transfer.listen(Retried(4 * MIB, "part", 1, 2, 0.1, OSError("broken")))
    assert bar_line(meter, 120).startswith("x: retrying: broken  ")
    transfer.listen(PartDone(8 * MIB, 1, 4 * MIB))
    assert bar_line(meter, 120).startswith("x  ")
    transfer.listen(UploadCompleting(8 * MIB))
    assert bar_line(meter, 120).startswith("x: finishing  ")


def test_transfers_wait_for_the_rate_limit(clock: Clock) -> None:
    waits: list[float] = []
    limit = RateLimit(MIB, clock=clock, sleep=waits.append)
    meter = Meter("x", None, clock, rate_limit=limit)
    meter.sending(MIB)
    assert waits == []
    meter.limit_rate(2 * MIB)
    meter.sending(MIB)
    assert waits == [1.0, 3.0]
    clock.now += 100
    meter.sending(MIB)
    assert waits == [1.0, 3.0]


def test_bytes_that_wait_for_the_rate_limit_are_not_sent_yet(clock: Clock) -> None:
    sent: list[int] = []
    limit = RateLimit(MIB, clock=clock, sleep=lambda _: sent.append(meter.bytes_sent))
    meter = Meter("x", None, clock, rate_limit=limit)
    started_transfer(meter).listen(PartStarted(0, 1, 4 * MIB))
    meter.sending(MIB)
    meter.sending(MIB)
    assert (sent, meter.bytes_sent) == ([MIB], 2 * MIB)


def test_json_lines_of_several_threads_have_the_order_of_their_counts() -> None:
    progress = Progress("", None, Settings(json_progress=True))
    locked = []

    def is_locked() -> bool:
        if not progress._lock().acquire(blocking=False):
            return True
        progress._lock().release()
        return False

    class Watched(Meter):
        @property
        def bytes_done(self) -> int:
            with ThreadPoolExecutor(1) as other:
                locked.append(other.submit(is_locked).result())
            return 0

    progress.meter = Watched()
    progress.finish("x")
    assert locked == [True]
