# SPDX-License-Identifier: Apache-2.0
"""Waiting for input reacts to signals in any thread and at any time."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from libcloud.cli.signals import Interrupted, handle_signals, wait_for_input
from libcloud.test.cli.running import Shell


@contextmanager
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reading, writing = os.pipe()
    with open(reading, "rb") as output, open(writing, "wb", buffering=0) as entry:
        yield output, entry


def test_a_signal_in_another_thread_ends_the_wait() -> None:
    """It interrupts no system call of the main thread, which would otherwise wait forever."""
    with pipe() as (silent, _), handle_signals():
        thread = threading.Thread(target=signal.raise_signal, args=(signal.SIGTERM,))
        with pytest.raises(Interrupted) as caught:
            thread.start()
            wait_for_input(silent)
        thread.join()
    assert caught.value.status == 143


def test_a_signal_with_a_handler_of_its_own_does_not_end_the_wait() -> None:
    def come_and_write() -> None:
        signal.raise_signal(signal.SIGUSR1)
        entry.write(b"data")

    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))
    try:
        with pipe() as (output, entry), handle_signals():
            thread = threading.Thread(target=come_and_write)
            thread.start()
            wait_for_input(output)
            assert output.read(4) == b"data"
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert came == [signal.SIGUSR1]


def test_the_end_of_the_input_ends_the_wait() -> None:
    with pipe() as (output, entry), handle_signals():
        entry.close()
        wait_for_input(output)
        assert output.read(4) == b""


def test_a_stream_without_a_descriptor_is_not_polled() -> None:
    with handle_signals():
        wait_for_input(io.BytesIO(b"data"))


def test_without_signal_handling_there_is_no_wait() -> None:
    with pipe() as (silent, _):
        wait_for_input(silent)


@pytest.mark.parametrize(("sent", "text"), [(False, "nothing was stored"), (True, "libcloud stat")])
def test_an_interrupted_request_is_unknown_to_the_store_until_it_is_sent(
    shell: Shell, sent: bool, text: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    where = (
        "libcloud.http.fast_path._until_head_ends"
        if sent
        else "libcloud.http.connections._create_connection"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, interrupt)
        result = shell("put", "-", "s3://bucket/x", stdin=b"x")
    assert result.status == 130
    assert text in result.err


def test_an_interrupt_while_the_command_is_loaded_shows_no_traceback() -> None:
    program = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "libcloud.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
signal.signal(signal.SIGINT, signal.default_int_handler)
from libcloud.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
