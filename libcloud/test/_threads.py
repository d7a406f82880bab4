# SPDX-License-Identifier: Apache-2.0
"""Threads that get in each other's way as much as Python allows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable


def run_in_threads(work: Callable[[int], None], count: int = 8) -> None:
    """Call ``work(0)`` to ``work(count - 1)`` at the same time, switching threads all the while.

    :raises BaseException: the first error of a thread.
    """
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # handed to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]
