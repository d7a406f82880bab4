# SPDX-License-Identifier: Apache-2.0
"""One digest a part: which one, as which headers, and what the whole object's ETag must be.

The cheapest digest that the store checks is sent, and no second one. Over one core here a GiB costs
about 0.3 s by CRC-32, 0.7 s by SHA-256 and 1.9 s by MD5.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from libcloud.storage.s3api.crc import combine_crc32
from libcloud.storage.s3api.profile import S3Profile
from libcloud.storage.transfer.values import Body, Digest, PartReceipt
from libcloud.utils.bodies import Pieces

__all__ = [
    "DIGESTS",
    "choose_digest",
    "complete_headers",
    "create_headers",
    "expected_etag",
    "is_md5",
    "md5_hex",
]

_MD5 = re.compile(r"[0-9a-f]{32}")
_PAYLOAD = "x-amz-content-sha256"
_UNSIGNED = {_PAYLOAD: "UNSIGNED-PAYLOAD"}


def choose_digest(profile: S3Profile, *, signature: str, secure: bool, asked: str | None) -> str:
    """The name, in :data:`DIGESTS`, of the digest to send along with each body.

    :param signature: ``"4"``; any other signs no digest of the body.
    :param secure: over https.
    :param asked: what the user wants: ``"auto"``, a checksum's name, or ``None`` for none.
    :raises ValueError: a name that is not known, or that cannot be sent.
    """
    if asked == "auto":
        if signature != "4":
            return "md5"
        if secure and profile.unsigned_payload and profile.default_checksum == "crc32":
            return "crc32-unsigned"
        if not profile.checks_payload:
            return "md5-unsigned" if secure and profile.unsigned_payload else "md5"
        return "sha256"
    if asked is None:
        if signature != "4":
            return "none"
        return "none-unsigned" if secure else "sha256"  # over http the signature covers the body
    if asked not in ("crc32", "sha256", "md5"):
        raise ValueError(f"ex_checksum is one of 'crc32', 'sha256', 'md5' and None, not {asked!r}")
    if asked == "sha256":
        if signature != "4":
            raise ValueError("ex_checksum='sha256' needs Signature Version 4; ask for 'md5'")
        return "sha256"
    return f"{asked}-unsigned" if signature == "4" and secure else asked


def _sha256(body: Body) -> Digest:
    return Digest({_PAYLOAD: _hashed(hashlib.sha256(), body).hexdigest()})


def _md5(body: Body) -> Digest:
    digest = _hashed(hashlib.md5(usedforsecurity=False), body).digest()
    return Digest({"Content-MD5": base64.b64encode(digest).decode()})


def _crc32(body: Body) -> Digest:
    crc = 0
    for piece in _pieces(body):
        crc = zlib.crc32(piece, crc)
    return Digest({"x-amz-checksum-crc32": _crc_text(crc)}, crc)


def _none(body: Body) -> Digest:
    return Digest()


def _unsigned(digest: Callable[[Body], Digest]) -> Callable[[Body], Digest]:
    def compute(body: Body) -> Digest:
        signed = digest(body)
        return Digest({**signed.headers, **_UNSIGNED}, signed.crc32)

    return compute


DIGESTS: dict[str, Callable[[Body], Digest]] = {
    "sha256": _sha256,
    "md5": _md5,
    "md5-unsigned": _unsigned(_md5),
    "crc32": _crc32,
    "crc32-unsigned": _unsigned(_crc32),
    "none": _none,
    "none-unsigned": _unsigned(_none),
}


def create_headers(name: str) -> dict[str, str]:
    """What Create must be told of the digest ``name`` that the parts will carry."""
    if not name.startswith("crc32"):
        return {}
    return {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"}


def complete_headers(profile: S3Profile, parts: Sequence[PartReceipt]) -> dict[str, str]:
    """What Complete carries so that the store checks the whole: its size, and its CRC-32."""
    headers = {}
    if profile.object_size_check:
        headers["x-amz-mp-object-size"] = str(sum(part.size for part in parts))
    crc: int | None = 0
    for part in parts:
        if part.digest.crc32 is None or crc is None:
            crc = None
            break
        crc = combine_crc32(crc, part.digest.crc32, part.size)
    if crc is not None and profile.full_object_checksum:
        headers["x-amz-checksum-crc32"] = _crc_text(crc)
        headers["x-amz-checksum-type"] = "FULL_OBJECT"
    return headers


def expected_etag(parts: Sequence[PartReceipt]) -> str | None:
    """The ETag that Amazon gives an object of these parts; ``None`` if theirs are no MD5s.

    It is the MD5 of the parts' MD5s, and their number: what Amazon does and documents only in its
    knowledge centre ("Check the integrity of an object uploaded to Amazon S3").
    """
    if not parts or not all(is_md5(part.etag) for part in parts):
        return None
    if len({part.etag for part in parts}) < len({(part.etag, part.size) for part in parts}):
        return None  # parts of different lengths have no MD5 in common: it is something else
    joined = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{md5_hex(joined)}-{len(parts)}"


def is_md5(etag: str) -> bool:
    """Whether ``etag`` has the form of an MD5 in hexadecimal."""
    return _MD5.fullmatch(etag) is not None


def md5_hex(body: Body) -> str:
    """The MD5 of ``body``, hexadecimal."""
    return str(_hashed(hashlib.md5(usedforsecurity=False), body).hexdigest())


def _pieces(body: Body) -> Iterable[bytes | bytearray | memoryview]:
    return body if isinstance(body, Pieces) else (body,)


def _hashed(hasher: Any, body: Body) -> Any:
    """``hasher`` (of hashlib), fed with ``body``."""
    for piece in _pieces(body):
        hasher.update(piece)
    return hasher


def _crc_text(crc: int) -> str:
    return base64.b64encode(crc.to_bytes(4, "big")).decode()
