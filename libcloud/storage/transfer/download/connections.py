# SPDX-License-Identifier: Apache-2.0
"""How many connections a download uses: more of them while that raises the throughput.

Uses no clock, thread or socket: the download tells it what it measures. Where one connection is
already as fast as the network or the processor, the others would only cost time.
"""

from __future__ import annotations

# A larger number is kept if it raises the throughput by this factor.
_GAIN = 1.1

# Measurements until a larger number is tried again after one that did not pay; then twice as many,
# because one measurement may be wrong and the next ones hardly are.
_REST = 4
_LONGEST_REST = 64


class AdaptiveConnections:
    """Doubles the number of connections while that pays.

    :param most: maximum number of connections.
    :param start: number of connections in the beginning; with ``most``, it stays.
    :ivar size: connections to use now, including the first.
    """

    def __init__(self, most: int, start: int = 1) -> None:
        self.size = start
        self._most = most
        self._proven = start
        self._rate = 0.0  # with the proven number
        self._settling = False  # new connections have not been opened yet
        self._resting = 0
        self._rest = _REST

    def measured(self, rate: float) -> None:
        """Decide on :attr:`size`.

        :param rate: bytes per second since the last call.
        """
        if self._settling:
            self._settling = False
        elif self._resting:
            self._resting -= 1
            self._rate = rate
            if not self._resting:
                self._try_more()
        elif self.size == self._proven or rate > self._rate * _GAIN:
            self._proven, self._rate, self._rest = self.size, rate, _REST
            self._try_more()
        else:
            self.size, self._resting = self._proven, self._rest
            self._rest = min(2 * self._rest, _LONGEST_REST)

    def _try_more(self) -> None:
        more = min(self._most, 2 * self._proven)
        self._settling = more != self.size
        self.size = more
