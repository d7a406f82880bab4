# SPDX-License-Identifier: Apache-2.0
"""A store in memory that answers each request after a latency, and counts what it gets.

Signatures are not checked. ``GET /?statistics`` returns the number of requests by operation since
it was last asked, and the most that were in flight at once.

    python -m bench.latency 0.03        prints its port, and ends when its standard input does
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

_PAGE = 1000
_KEYS = re.compile(rb"<Key>(.*?)</Key>")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_MODIFIED = "2026-01-01T00:00:00.000Z"

Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]


class LatencyStore:
    """The objects, and the answers to requests.

    :param latency: seconds until an answer begins.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._objects: dict[str, bytes] = {}
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._ids = itertools.count()
        self._counts: Counter[str] = Counter()
        self._in_flight = self._most = 0

    async def answer(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """The status, headers and body of the answer."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "statistics" in query:
            return 200, {}, self._statistics()
        self._in_flight += 1
        self._most = max(self._most, self._in_flight)
        try:
            await asyncio.sleep(self._latency)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if not key:
                return self._of_bucket(method, bucket, query, body)
            return self._of_object(method, key, query, headers, body)
        finally:
            self._in_flight -= 1

    def _statistics(self) -> bytes:
        counts, self._counts = self._counts, Counter()
        most, self._most = self._most, 0
        return json.dumps({**counts, "in flight": most}).encode()

    def _of_bucket(self, method: str, bucket: str, query: Headers, body: bytes) -> Answer:
        if method == "POST" and "delete" in query:
            self._counts["delete many"] += 1
            keys = [unescape(key.decode()) for key in _KEYS.findall(body)]
            for key in keys:
                self._objects.pop(key, None)
            deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            return _xml("DeleteResult", deleted)
        if method != "GET" or "location" in query:
            self._counts["bucket"] += 1
            return _xml("LocationConstraint", "") if method == "GET" else (200, {}, b"")
        self._counts["list"] += 1
        return self._listing(bucket, query)

    def _listing(self, bucket: str, query: Headers) -> Answer:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = max(query.get(name, "") for name in ("continuation-token", "start-after", "marker"))
        size = int(query.get("max-keys", _PAGE))
        found: dict[str, str] = {}
        keys = (key for key in sorted(self._objects) if key.startswith(prefix) and key > after)
        for key in keys:
            head, cut, _ = key[len(prefix) :].partition(delimiter or "\0")
            folded = prefix + head + delimiter if delimiter and cut else ""
            if folded and folded + "\U0010ffff" <= after:
                continue
            if len(found) == size and (folded or key) not in found:
                break
            found[folded or key] = key
        else:
            size = len(found) + 1
        return _xml("ListBucketResult", self._page(bucket, prefix, found, len(found) == size))

    def _page(self, bucket: str, prefix: str, found: dict[str, str], more: bool) -> str:
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{_MODIFIED}</LastModified>"
            f"<ETag>{_etag(self._objects[key])}</ETag><Size>{len(self._objects[key])}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            if name == key
            else f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            for name, key in found.items()
        )
        last = escape(next(reversed(found.values()))) if more else ""
        marker = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        return (
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(found)}</KeyCount>"
            f"<MaxKeys>{_PAGE}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{marker}{entries}"
        )

    def _of_object(
        self, method: str, key: str, query: Headers, headers: Headers, body: bytes
    ) -> Answer:
        upload = query.get("uploadId", "")
        self._counts[f"{method} part" if upload else method] += 1
        if method in ("GET", "HEAD"):
            return self._read(key, headers)
        if method == "DELETE":
            self._objects.pop(key, None)
            self._uploads.pop(upload, None)
            return 204, {}, b""
        if method == "POST" and not upload:
            upload = f"upload-{next(self._ids)}"
            self._uploads[upload] = {}
            names = f"<Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return _xml("InitiateMultipartUploadResult", f"<Bucket>bucket</Bucket>{names}")
        if method == "POST":
            parts = self._uploads.pop(upload)
            body = b"".join(parts[number] for number in sorted(parts))
            self._objects[key] = body
            names = f"<Key>{escape(key)}</Key><ETag>{_etag(body)}</ETag>"
            return _xml("CompleteMultipartUploadResult", f"<Bucket>bucket</Bucket>{names}")
        if upload:
            self._uploads[upload][int(query["partNumber"])] = body
        else:
            self._objects[key] = body
        return 200, {"ETag": _etag(body)}, b""

    def _read(self, key: str, headers: Headers) -> Answer:
        if key not in self._objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        data = self._objects[key]
        facts = {
            "ETag": _etag(data),
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Accept-Ranges": "bytes",
        }
        wanted = _RANGE.match(headers.get("range", ""))
        if wanted is None:
            return 200, facts, data
        first, last = wanted.groups()
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last), len(data) - 1) if first and last else len(data) - 1
        if start >= len(data):
            return 416, {}, b"<Error><Code>InvalidRange</Code></Error>"
        facts["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return 206, facts, data[start : end + 1]


@functools.lru_cache(maxsize=4096)  # a large object is read many times
def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _xml(root: str, content: str) -> Answer:
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">{content}</{root}>'
    return 200, {"Content-Type": "application/xml"}, document.encode()


async def _serve_connection(
    store: LatencyStore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while True:
            method, target, headers, body = await _read_request(reader, writer)
            status, facts, content = await store.answer(method, target, headers, body)
            facts = {"Content-Length": str(len(content)), **facts}
            if status == 204:
                del facts["Content-Length"]
            lines = [f"HTTP/1.1 {status} Status", *(f"{n}: {v}" for n, v in facts.items())]
            head = "\r\n".join([*lines, "", ""]).encode()
            writer.write(head if method == "HEAD" else head + content)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, str, Headers, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs: Iterable[tuple[str, str, str]] = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if "aws-chunked" in headers.get("content-encoding", ""):
        body = _unchunked(body)
    return method, target, headers, body


def _unchunked(body: bytes) -> bytes:
    """The data of an aws-chunked body, without its signatures and trailers."""
    data, position = b"", 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].partition(b";")[0], 16)
        if not size:
            return data
        data += body[end + 2 : end + 2 + size]
        position = end + 2 + size + 2


async def serve(latency: float) -> asyncio.Server:
    """A server on a free port of loopback."""
    store = LatencyStore(latency)
    return await asyncio.start_server(
        lambda reader, writer: _serve_connection(store, reader, writer),
        host="127.0.0.1",
        port=0,
        limit=1024 * 1024,
    )


async def _main() -> None:
    server = await serve(float(sys.argv[1]))
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
