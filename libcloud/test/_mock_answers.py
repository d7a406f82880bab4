# SPDX-License-Identifier: Apache-2.0
"""Answers of a mock: from what a mock method returns to a real ``requests`` response."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, TypeAlias, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from libcloud.common.base import Connection, Response

Bytes: TypeAlias = "bytes | bytearray | memoryview"
Body: TypeAlias = "str | Bytes | IO[str] | IO[bytes] | Iterable[str | bytes] | None"
Reply: TypeAlias = "tuple[int, Body, Mapping[str, object] | None, str | None] | MockResponse"


class BodyStream(io.StringIO):
    """A text body which is read, or stepped through line by line, with or without a size."""

    def next(self, chunk_size: int | None = None) -> str:
        """The next line; ``chunk_size`` is accepted and has no effect."""
        return super().__next__()

    # The types of the standard library take it for a stream of bytes here.
    def __next__(self, chunk_size: int | None = None) -> str:  # type: ignore[override]
        return super().__next__()

    def read(self, chunk_size: int | None = None) -> str:
        """At most ``chunk_size`` characters; all that is left for ``None``."""
        return super().read(chunk_size)


class MockResponse:
    """One answer of a mock server: status, body, headers and reason.

    A mock method may return one of these in place of the usual four values. The body can be read
    (``read``) or iterated, once.

    :param body: ``None`` means no body.
    :param reason: the status line's text; ``None`` leaves it empty.
    """

    def __init__(
        self,
        status: int,
        body: Body = None,
        headers: Mapping[str, object] | None = None,
        reason: str | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.reason = reason
        self._pieces: Iterator[str | bytes] | None = None

    def read(self, *args: object) -> str | bytes:
        """What is left of the body. A size is accepted and has no effect."""
        left = list(self)
        if all(isinstance(piece, str) for piece in left):
            return "".join(cast("list[str]", left))
        return b"".join(_encoded(piece) for piece in left)

    def __iter__(self) -> Iterator[str | bytes]:
        return self

    def __next__(self) -> str | bytes:
        if self._pieces is None:
            self._pieces = _pieces(self.body)
        return next(self._pieces)

    def next(self) -> str | bytes:
        """The next piece of the body; :exc:`StopIteration` at its end."""
        return self.__next__()

    def getheader(self, name: str, default: object = None) -> object:
        """The value of a header, whatever the case of its name; ``default`` without one."""
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), default)

    def getheaders(self) -> list[tuple[str, object]]:
        """The headers as a list of pairs."""
        return list(self.headers.items())


def as_mock_response(reply: Reply) -> MockResponse:
    """``reply`` of a mock method, as an object."""
    if isinstance(reply, MockResponse):
        return reply
    status, body, headers, reason = reply
    return MockResponse(status, body, headers, reason)


def answer(request: requests.PreparedRequest, reply: MockResponse) -> requests.Response:
    """``reply`` as the response of ``requests`` to ``request``, read as from a socket.

    Headers are taken over as they are, but for their values, which become text. A length or an
    encoding which the mock echoes from the request is not held against the body.
    """
    raw = HTTPResponse(
        body=_BodyReader(reply.body),
        status=reply.status,
        reason=reply.reason,
        headers={str(name): _text(value) for name, value in reply.headers.items()},
        preload_content=False,
        decode_content=False,
        enforce_content_length=False,
        request_method=request.method,
    )
    response = HTTPAdapter().build_response(request, raw)
    if isinstance(reply.body, str) and "charset" not in response.headers.get("content-type", ""):
        response.encoding = "utf-8"
    return response


def make_response(
    status: int = 200,
    headers: Mapping[str, object] | None = None,
    connection: Connection | None = None,
) -> Response:
    """A :class:`libcloud.common.base.Response` without a body, as if it had come from a server."""
    from libcloud.common.base import Response

    request = requests.Request("GET", "http://127.0.0.1/").prepare()
    response = answer(request, MockResponse(status, None, headers))
    return Response(response, cast("Connection", connection))


class _BodyReader(io.RawIOBase):
    """A body of any kind as the file that ``urllib3`` reads from; pulls pieces when asked."""

    def __init__(self, body: Body) -> None:
        self._pieces = _pieces(body)
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            found, self._left = self._left, b""
            return found + b"".join(_encoded(piece) for piece in self._pieces)
        while not self._left and size:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = _encoded(piece)
        found, self._left = self._left[:size], self._left[size:]
        return found


def _pieces(body: Body) -> Iterator[str | bytes]:
    if body is None or isinstance(body, str | bytes | bytearray | memoryview):
        whole = bytes(body) if isinstance(body, bytearray | memoryview) else body
        return iter([whole] if whole else [])
    read = getattr(body, "read", None)
    if read is not None:
        return iter([read()])
    return iter(body)


def _encoded(piece: str | bytes) -> bytes:
    return piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
