# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as the fake server reads and writes it: byte for byte, nothing normalised.

``http.server`` is not used because it rewrites a target that starts with ``//``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from io import BufferedIOBase
from urllib.parse import unquote_plus, unquote_to_bytes

Buffer = bytes | bytearray


class BodyTooShort(ConnectionError):
    """The client went away before it had sent what Content-Length announced."""


@dataclass(frozen=True)
class Incoming:
    """A request as it came in.

    :param target: path and query exactly as in the request line.
    :param headers: in order; names in lower case, values stripped.
    :param bucket_in_host: what stands in the Host header before a name of the server.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    secure: bool = False
    body: Buffer = field(default=b"", repr=False)
    bucket_in_host: str = ""

    @cached_property
    def raw_path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @cached_property
    def raw_query(self) -> str:
        """The query, still percent-encoded, without ``?``."""
        return self.target.partition("?")[2]

    @cached_property
    def path(self) -> bytes:
        """The path after one percent-decoding, in both addressing styles with the bucket."""
        return unquote_to_bytes(self.raw_resource)

    @cached_property
    def raw_resource(self) -> str:
        """The same, still percent-encoded."""
        return f"/{self.bucket_in_host}{self.raw_path}" if self.bucket_in_host else self.raw_path

    @cached_property
    def query(self) -> dict[str, str]:
        """Decoded parameters; a bare key has the value ``""``."""
        found: dict[str, str] = {}
        for item in self.raw_query.split("&"):
            if item:
                name, _, value = item.partition("=")
                found[unquote_plus(name)] = unquote_plus(value)
        return found

    @cached_property
    def header_values(self) -> dict[str, str]:
        """Headers by lower-case name; repeated ones joined by a comma."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            found[name] = f"{found[name]},{value}" if name in found else value
        return found

    def header(self, name: str) -> str | None:
        """The value of a header given in lower case."""
        return self.header_values.get(name)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says.

    :param content_length: announced length when it differs from the body's (HEAD).
    :param cut: send only so many bytes of the body and close, though the length says more.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: Buffer | memoryview = field(default=b"", repr=False)
    content_length: int | None = None
    cut: int | None = None

    def with_headers(self, extra: Iterable[tuple[str, str]]) -> Answer:
        """The same answer; ``extra`` replaces headers of the same name."""
        added = tuple(extra)
        names = {name.lower() for name, _ in added}
        kept = tuple(item for item in self.headers if item[0].lower() not in names)
        return Answer(self.status, kept + added, self.body, self.content_length, self.cut)


def read_head(stream: BufferedIOBase, *, secure: bool) -> Incoming | None:
    """Request line and headers; ``None`` when the client closed the connection."""
    line = stream.readline(65537)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(65537)
    words = line.decode("latin-1").split()
    if len(words) != 3:
        return None
    headers: list[tuple[str, str]] = []
    while True:
        line = stream.readline(65537)
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip().lower(), value.strip()))
    return Incoming(words[0], words[1], tuple(headers), secure)


def read_body(stream: BufferedIOBase, length: int) -> Buffer:
    """Exactly ``length`` bytes, read into one buffer.

    :raises BodyTooShort: the client sent less.
    """
    if not length:
        return b""
    body = bytearray(length)
    view = memoryview(body)
    done = 0
    while done < length:
        count = stream.readinto(view[done:])
        if not count:
            raise BodyTooShort(f"{done} of {length} bytes of the body came")
        done += count
    return body


def write_answer(stream: BufferedIOBase, method: str, answer: Answer, *, close: bool) -> None:
    """One answer; a HEAD gets its headers only."""
    length = len(answer.body) if answer.content_length is None else answer.content_length
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status not in (204, 304):
        lines.append(f"Content-Length: {length}")
    if close:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    body = b"" if method == "HEAD" else memoryview(answer.body)[: answer.cut]
    stream.write(head)
    stream.write(body)
    stream.flush()
