# SPDX-License-Identifier: Apache-2.0
"""Answers whose connection ended within their head.

The standard library takes the end of the connection for the end of the head: half of an answer
becomes one with fewer headers, or half a header, and without a body nothing else tells.
"""

from __future__ import annotations

import http.client
from typing import Any

__all__ = ["WholeHeadResponse"]

_END_OF_HEAD = (b"\r\n", b"\n")


class WholeHeadResponse(http.client.HTTPResponse):
    """An answer that has all of its head.

    :raises http.client.RemoteDisconnected: the connection ended before the empty line.
    """

    def begin(self) -> None:
        lines: Any = _LastLine(self.fp)
        stream, self.fp = self.fp, lines
        try:
            super().begin()
        finally:
            if self.fp is lines:
                self.fp = stream
        if lines.last is not None and lines.last not in _END_OF_HEAD:
            self.close()
            raise http.client.RemoteDisconnected("Remote end closed connection within the headers")


class _LastLine:
    """A stream that remembers its last line; ``None`` before the first."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last: bytes | None = None

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._stream.readline(size)
        self.last = line
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
