# SPDX-License-Identifier: Apache-2.0
"""An interrupt at every line of the engine that the caller's thread runs.

Each scenario is run again and again; the first run is interrupted at the first line of
``libcloud/storage/transfer`` that it comes to, the second at the second, until one comes through.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from libcloud.storage.transfer.upload import machine
from libcloud.storage.transfer.values import Step
from libcloud.test.storage.transfer.upload.fake_store import Call, FakeStore, Fault, Faults
from libcloud.test.storage.transfer.upload.sending import (
    Sending,
    check_end,
    cut,
    data_of,
    upload_threads,
)

ENGINE = str(Path(machine.__file__).parent)
DATA = data_of(25)  # three parts


class Interrupter:
    """Raises ``error`` in this thread at the ``line``-th line of the engine that it runs."""

    def __init__(self, line: int, error: BaseException) -> None:
        self.left = line
        self.where = self.function = ""
        self.error = error

    def __enter__(self) -> Interrupter:
        self._before = sys.gettrace()
        sys.settrace(self._enters)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _enters(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._runs if frame.f_code.co_filename.startswith(ENGINE) else None

    def _runs(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and not _ends_a_with(frame):
            self.left -= 1
            if self.left == 0:
                self.function = frame.f_code.co_name
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise self.error
        return self._runs


def _ends_a_with(frame: FrameType) -> bool:
    """Between the end of a ``with`` block and its ``__exit__``, Python itself handles no signal."""
    name, line = frame.f_code.co_filename, frame.f_lineno
    if not linecache.getline(name, line).lstrip().startswith("with "):
        return False
    return frame.f_lasti > min(start for start, _, at in frame.f_code.co_lines() if at == line)


@dataclass(frozen=True)
class Scenario:
    """An upload that is to be interrupted.

    :param clean: a single interrupt leaves nothing at the store.
    """

    faults: Faults
    data: bytes = DATA
    fails_at: int | None = None
    keep: bool = False
    clean: bool = False

    def pieces(self) -> Iterator[bytes]:
        """The data, and the source's own failure."""
        yield from cut(self.data[: self.fails_at], 7)
        if self.fails_at is not None:
            raise ValueError("the source fails")


SCENARIOS = {
    "success": Scenario({}, clean=True),
    "one put": Scenario({}, data=data_of(5), clean=True),
    "a failing source": Scenario({}, fails_at=24),
    "a source that fails at once": Scenario({}, fails_at=0, clean=True),
    "a part refused": Scenario({Call(Step.PART, 2): [Fault.REFUSED]}, clean=True),
    "a part repeated": Scenario({Call(Step.PART, 2): [Fault.BUSY, Fault.LOST]}, clean=True),
    "a part late": Scenario({Call(Step.PART, 2): [Fault.LATE, Fault.REFUSED]}, clean=True),
    "kept": Scenario({Call(Step.PART, 3): [Fault.REFUSED]}, keep=True),
    "an abort refused": Scenario(
        {Call(Step.PART, 3): [Fault.REFUSED], Call(Step.ABORT): [Fault.REFUSED] * 9}
    ),
    "a failing source and an abort refused": Scenario(
        {Call(Step.ABORT): [Fault.REFUSED] * 9}, fails_at=24
    ),
    "an abort repeated": Scenario(
        {Call(Step.PART, 3): [Fault.REFUSED], Call(Step.ABORT): [Fault.LOST, Fault.UNHEARD]},
        clean=True,
    ),
    "a complete unheard": Scenario({Call(Step.COMPLETE): [Fault.UNHEARD]}),
    "a complete lost": Scenario({Call(Step.COMPLETE): [Fault.LOST] * 9}),
    "a create refused": Scenario({Call(Step.CREATE): [Fault.REFUSED]}, clean=True),
}


def _interrupted(scenario: Scenario, runner: str, interrupter: Interrupter) -> tuple[Any, ...]:
    store = FakeStore(scenario.faults)
    sending = Sending(store, runner, keep=scenario.keep)
    raised: BaseException | None = None
    with interrupter:
        try:
            sending.run(scenario.pieces())
        except BaseException as error:
            raised = error
    if interrupter.function in ("run", "close", "_foreign"):
        # The shutdown of the threads itself: they end when their executor is no longer referred to.
        assert sending.workers is not None
        sending.workers.close()
    assert not upload_threads(), interrupter.where
    return store, raised


def _every_line(
    scenario: Scenario, runner: str, make: Callable[[], BaseException], step: int = 1
) -> int:
    """Interrupt ``scenario`` at each line, or every ``step``-th; the number of lines."""
    line = 1
    while _holds(scenario, runner, Interrupter(line, make())):
        line += step
    return line


def _holds(scenario: Scenario, runner: str, interrupter: Interrupter) -> bool:
    """Check the end of an interrupted upload; false when it came through without the interrupt."""
    store, raised = _interrupted(scenario, runner, interrupter)
    if not interrupter.where:
        return False
    try:
        assert raised is interrupter.error, (raised, store.steps())
        check_end(store, scenario.data, raised)
        # An interrupted Complete may have been sent: then nothing is aborted any more.
        if scenario.clean and "confirm" not in store.steps():
            assert not store.left, store.steps()
    except AssertionError as failed:
        raise AssertionError(f"interrupted at {interrupter.where}: {failed}") from failed
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_interrupt_at_any_line_reports_what_is_left(name: str) -> None:
    assert _every_line(SCENARIOS[name], "inline", KeyboardInterrupt) > 100


@pytest.mark.slow
def test_an_interrupt_at_any_line_with_threads_leaves_nothing_unreported() -> None:
    assert _every_line(SCENARIOS["success"], "threads", KeyboardInterrupt) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_interrupt_at_many_lines_with_threads_leaves_nothing_unreported(name: str) -> None:
    assert _every_line(SCENARIOS[name], "threads", KeyboardInterrupt, step=7) > 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit])
def test_so_do_others_that_end_a_program(kind: type[BaseException]) -> None:
    scenario = replace(SCENARIOS["success"], data=data_of(15))
    assert _every_line(scenario, "inline", kind) > 100
