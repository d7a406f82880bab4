# SPDX-License-Identifier: Apache-2.0
"""The store of the benchmark: speaks enough S3, keeps sizes only, and drops what it gets.

Signatures are not looked at. A bucket ``listing-N`` lists N keys, in pages that are built at the
first request which names the bucket; an object ``sized-N`` has N bytes. Any other object has the
size it was put with. The parts of an object ``unchecked`` need not have been sent.
``GET /?received`` tells as JSON what came in since it was last asked.

    python -m bench.server      prints its port, and ends when its standard input does
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 1000
_BUFFER = 1024 * 1024
# Linux takes the bytes out of a TCP socket without copying them anywhere: tcp(7).
_DROP = socket.MSG_TRUNC if sys.platform == "linux" else 0
_MODIFIED = b"Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
_ETAG = b'ETag: "9e107d9d372bb6826bd81d3542a419d6-1"\r\n'
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class UnknownRequestError(Exception):
    """A client asked for what this server does not do; told to it as 501."""


@dataclass(frozen=True)
class Request:
    """The head of a request; header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def length(self) -> int:
        """Bytes of the body."""
        if "transfer-encoding" in self.headers:
            raise UnknownRequestError("a body needs a Content-Length")
        return int(self.headers.get("content-length", 0))

    @property
    def bucket(self) -> str:
        return self.path.split("/")[1]

    @property
    def is_object(self) -> bool:
        return "/" in self.path.strip("/")


@dataclass
class Store:
    """What was put, without its bytes."""

    sizes: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, dict[int, int]] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=lambda: {"objects": 0, "bytes": 0})
    lock: threading.Lock = field(default_factory=threading.Lock)
    ids: Iterable[int] = field(default_factory=itertools.count)

    def put(self, path: str, size: int) -> None:
        """There is an object of ``size`` bytes now."""
        with self.lock:
            self.sizes[path] = size
            self.received["objects"] += 1
            self.received["bytes"] += size

    def take_received(self) -> dict[str, int]:
        """What came in since the last call: numbers of ``objects`` and ``bytes``."""
        with self.lock:
            received, self.received = self.received, {"objects": 0, "bytes": 0}
            self.sizes.clear()
        return received

    def size(self, path: str) -> int | None:
        """Bytes of an object; ``None``: there is none."""
        if generated := re.search(r"/sized-(\d+)$", path):
            return int(generated[1])
        return self.sizes.get(path)

    def complete(self, path: str, upload_id: str, body: bytes) -> bool:
        """Make an object of the parts that ``body`` names; whether all of them are there."""
        parts = self.uploads.pop(upload_id)
        named = [int(number) for number in re.findall(rb"<PartNumber>(\d+)<", body)]
        checked = not path.endswith("/unchecked")
        if not named or (checked and not parts.keys() >= set(named)):
            return False
        self.put(path, sum(parts.get(number, 0) for number in named))
        return True


@functools.cache
def listing(bucket: str, version: int, encoded: bool) -> dict[str, bytes]:
    """The pages of a bucket ``listing-N``, by the last key of the page before, ``""`` for none.

    :param version: of ListObjects.
    :param encoded: the client asked for percent-encoded keys; these look the same.
    """
    total = int(bucket.partition("-")[2])
    keys = [f"key-{number:09d}" for number in range(total)]
    follow = "NextMarker" if version == 1 else "NextContinuationToken"
    settings = "<EncodingType>url</EncodingType>" if encoded else ""
    pages = {}
    for start in range(0, max(total, 1), PAGE):
        shown = keys[start : start + PAGE]
        more = start + PAGE < total
        place = f"<{follow}>{shown[-1]}</{follow}>" if more else ""
        head = (
            f"<Name>{bucket}</Name><Prefix></Prefix><MaxKeys>{PAGE}</MaxKeys>{settings}"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{place}"
        )
        content = head + "".join(map(_entry, shown))
        pages[keys[start - 1] if start else ""] = _element("ListBucketResult", content)
    return pages


def _entry(key: str) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;9e107d9d372bb6826bd81d3542a419d6&quot;</ETag><Size>102400</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _element(name: str, content: str) -> bytes:
    return _XML + f"<{name}".encode() + _SPACE + f">{content}</{name}>".encode()


