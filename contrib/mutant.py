# SPDX-License-Identifier: Apache-2.0
"""What a planted bug is; see ``mutants.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A wrong edit.

    :param old: text that stands in the file exactly once.
    :param tests: files and tests, as pytest names them; they pass without the bug.
    :param caught_by: name of the test in ``tests`` (then a single file) that fails with the bug:
        only this one is run. Without a name, all ``tests`` are run until one fails.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
    caught_by: str = ""

    @property
    def selected(self) -> tuple[str, ...]:
        """The tests to run, as pytest names them."""
        if not self.caught_by:
            return self.tests
        (file,) = self.tests
        return (f"{file}::{self.caught_by}",)
