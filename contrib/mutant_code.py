# SPDX-License-Identifier: Apache-2.0
"""Exchanges the code of functions in modules that are imported already; see ``mutant_runs.py``."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

#: What the code of a function has, unlike that of a module or a class: CO_OPTIMIZED, CO_NEWLOCALS.
FUNCTION = 3
#: Functions to the compiler, but they run where they stand: with the import, if that is a module.
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}

Place = tuple[str, str, int]


class Functions:
    """All functions that were defined below a folder until now, by file, name and line."""

    def __init__(self, folder: Path) -> None:
        self._found: dict[Place, list[FunctionType]] = {}
        self._files: set[str] = set()
        # What is frozen is not listed.
        gc.unfreeze()
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(str(folder)):
                self._files.add(each.__code__.co_filename)
                self._found.setdefault(_place(each.__code__), []).append(each)
        gc.freeze()

    def exchange(self, path: Path, old: str, new: str) -> bool:
        """Give the functions of the module at ``path`` the code that they have in the text ``new``.

        :returns: whether the module then is as if it had been imported from ``new``. Otherwise,
            more differs than what functions do when they are called.
        """
        if str(path) not in self._files:
            return True  # not imported yet
        before, after = (compile(text, str(path), "exec", dont_inherit=True) for text in (old, new))
        if not _runs_alike(before, after):
            return False
        for code, other in _pairs(before, after):
            for function in self._found.get(_place(code), ()):
                if code.co_freevars != other.co_freevars:
                    return False
                if function.__code__ == code:  # two lambdas may be in one line
                    function.__code__ = other
        return True


def _place(code: CodeType) -> Place:
    return code.co_filename, code.co_name, code.co_firstlineno


def _is_function(code: CodeType) -> bool:
    return code.co_flags & FUNCTION == FUNCTION and code.co_name not in COMPREHENSIONS


def _runs_alike(before: CodeType, after: CodeType) -> bool:
    """Whether two modules, or two classes, differ at most within their functions."""
    if (before.co_code, before.co_names, before.co_varnames, before.co_freevars) != (
        after.co_code,
        after.co_names,
        after.co_varnames,
        after.co_freevars,
    ) or len(before.co_consts) != len(after.co_consts):
        return False
    for one, other in zip(before.co_consts, after.co_consts, strict=True):
        if not (isinstance(one, CodeType) and isinstance(other, CodeType)):
            if repr(one) != repr(other):
                return False
        elif one.co_name != other.co_name:
            return False
        elif _is_function(one):
            if one.co_freevars != other.co_freevars:
                return False
        elif not _runs_alike(one, other):
            return False
    return True


def _pairs(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The code of all functions, with what takes its place.

    Functions within a function that is different are made when that one is called.
    """
    inner = [
        [each for each in code.co_consts if isinstance(each, CodeType)] for code in (before, after)
    ]
    if [code.co_name for code in inner[0]] != [code.co_name for code in inner[1]]:
        return
    for one, other in zip(*inner, strict=True):
        if _is_function(one):
            yield one, other
        yield from _pairs(one, other)
