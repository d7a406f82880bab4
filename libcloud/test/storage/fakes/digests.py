# SPDX-License-Identifier: Apache-2.0
"""Digests of a body, computed and compared with what the client says; and ``aws-chunked`` bodies.

References: Amazon S3 User Guide, "Checking object integrity"; Amazon S3 API Reference, "Signature
calculations for the authorization header: Transferring a payload in multiple chunks".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from dataclasses import replace
from functools import lru_cache

from libcloud.test.storage.fakes.errors import S3Error, invalid_request, not_implemented
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Buffer, Incoming

PREFIX = "x-amz-checksum-"
_SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_NOT_VALUES = ("x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode")


# Width and polynomial, lowest power in the highest bit.
_POLYNOMIALS = {"crc32c": (32, 0x82F63B78), "crc64nvme": (64, 0x9A6C9329AC4BC9B5)}


@lru_cache
def _table(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def crc(algorithm: str, data: Buffer) -> bytes:
    """CRC-32C (Castagnoli) or CRC-64/NVME, byte by byte: for small bodies."""
    width, polynomial = _POLYNOMIALS[algorithm]
    table = _table(polynomial)
    ones = value = (1 << width) - 1
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ ones).to_bytes(width // 8, "big")


def checksum(algorithm: str, data: Buffer) -> str:
    """The value S3 gives to ``x-amz-checksum-<algorithm>``: base64, big-endian."""
    if algorithm == "crc32":
        raw = zlib.crc32(data).to_bytes(4, "big")
    elif algorithm in _POLYNOMIALS:
        raw = crc(algorithm, data)
    else:
        raw = hashlib.new(algorithm, data).digest()
    return base64.b64encode(raw).decode()


def own_checksum(data: Buffer | memoryview) -> dict[str, str]:
    """The checksum that Amazon keeps of an object which came without one; empty without awscrt.

    Reference: Amazon S3 User Guide, "Checking object integrity".
    """
    try:
        from awscrt.checksums import crc64nvme  # type: ignore[import-untyped]  # it has no types
    except ModuleNotFoundError:
        return {}
    return {"crc64nvme": base64.b64encode(crc64nvme(bytes(data)).to_bytes(8, "big")).decode()}


def checksum_header(request: Incoming, options: Options) -> tuple[str, str] | None:
    """The one checksum a request carries: algorithm and value.

    :raises S3Error: more than one, malformed, or not offered by this server.
    """
    names = [
        name for name, _ in request.headers if name.startswith(PREFIX) and name not in _NOT_VALUES
    ]
    if not names:
        return None
    if len(names) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header")
    algorithm = names[0][len(PREFIX) :]
    if algorithm not in options.checksums:
        raise not_implemented(names[0])
    value = request.header_values[names[0]]
    if _size_of(value) != _SIZES[algorithm]:
        raise invalid_request(f"Value for {names[0]} header is invalid.")
    return algorithm, value


def _size_of(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return -1


def check_body(request: Incoming, options: Options, signed_sha256: str | None) -> None:
    """Compare the body with the digest that was signed and with ``Content-MD5``.

    :raises S3Error: they differ; nothing is stored.
    """
    if signed_sha256 is not None and hashlib.sha256(request.body).hexdigest() != signed_sha256:
        raise S3Error(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    md5 = request.header("content-md5")
    if md5 is not None:
        if _size_of(md5) != 16:
            raise S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
        if base64.b64decode(md5) != hashlib.md5(request.body, usedforsecurity=False).digest():
            raise S3Error(400, "BadDigest", "The Content-MD5 did not match what we received.")


def check_checksum(request: Incoming, options: Options) -> None:
    """Compare the body with its ``x-amz-checksum-*``, if it has one.

    Only for requests whose checksum is that of their body: that of Complete is the object's.

    :raises S3Error: they differ; nothing is stored.
    """
    given = checksum_header(request, options)
    if given is not None and checksum(given[0], request.body) != given[1]:
        raise S3Error(
            400,
            "BadDigest",
            f"The {given[0].upper()} you specified did not match the calculated checksum.",
        )


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
