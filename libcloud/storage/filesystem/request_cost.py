# SPDX-License-Identifier: Apache-2.0
"""What a request costs, measured while a file is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

# What is assumed before the first measurements: S3 from a machine in the same region.
_LATENCY = 0.03

# Bytes a second of one connection; counts like a measurement.
# Reference: AWS, "Performance Guidelines for Amazon S3": 85 to 90 MB/s for each request.
_THROUGHPUT = 90e6

# The latest measurements that count.
_KEPT = 5

# Fewer bytes may arrive together with the headers: they say nothing about the throughput.
_ENOUGH = 64 * 1024

# Bytes a second. What is read faster was in the buffers of the operating system: 64 MiB from a
# server on the same machine take 0.2 s.
_FASTEST = 400e6


class RequestCost:
    """Latency and throughput of the requests for one open file; can be used by several threads.

    The latency is the shortest of the last five, so that a retry, a new connection and requests
    that wait for each other do not count. The throughput is the lower median of the last five.

    :param clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._latencies: tuple[float, ...] = ()
        self._throughputs: tuple[float, ...] = (_THROUGHPUT,)

    @property
    def in_bytes(self) -> int:
        """How many bytes one connection delivers in the time until a response begins."""
        throughputs = sorted(self._throughputs)
        median = throughputs[(len(throughputs) - 1) // 2]
        return int(min(self._latencies, default=_LATENCY) * median)

    def read(self, request: Callable[[], Iterator[bytes]]) -> bytes:
        """The bytes of a response, which is measured.

        :param request: returns when the response begins.
        """
        sent = self.clock()
        pieces = request()
        began = self.clock()
        data = b"".join(pieces)
        self.record(began - sent, len(data), self.clock() - began)
        return data

    def record(self, latency: float, size: int = 0, duration: float = 0) -> None:
        """Add a measurement.

        :param latency: seconds until the response began.
        :param size: bytes of the response.
        :param duration: seconds that these took.
        """
        # New tuples, because another thread may be reading the present ones.
        self._latencies = (*self._latencies[1 - _KEPT :], latency)
        if size >= _ENOUGH:
            throughput = min(_FASTEST, size / duration) if duration > 0 else _FASTEST
            self._throughputs = (*self._throughputs[1 - _KEPT :], throughput)
