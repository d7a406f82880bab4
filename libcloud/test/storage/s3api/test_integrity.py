# SPDX-License-Identifier: Apache-2.0
"""Which digest goes with a body, what the headers say, and what ETag comes of it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.s3api.integrity import (
    DIGESTS,
    choose_digest,
    complete_headers,
    create_headers,
    expected_etag,
    is_md5,
    md5_hex,
)
from libcloud.storage.s3api.profile import AMAZON, S3Profile
from libcloud.storage.transfer.values import Body, Digest, PartReceipt
from libcloud.utils.bodies import Pieces

PLAIN = S3Profile("plain")
UNSIGNED = replace(PLAIN, unsigned_payload=True)
UNCHECKED = replace(PLAIN, checks_payload=False)
DATA = b"what goes over the wire"


# Which one.


@pytest.mark.parametrize(
    ("profile", "signature", "secure", "asked", "chosen"),
    [
        (AMAZON, "4", True, "auto", "crc32-unsigned"),
        (AMAZON, "4", False, "auto", "sha256"),
        (AMAZON, "2", True, "auto", "md5"),
        (PLAIN, "4", True, "auto", "sha256"),
        (PLAIN, "4", False, "auto", "sha256"),
        (PLAIN, "2", False, "auto", "md5"),
        (UNSIGNED, "4", True, "auto", "sha256"),
        (UNCHECKED, "4", True, "auto", "md5"),
        (UNCHECKED, "4", False, "auto", "md5"),
        (replace(UNCHECKED, unsigned_payload=True), "4", True, "auto", "md5-unsigned"),
        (AMAZON, "4", True, None, "none-unsigned"),
        (AMAZON, "4", False, None, "sha256"),
        (AMAZON, "2", True, None, "none"),
        (PLAIN, "4", True, "md5", "md5-unsigned"),
        (PLAIN, "4", False, "md5", "md5"),
        (PLAIN, "2", True, "md5", "md5"),
        (PLAIN, "4", True, "crc32", "crc32-unsigned"),
        (PLAIN, "4", False, "crc32", "crc32"),
        (PLAIN, "2", True, "crc32", "crc32"),
        (PLAIN, "4", True, "sha256", "sha256"),
    ],
)
def test_the_cheapest_digest_that_is_checked_is_chosen(
    profile: S3Profile, signature: str, secure: bool, asked: str | None, chosen: str
) -> None:
    assert choose_digest(profile, signature=signature, secure=secure, asked=asked) == chosen
    assert chosen in DIGESTS


@pytest.mark.parametrize(
    ("signature", "asked"),
    [("2", "sha256"), ("4", "sha1"), ("4", "AUTO"), ("4", ""), ("2", "crc64nvme")],
)
def test_a_digest_that_cannot_be_sent_is_refused(signature: str, asked: str) -> None:
    with pytest.raises(ValueError, match="ex_checksum"):
        choose_digest(AMAZON, signature=signature, secure=True, asked=asked)


def test_a_body_over_http_is_never_unsigned() -> None:
    for profile in (AMAZON, PLAIN, UNCHECKED, UNSIGNED):
        for asked in ("auto", "crc32", "md5", "sha256", None):
            chosen = choose_digest(profile, signature="4", secure=False, asked=asked)
            assert "unsigned" not in chosen


# As which headers.


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


MD5 = {"Content-MD5": _b64(hashlib.md5(DATA).digest())}
CRC32 = {"x-amz-checksum-crc32": _b64(zlib.crc32(DATA).to_bytes(4, "big"))}
SHA256 = {"x-amz-content-sha256": hashlib.sha256(DATA).hexdigest()}
NOT_SIGNED = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
EXPECTED = {
    "sha256": SHA256,
    "md5": MD5,
    "md5-unsigned": {**MD5, **NOT_SIGNED},
    "crc32": CRC32,
    "crc32-unsigned": {**CRC32, **NOT_SIGNED},
    "none": {},
    "none-unsigned": NOT_SIGNED,
}


BODIES: dict[str, Callable[[bytes], Body]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": lambda data: memoryview(data),
    "pieces": lambda data: Pieces([data[:4], data[4:4], memoryview(data)[4:]]),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_is_that_of_the_whole_body(name: str, kind: str) -> None:
    digest = DIGESTS[name](BODIES[kind](DATA))
    assert digest.headers == EXPECTED[name]
    assert digest.crc32 == (zlib.crc32(DATA) if name.startswith("crc32") else None)


@pytest.mark.parametrize("name", DIGESTS)
def test_an_empty_body_has_a_digest_too(name: str) -> None:
    assert set(DIGESTS[name](b"").headers) == set(EXPECTED[name])


def test_digests_as_they_are_written_in_the_specifications() -> None:
    # RFC 1321, appendix A.5, FIPS 180-2, appendix B.1, and the check value of CRC-32/ISO-HDLC.
    assert DIGESTS["md5"](b"abc").headers == {"Content-MD5": "kAFQmDzST7DWlj99KOF/cg=="}
    sha256 = DIGESTS["sha256"](b"abc").headers["x-amz-content-sha256"]
    assert sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert DIGESTS["crc32"](b"123456789").headers == {"x-amz-checksum-crc32": "y/Q5Jg=="}


def test_create_announces_the_checksum_that_parts_will_carry() -> None:
    announced = {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"}
    assert create_headers("crc32") == create_headers("crc32-unsigned") == announced
    for name in ("sha256", "md5", "md5-unsigned", "none", "none-unsigned"):
        assert create_headers(name) == {}


def _receipts(*bodies: bytes, name: str = "crc32") -> list[PartReceipt]:
    return [
        PartReceipt(number, md5_hex(body), len(body), DIGESTS[name](body))
        for number, body in enumerate(bodies, start=1)
    ]


def test_complete_carries_the_size_and_the_checksum_of_the_whole() -> None:
    whole = zlib.crc32(b"onetwothree").to_bytes(4, "big")
    assert complete_headers(AMAZON, _receipts(b"one", b"two", b"three")) == {
        "x-amz-mp-object-size": "11",
        "x-amz-checksum-crc32": _b64(whole),
        "x-amz-checksum-type": "FULL_OBJECT",
    }


@pytest.mark.parametrize("name", ["sha256", "md5", "none"])
def test_without_checksums_of_the_parts_there_is_none_of_the_whole(name: str) -> None:
    headers = complete_headers(AMAZON, _receipts(b"one", b"two", name=name))
    assert headers == {"x-amz-mp-object-size": "6"}


def test_one_part_without_a_checksum_is_enough_for_there_to_be_none() -> None:
    one, two, three = _receipts(b"one", b"two", b"three")
    for parts in (
        [replace(one, digest=Digest()), two],
        [one, replace(two, digest=Digest()), three],
    ):
        assert "x-amz-checksum-crc32" not in complete_headers(AMAZON, parts)


def test_a_store_is_told_only_what_it_checks() -> None:
    parts = _receipts(b"one", b"two")
    assert complete_headers(PLAIN, parts) == {}
    assert set(complete_headers(replace(PLAIN, object_size_check=True), parts)) == {
        "x-amz-mp-object-size"
    }
    assert set(complete_headers(replace(PLAIN, full_object_checksum=True), parts)) == {
        "x-amz-checksum-crc32",
        "x-amz-checksum-type",
    }


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=8))
def test_the_checksum_of_the_whole_is_that_of_the_data(bodies: list[bytes]) -> None:
    headers = complete_headers(AMAZON, _receipts(*bodies))
    whole = b"".join(bodies)
    assert headers["x-amz-checksum-crc32"] == _b64(zlib.crc32(whole).to_bytes(4, "big"))
    assert headers["x-amz-mp-object-size"] == str(len(whole))


# Which ETag comes of it.


def test_the_etag_of_parts_is_the_md5_of_their_md5s_and_their_number() -> None:
    digests = b"".join(hashlib.md5(body).digest() for body in (b"one", b"two"))
    assert expected_etag(_receipts(b"one", b"two")) == f"{hashlib.md5(digests).hexdigest()}-2"
    assert str(expected_etag(_receipts(b"one"))).endswith("-1")


def test_the_order_of_the_parts_is_in_the_etag() -> None:
    one, two = _receipts(b"one", b"two")
    assert expected_etag([one, two]) != expected_etag([two, one])


def test_equal_parts_are_no_reason_to_doubt() -> None:
    assert expected_etag(_receipts(b"one", b"one", b"on")) is not None


@pytest.mark.parametrize("etag", ["", "abc", "A" * 32, "g" * 32, "a" * 32 + "-2", "a" * 31])
def test_where_an_etag_is_no_md5_nothing_is_expected(etag: str) -> None:
    one, two = _receipts(b"one", b"two")
    assert not is_md5(etag)
    assert expected_etag([one, replace(two, etag=etag)]) is None


def test_where_parts_of_different_lengths_have_one_etag_it_is_no_md5() -> None:
    one, two = _receipts(b"one", b"twotwo")
    assert expected_etag([one, replace(two, etag=one.etag)]) is None


def test_of_nothing_nothing_is_expected() -> None:
    assert expected_etag([]) is None


@pytest.mark.parametrize("kind", BODIES)
def test_the_md5_of_a_body_is_that_of_its_bytes(kind: str) -> None:
    assert md5_hex(BODIES[kind](DATA)) == hashlib.md5(DATA).hexdigest()
    assert is_md5(md5_hex(BODIES[kind](DATA)))


def test_digests_are_values() -> None:
    digest: Any = DIGESTS["md5"](DATA)
    with pytest.raises(AttributeError):
        digest.crc32 = 1
