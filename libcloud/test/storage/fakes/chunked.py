# SPDX-License-Identifier: Apache-2.0
"""Bodies in ``aws-chunked`` without signatures: decoding, and checks of what they announce.

Reference: Amazon S3 API Reference, "Signature calculations for the authorization header:
Transferring a payload in multiple chunks".
"""

from __future__ import annotations

from dataclasses import replace

from libcloud.test.storage.fakes.digests import PREFIX
from libcloud.test.storage.fakes.errors import S3Error, invalid_request
from libcloud.test.storage.fakes.wire import Incoming

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_LEAST = 8 * 1024


def decoded(request: Incoming) -> Incoming:
    """``request`` with the data, and with the checksum of the trailer as a header.

    :raises S3Error: it is malformed, or not what the headers announce.
    """
    if request.header("x-amz-content-sha256") != UNSIGNED_TRAILER:
        return request
    if "aws-chunked" not in (request.header("content-encoding") or ""):
        raise invalid_request("Content-Encoding must name aws-chunked")
    length = request.header("x-amz-decoded-content-length") or ""
    if not length.isdigit():
        raise S3Error(411, "MissingContentLength", "x-amz-decoded-content-length is needed")
    data, trailer = _split(bytes(request.body))
    if len(data) != int(length):
        text = f"The body has {len(data)} bytes, and {length} were announced"
        raise S3Error(400, "IncompleteBody", text)
    announced = (request.header("x-amz-trailer") or "").lower()
    if [name for name, _ in trailer] != [announced] or not announced.startswith(PREFIX):
        raise S3Error(400, "MalformedTrailerError", "The trailer is not the one of x-amz-trailer")
    return replace(request, body=data, headers=(*_without_encoding(request), *trailer))


def _without_encoding(request: Incoming) -> list[tuple[str, str]]:
    """The headers; what else the object is encoded with stays."""
    headers = []
    for name, value in request.headers:
        if name == "content-encoding":
            kept = [word.strip() for word in value.split(",") if word.strip() != "aws-chunked"]
            value = ",".join(kept)
        if name != "content-encoding" or value:
            headers.append((name, value))
    return headers


def _split(body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """The data and the lines of the trailer."""
    data, sizes, position = bytearray(), [0], 0
    while True:
        end = body.find(b"\r\n", position)
        try:
            size = int(body[position:end], 16) if end >= 0 else -1
        except ValueError:
            size = -1
        if size < 0:
            raise S3Error(400, "IncompleteBody", "The body is not aws-chunked")
        position = end + 2
        if not size:
            break
        data += body[position : position + size]
        position += size + 2
        if body[position - 2 : position] != b"\r\n":
            raise S3Error(400, "IncompleteBody", "A chunk is incomplete")
        sizes.append(size)
    if any(size < _LEAST for size in sizes[1:-1]):
        raise S3Error(403, "InvalidChunkSizeError", "Only the last chunk may be below 8 KiB")
    rest = body[position:]
    if not rest.endswith(b"\r\n\r\n") and rest != b"\r\n":
        raise S3Error(400, "IncompleteBody", "The trailer is incomplete")
    pairs = [line.partition(":") for line in rest.decode("latin-1").split("\r\n") if line]
    return bytes(data), [(name.strip().lower(), value.strip()) for name, _, value in pairs]
