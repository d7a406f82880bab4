# SPDX-License-Identifier: Apache-2.0
"""Limits the rate of transfers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from libcloud.utils import cancellation
from libcloud.utils.per_process import PerProcess


class RateLimit:
    """Delays transfers to an average rate. Thread-safe: all transfers share it.

    :param rate: bytes per second.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = cancellation.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = PerProcess(threading.RLock)
        self._free_at = 0.0

    def wait(self, size: int) -> None:
        """Wait until ``size`` more bytes may be transferred.

        Idle time does not allow a higher rate later.
        """
        with self._lock():
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + size / self._rate
        if start > now:
            self._sleep(start - now)
