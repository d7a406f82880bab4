# SPDX-License-Identifier: Apache-2.0
"""Cancelled work: its requests end even if the server does not respond, and it is undone first."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from libcloud.http import LibcloudConnection, is_transient
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.utils.cancellation import (
    Cancellation,
    CancelledError,
    current,
    joined,
    raise_if_abandoned,
    raise_if_cancelled,
    shielded,
)

PATIENCE = 30


class Wait:
    """Counts how often it is interrupted."""

    def __init__(self) -> None:
        self.interrupted = 0

    def interrupt(self) -> None:
        self.interrupted += 1


def started(cancellation: Cancellation | None) -> Wait:
    assert cancellation is not None
    wait = Wait()
    cancellation.start_wait(wait)
    return wait


def test_requests_in_flight_may_end_after_a_cancel_and_not_after_an_interrupt() -> None:
    cancellation = Cancellation()
    wait = started(cancellation)
    cancellation.cancel()
    assert (cancellation.cancelled, wait.interrupted) == (True, 0)
    cancellation.interrupt()
    assert wait.interrupted == 1
    assert not cancellation.end_wait(wait)


def test_a_wait_that_has_ended_is_not_interrupted() -> None:
    cancellation = Cancellation()
    wait = started(cancellation)
    assert cancellation.end_wait(wait)
    cancellation.abandon()
    assert wait.interrupted == 0


def test_what_is_undone_is_interrupted_only_when_it_is_abandoned() -> None:
    cancellation = Cancellation()
    with cancellation.active(), shielded():
        wait, inner = started(current()), Cancellation()
        below = started(inner)
        cancellation.interrupt()
        raise_if_cancelled()
        assert (wait.interrupted, below.interrupted, inner.cancelled) == (0, 0, False)
        cancellation.abandon()
        assert (wait.interrupted, below.interrupted, inner.cancelled) == (1, 1, True)
        with pytest.raises(CancelledError):
            raise_if_abandoned()
        assert started(current()).interrupted == 1


def test_a_forked_process_does_not_interrupt_its_parent() -> None:
    reading, writing = os.pipe()

    class Shared:
        def interrupt(self) -> None:
            os.write(writing, b"interrupted")

    cancellation, wait = Cancellation(), Shared()
    cancellation.start_wait(wait)
    child = os.fork()
    if not child:
        cancellation.abandon()
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
    os.close(writing)
    with open(reading, "rb") as file:
        assert file.read() == b""
    assert cancellation.end_wait(wait)


def test_an_interrupt_reaches_the_work_that_was_started_within() -> None:
    outer = Cancellation()
    with outer.active():
        inner = Cancellation()
    wait = started(inner)
    outer.interrupt()
    assert (wait.interrupted, inner.cancelled) == (1, True)


def test_a_cancel_passes_one_that_nobody_holds_any_more() -> None:
    outer = Cancellation()
    with outer.active(), Cancellation().active():
        inner = Cancellation()
    gc.collect()
    outer.cancel()
    assert inner.cancelled


def test_an_inner_one_neither_affects_nor_outlives_the_outer_one() -> None:
    outer = Cancellation()
    with outer.active():
        inner = Cancellation()
    inner.abandon()
    assert not outer.cancelled
    del inner
    gc.collect()
    assert not outer._inner


def test_responses_are_counted_by_the_outermost_one() -> None:
    outer = Cancellation()
    with outer.active():
        inner = Cancellation()
    inner.end_wait(started(inner))
    interrupted = started(inner)
    inner.interrupt()
    inner.end_wait(interrupted)
    assert outer.ended_waits == 1


def test_a_request_without_a_response_ends_when_it_is_interrupted() -> None:
    arrived, release = threading.Event(), threading.Event()

    def answer(request: Received) -> bytes | None:
        if request.target == "/answered":
            return reply()
        arrived.set()
        assert release.wait(PATIENCE)
        return None

    def send() -> None:
        with joined(cancellation):
            for target in ("/answered", "/silent"):
                try:
                    connection.request("GET", target)
                except Exception as error:
                    errors.append(error)

    cancellation, errors = Cancellation(), list[Exception]()
    with Loopback(answer) as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        thread = threading.Thread(target=send)
        thread.start()
        assert arrived.wait(PATIENCE)
        cancellation.interrupt()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        release.set()
    assert [is_transient(error) for error in errors] == [True]
    assert not cancellation._waits()


@pytest.mark.usefixtures("http_path")
def test_a_connection_that_is_idle_or_used_by_others_is_not_interrupted() -> None:
    first, second = Cancellation(), Cancellation()
    with Loopback() as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        for cancellation in (first, second):
            with cancellation.active():
                connection.request("GET", "/")
            assert not cancellation._waits()
            first.interrupt()
        connection.request("GET", "/")
    assert server.connections == 1


def test_abandoned_work_opens_no_connection() -> None:
    cancellation = Cancellation()
    cancellation.abandon()
    with Loopback() as server, cancellation.active(), pytest.raises(CancelledError):
        LibcloudConnection("127.0.0.1", server.port).request("GET", "/")
    assert server.connections == 0
