# SPDX-License-Identifier: Apache-2.0
"""The digest of each part: its choice, its headers, and the comparison with responses.

The cheapest digest that the store checks is sent, and no second one. Over one core here a GiB costs
about 0.05 s by CRC-64/NVME or CRC-32C (of awscrt), 0.3 s by CRC-32 (0.02 s by that of zlib-ng),
0.7 s by SHA-256 and 1.9 s by MD5.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from libcloud.storage.s3.checksums import (
    CHECKSUMS,
    HEADER,
    Checksum,
    checksum_in,
    combined,
    decoded,
    encoded,
)
from libcloud.storage.s3.profiles import S3Profile
from libcloud.storage.transfer.values import Body, Digest, PartReceipt
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.utils.bodies import hashed, new_md5
from libcloud.utils.headers import strip_etag

_MD5 = re.compile(r"[0-9a-f]{32}")
_PAYLOAD = "x-amz-content-sha256"
_UNSIGNED = {_PAYLOAD: "UNSIGNED-PAYLOAD"}


class ChecksumComparison(NamedTuple):
    """A checksum that a store reports, and what was sent: base64; an MD5, hexadecimal."""

    algorithm: str
    value: str
    expected: str

    @property
    def same(self) -> bool:
        return self.value == self.expected


# Names in the API.
CRCS = ("crc32", "crc32c", "crc64nvme")
_ASKED = (*CRCS, "sha256", "md5")


def chosen_digest(asked: str | None, *, signature: str, secure: bool) -> str:
    """The name, in :data:`DIGESTS`, of the digest to send along with each body.

    :param asked: the user's choice: the name of a checksum, or ``None`` for none.
    :param signature: ``"4"``; any other signs no digest of the body.
    """
    if asked is None:
        if signature != "4":
            return "none"
        return "none-unsigned" if secure else "sha256"  # over http the signature covers the body
    if asked not in _ASKED:
        known = ", ".join(map(repr, _ASKED))
        raise ValueError(f"ex_checksum is one of {known} and None, not {asked!r}")
    if asked == "sha256":
        if signature != "4":
            raise ValueError("ex_checksum='sha256' needs Signature Version 4; use 'md5'")
        return "sha256"
    if asked in CRCS:
        CHECKSUMS[asked].new()
    return f"{asked}-unsigned" if signature == "4" and secure else asked


def cheapest_digest(
    profile: S3Profile, *, signature: str, secure: bool, locked: bool = False
) -> str:
    """The same, if the user has no choice. For locked objects a signature is not enough."""
    if signature != "4":
        return "md5"
    unsigned = secure and profile.unsigned_payload
    if unsigned and profile.default_checksum in CRCS:
        return f"{profile.default_checksum}-unsigned"
    if profile.checks_payload and not locked:
        return "sha256"
    name = "crc32" if locked and "crc32" in profile.checksums else "md5"
    return f"{name}-unsigned" if unsigned else name


_HASHES: Mapping[str, Callable[[], Any]] = {
    "md5": new_md5,
    "sha256": hashlib.sha256,
    **{name: CHECKSUMS[name].new for name in CRCS},
}


def _digest(algorithm: str, unsigned: bool, body: Body) -> Digest:
    more = _UNSIGNED if unsigned else {}
    if algorithm == "none":
        return Digest(more)
    value = hashed(_HASHES[algorithm](), body).digest()
    if algorithm == "sha256":
        return Digest({_PAYLOAD: value.hex()}, algorithm, value)
    header = "Content-MD5" if algorithm == "md5" else CHECKSUMS[algorithm].header
    return Digest({header: encoded(value), **more}, algorithm, value)


DIGESTS: Mapping[str, Callable[[Any], Digest]] = {
    "sha256": partial(_digest, "sha256", False),
    **{name: partial(_digest, name, False) for name in ("none", "md5", *CRCS)},
    **{f"{name}-unsigned": partial(_digest, name, True) for name in ("none", "md5", *CRCS)},
}
"""By name: what makes the digest of a body; ``-unsigned``: the body is not part of a signature."""


def trailing_checksum(profile: S3Profile, name: str) -> Checksum | None:
    """The checksum that can follow a body that is not signed; ``None`` if none can."""
    algorithm, _, unsigned = name.partition("-")
    can_follow = profile.trailing_checksums and unsigned and algorithm in CRCS
    return CHECKSUMS[algorithm] if can_follow else None


def create_headers(name: str) -> dict[str, str]:
    """The headers that announce in Create the digest ``name`` of the parts."""
    algorithm = name.removesuffix("-unsigned")
    if algorithm not in CRCS:
        return {}
    return {f"{HEADER}algorithm": algorithm.upper(), f"{HEADER}type": "FULL_OBJECT"}


def complete_headers(
    profile: S3Profile, parts: Sequence[PartReceipt], *, asked: bool = False
) -> dict[str, str]:
    """The headers of Complete that make the store check the whole object: its size, and its CRC.

    The CRC only if the user ``asked`` for it, or the profile has it.
    """
    headers = {}
    if profile.object_size_check:
        headers["x-amz-mp-object-size"] = str(sum(part.size for part in parts))
    whole = whole_checksum(parts)
    if whole.algorithm in CRCS and (asked or profile.full_object_checksum):
        headers[CHECKSUMS[whole.algorithm].header] = encoded(whole.value)
        headers[f"{HEADER}type"] = "FULL_OBJECT"
    return headers


def look_headers(digest: Digest) -> dict[str, str]:
    """Headers of HEAD that make the store report the checksum of an object with ``digest``."""
    return {f"{HEADER}mode": "ENABLED"} if digest.algorithm in CRCS else {}


def whole_checksum(parts: Sequence[PartReceipt]) -> Digest:
    """The checksum of an object of ``parts``, without headers; empty if it is unknown."""
    names = {part.digest.algorithm for part in parts}
    name = names.pop() if len(names) == 1 else ""
    if name not in CRCS:
        return Digest()
    value = combined(CHECKSUMS[name], [(part.digest.value, part.size) for part in parts])
    return Digest({}, name, value) if value is not None else Digest()


def compare_checksum(
    profile: S3Profile, digest: Digest, headers: Mapping[str, str], *, opaque: bool
) -> ChecksumComparison | None:
    """Compare ``digest`` with the checksum in a response; ``None``: nothing to compare.

    :param headers: names in lower case.
    :param opaque: its ETag is not an MD5, because of encryption.
    """
    if not digest.algorithm:
        return None
    text = headers.get(HEADER + digest.algorithm)
    value = decoded(text) if text else None
    if value and len(value) == len(digest.value):
        return ChecksumComparison(digest.algorithm, encoded(value), encoded(digest.value))
    if digest.algorithm != "md5" or opaque or not (profile.etag_is_md5 and profile.etag_was_seen):
        return None
    etag = headers.get("etag", "").strip('"')
    if not is_md5(etag):
        return None
    return ChecksumComparison("md5", etag, digest.value.hex())


def expected_etag(parts: Sequence[PartReceipt]) -> str | None:
    """The ETag that Amazon gives an object of these parts; ``None`` if theirs are not MD5s.

    It is the MD5 of the parts' MD5s, and their number: what Amazon does and documents only in its
    knowledge centre ("Check the integrity of an object uploaded to Amazon S3").
    """
    if not parts or not all(is_md5(part.etag) for part in parts):
        return None
    if len({part.etag for part in parts}) < len({(part.etag, part.size) for part in parts}):
        return None  # parts of different lengths have no MD5 in common: it is something else
    joined = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{md5_hex(joined)}-{len(parts)}"


def reported_digest(
    profile: S3Profile, etag: str | None, checksums: Mapping[str, str], *, opaque: bool
) -> Digest:
    """The digest of a part that the store reports; see :func:`compare_checksum`. Empty: none."""
    for name, text in checksums.items():
        value = decoded(text)
        if value is not None:
            return Digest({}, name, value)
    if etag and is_md5(etag) and profile.etag_is_md5 and not opaque:
        return Digest({}, "md5", bytes.fromhex(etag))
    return Digest()


def digest_of(text: str) -> Digest:
    """The digest of a text that has its algorithm and, after a colon, its value in base64."""
    algorithm, _, value = text.partition(":")
    return Digest({}, algorithm, decoded(value) or b"") if value else Digest()


def is_md5(etag: str) -> bool:
    return _MD5.fullmatch(etag) is not None


def md5_hex(body: Body) -> str:
    return str(hashed(new_md5(), body).hexdigest())


def encrypted(headers: Mapping[str, str]) -> bool:
    """Whether ETags are not MD5s because of encryption with a KMS or customer-provided key.

    :param headers: of an upload, or of a response; that to Complete does not name a customer's key.
    """
    names = "\n".join(("", *headers)).lower()
    if "\nx-goog-encryption-" in names:
        return True
    if "\nx-amz-server-side-encryption" not in names:
        return False  # as of most objects
    if "\nx-amz-server-side-encryption-customer-algorithm" in names:
        return True
    named = {name.lower(): value for name, value in headers.items()}
    return named.get("x-amz-server-side-encryption", "").startswith("aws:kms")


class Verifier:
    """Compares what the responses to one upload report with what was sent.

    :param compares_etag: an ETag that is an MD5 is compared with the MD5 that was sent.

    ``checksum`` is the one of the object that a response repeated: ``algorithm`` and ``value``.
    """

    def __init__(
        self,
        driver: Any,
        object_name: str,
        label: str,
        *,
        headers: Mapping[str, str],
        compares_etag: bool = True,
    ) -> None:
        self._driver, self._name, self._label = driver, object_name, label
        self._sent = headers
        self._compares_etag = compares_etag
        self.checksum: dict[str, str] | None = None

    def is_opaque(self, headers: Mapping[str, str]) -> bool:
        return encrypted(self._sent) or encrypted(headers)

    def reported(self, digest: Digest, headers: Mapping[str, str]) -> ChecksumComparison | None:
        """The checksum that a response reports; ``None`` if it cannot be compared."""
        opaque = digest.algorithm == "md5" and (not self._compares_etag or self.is_opaque(headers))
        return compare_checksum(self._driver.profile, digest, headers, opaque=opaque)

    def identity(self, parts: Sequence[PartReceipt]) -> tuple[str, str]:
        """The ETag, and the checksum as text, of the object of these parts; empty if unknown."""
        known = self._driver.profile.multipart_etag and not self.is_opaque({})
        whole = whole_checksum(parts)
        text = f"{whole.algorithm}:{encoded(whole.value)}" if whole.algorithm else ""
        return (expected_etag(parts) or "" if known else ""), text

    def is_expected(self, etag: str, digest: Digest, headers: Mapping[str, str]) -> bool | None:
        """Whether a response describes the object with this :meth:`identity`; ``None``: unknown."""
        found = self.reported(digest, headers)
        if found is not None:
            return found.same
        there = strip_etag(headers.get("etag", ""))
        return there == etag if etag and there and not self.is_opaque(headers) else None

    def check_part(self, number: int, digest: Digest, headers: Mapping[str, str]) -> None:
        """Check the response to a part, which can be sent again."""
        found = self.reported(digest, headers)
        if found is not None and not found.same:
            raise self._mismatch(
                f"the store reported part {number} of {self._label} with the {found.algorithm} "
                f"{found.value}, and {found.expected} was sent; nothing was published"
            )

    def check_object(self, digest: Digest, headers: Mapping[str, str]) -> None:
        """Check the response that published the object; ``digest`` is that of all its bytes."""
        found = self.reported(digest, headers)
        if found is None:
            return
        if not found.same:
            raise self._mismatch(
                f"the store has {self._label} with the {found.algorithm} {found.value}, and "
                f"{found.expected} was sent: the object is damaged"
            )
        self.checksum = {"algorithm": found.algorithm, "value": found.value}

    def check_completed(self, parts: Sequence[PartReceipt], headers: Mapping[str, str]) -> None:
        self.check_object(whole_checksum(parts), headers)
        etag = headers.get("etag", "").strip('"')
        expected = expected_etag(parts)
        if expected is None or not self._driver.profile.multipart_etag:
            return
        if not etag or self.is_opaque(headers):
            return
        if etag != expected:
            raise self._mismatch(
                f"the store made {self._label} with the ETag {etag}; "
                f"the parts that were sent give {expected}"
            )
        if {part.digest.algorithm for part in parts} == {"md5"}:
            self.checksum = {"algorithm": "md5", "value": etag}

    def _mismatch(self, text: str) -> ObjectHashMismatchError:
        return ObjectHashMismatchError(text, self._driver, self._name)


MODE = f"{HEADER}mode"
MODE_HEADERS = {MODE: "ENABLED"}
"""The header of a GET of a whole object that makes the store report its checksum."""

_MD5_OF_ETAG = Checksum("md5", 16, new_md5)


def expected_digest(
    profile: S3Profile, headers: Mapping[str, str], *, md5: bool
) -> tuple[Checksum, bytes] | None:
    """The digest to compute of a whole object, and the value that it must have; ``None``: unknown.

    :param md5: use the ETag, which encryption has not changed, if there is no checksum.
    """
    found = checksum_in(headers)
    if found is not None or not md5 or not profile.etag_is_md5:
        return found
    etag = strip_etag(headers.get("etag", ""))
    return (_MD5_OF_ETAG, bytes.fromhex(etag)) if is_md5(etag) else None
