# SPDX-License-Identifier: Apache-2.0
"""Functions that are called when the program ends."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

from libcloud.storage.writer import SpoolSink, UploadWriter
from libcloud.utils import local as module
from libcloud.utils.local import ExitFunctions


def test_many_functions_are_one_entry_of_atexit() -> None:
    entries: list[Callable[[], Any]] = []
    called: list[str] = []
    exits = ExitFunctions()
    with mock.patch.object(module, "atexit", mock.Mock(register=entries.append)):
        for name in "abc":
            exits.register(partial(called.append, name))
        exits.register(ended := partial(called.append, "ended"))
        exits.unregister(ended)
    (entry,) = entries
    entry()
    entry()
    assert called == ["c", "b", "a"]


def test_a_forked_process_has_its_own_entry_of_atexit() -> None:
    entries: list[Callable[[], Any]] = []
    exits = ExitFunctions()
    with mock.patch.object(module, "atexit", mock.Mock(register=entries.append)):
        exits.register(list)
        entries.clear()  # as multiprocessing does
        with mock.patch("os.getpid", return_value=-1):
            exits.register(dict)
            exits.register(set)
    assert entries == [exits.run]


def test_many_writers_are_few_entries_of_atexit() -> None:
    before = atexit._ncallbacks()
    for _ in range(10):
        UploadWriter(SpoolSink(list), "container/object").close()
    assert atexit._ncallbacks() <= before + 2  # another one is that of weakref
