# SPDX-License-Identifier: Apache-2.0
"""What a planted bug is; see ``mutants.py``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mutant"]


@dataclass(frozen=True)
class Mutant:
    """A wrong edit.

    :param old: text that stands in the file exactly once.
    :param tests: files and tests, as pytest names them; they pass without the bug.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
