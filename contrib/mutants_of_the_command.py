# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in the command line, and in what it stands on."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_CLI = "libcloud/cli"
_TESTS = "libcloud/test"

MUTANTS = (
    Mutant(
        "no-clobber replaces where the store knows no conditions",
        f"{_CLI}/put.py",
        '        raise ExistsError("there is an object of this name, and it was not replaced")',
        "        return {}",
        (f"{_TESTS}/cli/test_wishes.py",),
    ),
    Mutant(
        "a crew that has to stop goes on",
        f"{_CLI}/crew.py",
        "        if self._stop.is_set():",
        "        if False:",
        (f"{_TESTS}/cli/test_crew.py::test_what_concerns_all_stops_all",),
    ),
    Mutant(
        "a short input is stored all the same",
        f"{_CLI}/sources.py",
        "    if expect is not None and size < expect:",
        "    if False:",
        (f"{_TESTS}/cli/test_transfers.py::test_an_input_of_another_size_stores_nothing",),
    ),
    Mutant(
        "an interrupt cuts off the abort as well",
        f"{_CLI}/meter.py",
        "self._leaving[thread] > _NO_DATA",
        "self._leaving[thread] > 0",
        (f"{_TESTS}/cli/test_meter.py",),
    ),
    Mutant(
        "one level is listed by all that is below it",
        "libcloud/storage/drivers/s3_levels.py",
        ', delimiter="/")',
        ")",
        (f"{_TESTS}/cli/test_commands.py::test_one_level_is_listed",),
    ),
    Mutant(
        "a watcher hears nothing of plain sockets",
        "libcloud/http/timeouts.py",
        "        if watcher is None and can_listen(self.sock):",
        "        if can_listen(self.sock):",
        (f"{_TESTS}/test_http_watcher.py",),
    ),
)
