# SPDX-License-Identifier: Apache-2.0
"""Functions that are called when the program ends.

Removing a function from ``atexit`` takes longer the more there have ever been, because none frees
its place.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable


class ExitFunctions:
    """Any number of functions as one entry of ``atexit``.

    :param last: call them when all functions of ``atexit`` have returned, however old they are,
        such as ``logging.shutdown``; otherwise, those that are older follow.
    """

    def __init__(self, *, last: bool = False) -> None:
        self._calls: dict[Callable[[], object], None] = {}
        self._registered: int | None = None  # in which process
        self._last = last

    def register(self, call: Callable[[], object]) -> None:
        self._calls[call] = None
        # ``multiprocessing`` clears ``atexit`` in a forked child, from Python 3.13 on.
        if self._registered != (pid := os.getpid()):
            self._registered = pid
            atexit.register(_End(self.run).wait if self._last else self.run)

    def unregister(self, call: Callable[[], object]) -> None:
        self._calls.pop(call, None)

    def run(self) -> None:
        """Call all functions, the last one first."""
        with contextlib.ExitStack() as stack:
            for call in [*self._calls]:
                stack.callback(call)
            self._calls.clear()


class _End:
    """Nothing but ``atexit`` refers to this object, which it drops at its very end."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def wait(self) -> None:
        """Called with the other functions of ``atexit``, in any order."""

    def __del__(self) -> None:
        self._action()
