# SPDX-License-Identifier: Apache-2.0
"""The stream that a response is read from, and the state of the request on a connection.

The stream starts with bytes that were already received, knows whether bytes follow the response,
and limits what the libraries read without a limit: the lines between chunks and the trailers.
"""

from __future__ import annotations

import http.client
import io
import re
from typing import Any

EMPTY_LINES = (b"\r\n", b"\n")

# The limits of the standard library for headers.
_LONGEST_LINE = 65536
_MOST_TRAILERS = 100

# RFC 9112, section 7.1.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")


class InvalidResponseError(http.client.HTTPException):
    """A response that violates HTTP, or whose headers are too large."""


class Received(io.BufferedReader):
    """The bytes received on a socket for one response.

    Also has ``makefile``, the socket method that responses of the standard library use.

    :param data: bytes that were already received.
    :param error: raised after ``data``; ``None``: the rest comes from ``sock``.
    :ivar ended: the last line read was empty.
    """

    def __init__(self, sock: Any, data: bytes = b"", error: OSError | None = None) -> None:
        super().__init__(_Counted(sock.makefile("rb", buffering=0), data, error))
        self.ended = False
        self._chunked = False
        self._trailers: int | None = None  # before the last chunk

    def makefile(self, mode: str) -> Received:
        """Return this stream."""
        return self

    def begin_body(self, *, chunked: bool) -> None:
        """Called after the headers: lines are checked from now on if the body is chunked."""
        self._chunked, self.ended = chunked, False

    def holds_more(self) -> bool:
        """Return whether received bytes remain unread."""
        return self.raw.tell() != self.tell()

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line, and check it in a chunked body.

        :raises InvalidResponseError: the line is too long, does not belong to a chunk, or there
            are too many trailers.
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
            return EMPTY_LINES[0] if self.ended else line  # urllib3 expects this line
        chunk = _CHUNK.fullmatch(line)
        if chunk is None:
            raise InvalidResponseError("the size of a chunk is not a number")
        if not chunk[1].strip(b"0"):
            self._trailers = 0
        return line


class _Counted(io.RawIOBase):
    """Returns ``data``, then ``rest`` or ``error``; its position counts the returned bytes."""

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


# A server that rejects a request may leave this much of its body unread, and would interpret it as
# the next request or wait for the rest. nginx and Go read up to 256 KiB to keep the connection;
# other servers read nothing.
_LARGE = 64 * 1024

# Statuses from here on mean that the request was not executed.
_REFUSED = 300


class RequestState:
    """The state of one request on a connection.

    It decides whether the connection can be reused: only if the whole request was sent, the
    response ended at its declared length, and no bytes followed it.

    :ivar received: bytes of the response that arrived while the request was being sent.
    :ivar error: raised after ``received``; ``None``: the rest comes from the connection.
    :ivar size: number of bytes sent.
    :ivar unsent: the server did not accept the whole request.
    :ivar final: the final response has started, not only interim ones.
    :ivar complete: the response was read to its end and no bytes follow it.
    """

    received = b""
    error: OSError | None = None
    size = 0
    unsent = final = complete = False

    def check(self, status: int) -> None:
        """Reject a success status if the request was not sent completely.

        :raises InvalidResponseError: ``status`` is a success.
        """
        if self.unsent and status < _REFUSED:
            raise InvalidResponseError(
                f"the server responded with status {status} before it received the whole request"
            )

    def may_be_unread(self, status: int) -> bool:
        """Return whether the server may have left part of the request unread."""
        return self.unsent or (status >= _REFUSED and self.size > _LARGE)
