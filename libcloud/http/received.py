# SPDX-License-Identifier: Apache-2.0
"""The stream that a response is read from.

It begins with what was received already, knows whether bytes follow the response, and bounds what
the libraries read without a bound: the lines between chunks, and the trailers after the last one.
"""

from __future__ import annotations

import http.client
import io
import re
from typing import Any

__all__ = ["EMPTY_LINES", "InvalidResponseError", "Received"]

EMPTY_LINES = (b"\r\n", b"\n")

# The limits that the standard library has for headers.
_LONGEST_LINE = 65536
_MOST_TRAILERS = 100

# RFC 9112, section 7.1.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")


class InvalidResponseError(http.client.HTTPException):
    """A response that HTTP does not allow, or that is too large to be one."""


class Received(io.BufferedReader):
    """What is received on a socket, from now on for one response.

    It has the one method of a socket that responses of the standard library need.

    :param data: what was received before.
    :param error: raised after ``data``; ``None``: the rest comes from ``sock``.
    :ivar ended: the last line that was read was empty.
    """

    def __init__(self, sock: Any, data: bytes = b"", error: OSError | None = None) -> None:
        super().__init__(_Counted(sock.makefile("rb", buffering=0), data, error))
        self.ended = False
        self._chunked = False
        self._trailers: int | None = None  # before the last chunk

    def makefile(self, mode: str) -> Received:
        """This stream."""
        return self

    def begin_body(self, *, chunked: bool) -> None:
        """The head is read."""
        self._chunked, self.ended = chunked, False

    def holds_more(self) -> bool:
        """Whether bytes were received that nobody has read."""
        return self.raw.tell() != self.tell()

    def readline(self, size: int | None = -1) -> bytes:
        """A line; those of a chunked body are checked.

        :raises InvalidResponseError: it is too long, none of a chunk, or there are too many.
        """
        bounded = size is not None and size >= 0
        line = super().readline(size if bounded else _LONGEST_LINE + 1)
        if not bounded and len(line) > _LONGEST_LINE:
            raise InvalidResponseError(f"a line of the body is longer than {_LONGEST_LINE} bytes")
        self.ended = line in EMPTY_LINES
        if not self._chunked or not line.endswith(b"\n"):
            return line
        if self._trailers is not None:
            self._trailers += 1
            if self._trailers > _MOST_TRAILERS:
                raise InvalidResponseError(f"the body has more than {_MOST_TRAILERS} trailers")
            return EMPTY_LINES[0] if self.ended else line  # which urllib3 waits for
        chunk = _CHUNK.fullmatch(line)
        if chunk is None:
            raise InvalidResponseError("the size of a chunk is not a number")
        if not chunk[1].strip(b"0"):
            self._trailers = 0
        return line


class _Counted(io.RawIOBase):
    """``data``, then ``error`` or what ``rest`` has; its position is the number of bytes given."""

    def __init__(self, rest: Any, data: bytes, error: OSError | None) -> None:
        super().__init__()
        self._rest, self._data, self._error = rest, memoryview(data), error
        self._given = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._given

    def readinto(self, buffer: Any) -> int | None:
        if self._data:
            count: int | None = min(len(buffer), len(self._data))
            buffer[:count], self._data = self._data[:count], self._data[count:]
        elif self._error is not None:
            raise self._error
        else:
            count = self._rest.readinto(buffer)
        self._given += count or 0
        return count

    def close(self) -> None:
        self._rest.close()
        super().close()
