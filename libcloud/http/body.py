# SPDX-License-Identifier: Apache-2.0
"""The bytes of a response, and large bodies, which are read while the caller asks for them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from libcloud.http.sending import RequestState

AT_ONCE = 1024 * 1024
"""Bytes to read at once if the caller wants all."""


class Received(io.BufferedReader):
    """The bytes of one response: those in ``state`` from ``start``, then an error or others."""

    def __init__(self, sock: Any, state: RequestState, start: int = 0) -> None:
        super().__init__(_Counted(sock.makefile("rb", buffering=0), state, start))

    def holds_more(self) -> bool:
        """Return whether received bytes remain unread."""
        return self.raw.tell() != self.tell()


class _Counted(io.RawIOBase):
    """What was already received, then ``rest`` or the error; its position counts the bytes."""

    def __init__(self, rest: Any, state: RequestState, start: int) -> None:
        super().__init__()
        self._rest, self._data, self._error = rest, memoryview(state.received)[start:], state.error
        self._state = state
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
            count = self._state.receive(self._rest.readinto, buffer)
        self._given += count or 0
        return count

    def close(self) -> None:
        self._rest.close()
        super().close()


class Body:
    """A body of known length. It frees its connection once it was read to its end, or broke off.

    It is the file of a response of urllib3, too, which names the errors: it raises those of the
    connection, and returns nothing if that has ended although bytes are ``left``.

    :param start: bytes of the response before the body.
    :param reusable: another request may use the connection after the last byte.
    """

    closed = False

    def __init__(
        self, connection: Any, pool: Any, start: int, length: int, *, reusable: bool
    ) -> None:
        state: RequestState = connection.state
        self.pool, self.length, self.left = pool, length, length
        self._reusable = reusable
        self._error: OSError | None = None
        self._stream = Received(connection.sock, state, start)
        state.received = b""
        self._state, self._connection = state, connection

    def read(self, size: int | None = None) -> bytes:
        """Read ``size`` bytes, fewer at the end; ``None``: all that is left. Errors are kept."""
        if size is None or size < 0:
            data = b"".join(iter(partial(self.read, AT_ONCE), b""))  # allocated as bytes arrive
            if self.left and not self.closed:
                from http.client import IncompleteRead

                raise IncompleteRead(data, self.left)
            return data
        data, reading = b"", "_connection" in vars(self)
        try:
            if self._error is not None:
                raise self._error
            if reading:
                data = self._stream.read(min(size, self.left))
        except OSError as error:
            self._error = error
            raise
        except ValueError:  # another thread has closed it
            pass
        finally:
            self.left -= len(data)
            if not self.left:
                self.close()
            elif size and not data:
                if reading:  # it broke off, even if another thread closes it
                    self.closed = False
                self._free()
        return data

    def read1(self, size: int | None = None) -> bytes:
        """Read ``size`` bytes, fewer at the end; ``None``: some."""
        return self.read(AT_ONCE if size is None else size)

    def close(self) -> None:
        """Close the connection, unless the body was read to its end: then it is reused."""
        self.closed = True
        self._free()

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_finalizing():  # then, modules are gone, and the system closes the connection
            self.close()

    def _free(self) -> None:
        # Atomic, because another thread may close the body.
        connection = vars(self).pop("_connection", None)
        if connection is None:
            return
        try:
            ended = not self.left and self._reusable and not self._stream.holds_more()
            self._stream.close()
            self._state.complete = ended
        finally:
            self.pool.give_back(connection)
