# SPDX-License-Identifier: Apache-2.0
"""The floor: a socket, the SHA-256 of what it sends, and nothing else.

It sends no signature, retries nothing and knows no store but the benchmark's. As anyone must who
puts a digest into the head of a request, it holds a whole part before it sends it: in one buffer,
used again and again. Keeping the pieces instead saves a copy, and costs more than that in memory
which the allocator gives back to the kernel after each part.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PART = 8 * 1024 * 1024
GATHERED = 256 * 1024
TAKEN = 1024 * 1024


class Part(NamedTuple):
    """What to send, until the next part is asked for; its SHA-256; and whether it is the last."""

    body: memoryview
    digest: str
    is_last: bool


class Floor:
    """One connection to the store, used for one request after the other."""

    def __init__(self, host: str, port: int, bucket: str) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(PART))
        self._host = f"{host}:{port}"
        self._bucket = bucket
        self._call("HEAD", f"/{bucket}")

    def close(self) -> None:
        self._socket.close()

    def upload(self, name: str, pieces: Iterable[bytes]) -> None:
        """One PUT if all fits into one part, else a multipart upload."""
        target = f"/{self._bucket}/{name}"
        upload_id = None
        number = 0
        for part in fill_parts(pieces, self._buffer):
            if part.is_last and upload_id is None:
                self._put(target, part)
                return
            if upload_id is None:
                answer = self._call("POST", f"{target}?uploads")
                upload_id = re.findall(rb"<UploadId>(.*?)<", answer)[0].decode()
            number += 1
            self._put(f"{target}?partNumber={number}&uploadId={upload_id}", part)
        named = "".join(
            f"<Part><PartNumber>{known}</PartNumber><ETag>x</ETag></Part>"
            for known in range(1, number + 1)
        )
        body = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
        self._call("POST", f"{target}?uploadId={upload_id}", body)

    def download(self, name: str) -> int:
        """Take in an object; its bytes."""
        self._send_head("GET", f"/{self._bucket}/{name}")
        length, rest = self._answer()
        got = len(rest)
        while got < length:
            wanted = min(TAKEN, length - got)
            # One wake-up for each block, not one for each segment that arrives.
            taken = self._socket.recv_into(self._buffer, wanted, socket.MSG_WAITALL)
            if not taken:
                raise EOFError("the object ended early")
            got += taken
        return got

    def count_keys(self) -> int:
        """How many keys the bucket has."""
        found, token = 0, ""
        while True:
            page = self._call("GET", f"/{self._bucket}?list-type=2{token}")
            found += len(re.findall(rb"<Key>([^<]*)</Key>", page))
            follow = re.findall(rb"<NextContinuationToken>(.*?)<", page)
            if not follow:
                return found
            token = f"&continuation-token={follow[0].decode()}"

    def _put(self, target: str, part: Part) -> None:
        headers = f"x-amz-content-sha256: {part.digest}\r\nContent-Length: {len(part.body)}\r\n"
        self._send_head("PUT", target, headers)
        self._socket.sendall(part.body)
        self._body(*self._answer())

    def _call(self, method: str, target: str, body: bytes = b"") -> bytes:
        self._send_head(method, target, f"Content-Length: {len(body)}\r\n")
        if body:
            self._socket.sendall(body)
        return self._body(*self._answer())

    def _send_head(self, method: str, target: str, headers: str = "") -> None:
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\n{headers}\r\n"
        self._socket.sendall(head.encode())

    def _answer(self) -> tuple[int, bytes]:
        """Content-Length of an answer, and what has come of its body already."""
        got = b""
        while b"\r\n\r\n" not in got:
            more = self._socket.recv(64 * 1024)
            if not more:
                raise EOFError("the server hung up")
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"the server said {got!r}")
        return int(re.findall(rb"Content-Length: (\d+)", head)[0]), rest

    def _body(self, length: int, rest: bytes) -> bytes:
        blocks, got = [rest], len(rest)
        while got < length:
            more = self._socket.recv(GATHERED)
            if not more:
                raise EOFError("the answer ended early")
            blocks.append(more)
            got += len(more)
        return b"".join(blocks)


def fill_parts(pieces: Iterable[bytes], buffer: memoryview) -> Iterator[Part]:
    """Parts as large as ``buffer``, which holds one at a time; the last less.

    What has come is hashed while the processor's cache has it, but not in very small pieces.
    """
    room, filled, hashed = len(buffer), 0, 0
    digest = hashlib.sha256()
    for piece in pieces:
        while True:
            if filled == room and piece:
                digest.update(buffer[hashed:])
                yield Part(buffer, digest.hexdigest(), is_last=False)
                digest, filled, hashed = hashlib.sha256(), 0, 0
            taken = min(len(piece), room - filled)
            buffer[filled : filled + taken] = piece[:taken]
            filled += taken
            if filled - hashed >= GATHERED:
                digest.update(buffer[hashed:filled])
                hashed = filled
            if taken == len(piece):
                break
            piece = piece[taken:]
    digest.update(buffer[hashed:filled])
    yield Part(buffer[:filled], digest.hexdigest(), is_last=True)