class Connection:
    """Answers what comes over one socket, one request after the other."""

    def __init__(self, accepted: socket.socket, store: Store) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = accepted
        self._store = store
        self._buffer = memoryview(bytearray(_BUFFER))
        self._pending = b""

    def serve(self) -> None:
        """Until the client hangs up, or asks for something unknown."""
        with self._socket:
            try:
                while request := self._head():
                    self._answer(request)
            except UnknownRequestError as error:
                self._error(501, "NotImplemented", str(error))
            except ConnectionError:
                pass  # a client that was ended has nothing to be told

    def _head(self) -> Request | None:
        while (end := self._pending.find(b"\r\n\r\n")) < 0:
            got = self._socket.recv(64 * 1024)
            if not got:
                return None
            self._pending += got
        head, self._pending = self._pending[:end].decode("latin-1"), self._pending[end + 4 :]
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(":", 1) for line in lines)
        split = urlsplit(target)
        return Request(
            method,
            unquote(split.path),
            parse_qs(split.query, keep_blank_values=True),
            {name.lower(): value.strip() for name, value in headers.items()},
        )

    def _answer(self, request: Request) -> None:
        if request.bucket.startswith("listing-"):
            for version, encoded in itertools.product((1, 2), (False, True)):
                listing(request.bucket, version, encoded)
        if request.headers.get("expect", "").lower() == "100-continue":
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        handler = {"PUT": self._put, "GET": self._get, "HEAD": self._get}.get(request.method)
        (handler or self._post_or_delete)(request)

    def _put(self, request: Request) -> None:
        self._drop(request.length)
        size = int(request.headers.get("x-amz-decoded-content-length", request.length))
        if not request.is_object:
            raise UnknownRequestError("buckets are there already")
        if "partNumber" in request.query:
            number = int(request.query["partNumber"][0])
            self._store.uploads[request.query["uploadId"][0]][number] = size
        else:
            self._store.put(request.path, size)
        self._send(200, headers=_ETAG)

    def _post_or_delete(self, request: Request) -> None:
        body = self._take(request.length)
        if request.method == "POST" and "uploads" in request.query:
            upload_id = f"upload-{next(iter(self._store.ids))}"
            self._store.uploads[upload_id] = {}
            answer = f"<Bucket>x</Bucket><Key>x</Key><UploadId>{upload_id}</UploadId>"
            self._send(200, _element("InitiateMultipartUploadResult", answer))
        elif request.method == "POST" and "uploadId" in request.query:
            if not self._store.complete(request.path, request.query["uploadId"][0], body):
                return self._error(400, "InvalidPart", "a part is not there")
            answer = "<ETag>&quot;9e107d9d372bb6826bd81d3542a419d6-1&quot;</ETag>"
            self._send(200, _element("CompleteMultipartUploadResult", answer))
        else:
            raise UnknownRequestError(f"{request.method} {request.path}")
        return None

    def _get(self, request: Request) -> None:
        if request.is_object:
            return self._get_object(request)
        if "received" in request.query:
            return self._send(200, json.dumps(self._store.take_received()).encode())
        if request.method == "HEAD":
            return self._send(200)
        marks = request.query.get("continuation-token") or request.query.get("marker") or [""]
        version = 2 if "list-type" in request.query else 1
        pages = listing(request.bucket, version, "encoding-type" in request.query)
        return self._send(200, pages[marks[0]])

    def _get_object(self, request: Request) -> None:
        size = self._store.size(request.path)
        if size is None:
            if request.method == "HEAD":
                return self._send(404)
            return self._error(404, "NoSuchKey", request.path)
        status, length, headers = 200, size, _ETAG + _MODIFIED + b"Accept-Ranges: bytes\r\n"
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "")):
            start, end = int(asked[1]), min(int(asked[2] or size), size - 1)
            status, length = 206, end - start + 1
            headers += f"Content-Range: bytes {start}-{end}/{size}\r\n".encode()
        self._send(status, headers=headers, length=length)
        if request.method == "GET":
            for at in range(0, length, _BUFFER):
                self._socket.sendall(_noise()[: length - at])
        return None

    def _send(
        self, status: int, body: bytes = b"", *, headers: bytes = b"", length: int | None = None
    ) -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status} Said\r\nx-amz-request-id: 1\r\nContent-Length: {size}\r\n"
        self._socket.sendall(head.encode() + headers + b"\r\n" + body)

    def _error(self, status: int, code: str, message: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self._send(status, _XML + text.encode())

    def _take(self, length: int) -> bytes:
        while len(self._pending) < length:
            got = self._socket.recv(64 * 1024)
            if not got:
                raise ConnectionResetError("a body ended early")
            self._pending += got
        body, self._pending = self._pending[:length], self._pending[length:]
        return body

    def _drop(self, length: int) -> None:
        left = length - min(length, len(self._pending))
        self._pending = self._pending[length:]
        while left:
            got = self._socket.recv_into(self._buffer, min(left, _BUFFER), _DROP)
            if not got:
                raise ConnectionResetError("a body ended early")
            left -= got


@functools.cache
def _noise() -> memoryview:
    return memoryview(os.urandom(_BUFFER))


def listen() -> tuple[socket.socket, int]:
    """A listening socket on loopback, and its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    return listener, listener.getsockname()[1]


def accept(listener: socket.socket) -> None:
    """Serve whoever connects, a thread each, until ``listener`` is closed."""
    store = Store()
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=Connection(accepted, store).serve, daemon=True).start()


def main() -> None:
    listener, port = listen()
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
