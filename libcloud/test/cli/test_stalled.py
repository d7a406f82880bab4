# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends a command even if the store does not respond any more."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import LONGEST_HOLD, Action, Dropped
from libcloud.test.storage.fakes.wire import Incoming

pytestmark = pytest.mark.slow


class Stall(Action):
    """No response, until the test is over."""

    def __init__(self) -> None:
        self.reached, self.release = threading.Event(), threading.Event()
        self.over = False

    def verified(self, request: Incoming) -> Incoming:
        self.reached.set()
        self.over = not self.release.wait(LONGEST_HOLD)
        raise Dropped


@pytest.mark.parametrize(
    ("size", "operation", "then", "options"),
    [
        (10, "PutObject", "HeadObject", ["-r"]),
        (12 * MIB, "UploadPart", "AbortMultipartUpload", ["-r", "--part-size", "5MiB"]),
    ],
)
def test_an_interrupt_does_not_wait_for_a_store_that_is_silent(
    shell: Shell, tmp_path: Path, size: int, operation: str, then: str, options: list[str]
) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(pattern(size))
    stalls = [Stall(), Stall()]
    for stall, name in zip(stalls, (operation, then), strict=True):
        shell.fake.faults.add(name, stall, times=None)
    put: Any = shell.start("put", *options, f"{tmp_path}/", "s3://bucket/", stdin=-1, stderr=-1)
    assert stalls[0].reached.wait(60)
    put.send_signal(signal.SIGINT)
    rest = put.stderr.read()
    assert put.wait(60) == 130
    assert not any(stall.over for stall in stalls)
    assert (b"libcloud uploads abort" in rest) == (operation == "UploadPart")
    assert b"0 objects finished" in rest and b"Traceback" not in rest
    for stall in stalls:
        stall.release.set()
    # The server does not notice that the connections of these parts are closed.
    assert all("in flight" in violation for violation in shell.fake.violations)
    shell.fake.state.violations.clear()
