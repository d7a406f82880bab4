# SPDX-License-Identifier: Apache-2.0
"""Which digest goes with a body, what the headers say, and what ETag comes of it."""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.s3 import checksums
from libcloud.storage.s3.integrity import (
    DIGESTS,
    cheapest_digest,
    chosen_digest,
    compare_checksum,
    complete_headers,
    create_headers,
    expected_etag,
    is_md5,
    md5_hex,
    whole_checksum,
)
from libcloud.storage.s3.profiles import AMAZON, S3Profile
from libcloud.storage.transfer.values import Body, Digest, PartReceipt
from libcloud.test.storage.fakes.digests import crc
from libcloud.utils.bodies import Pieces, awscrt_checksum

PLAIN = S3Profile("plain")
UNSIGNED = replace(PLAIN, unsigned_payload=True)
UNCHECKED = replace(PLAIN, checks_payload=False)
DATA = b"what goes over the wire"


# Which one.


def digest_for(profile: S3Profile, asked: str | None, signature: str, secure: bool) -> str:
    if asked == "auto":
        return cheapest_digest(profile, signature=signature, secure=secure)
    return chosen_digest(asked, signature=signature, secure=secure)


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
    assert digest_for(profile, asked, signature, secure) == chosen
    assert chosen in DIGESTS


@pytest.mark.parametrize(
    ("signature", "asked"),
    [("2", "sha256"), ("4", "sha1"), ("4", "AUTO"), ("4", ""), ("2", "none-unsigned")],
)
def test_a_digest_that_cannot_be_sent_is_refused(signature: str, asked: str) -> None:
    with pytest.raises(ValueError, match="ex_checksum"):
        chosen_digest(asked, signature=signature, secure=True)


def test_a_body_over_http_is_never_unsigned() -> None:
    for profile in (AMAZON, PLAIN, UNCHECKED, UNSIGNED):
        for asked in ("auto", "crc32", "md5", "sha256", None):
            assert "unsigned" not in digest_for(profile, asked, "4", secure=False)


# As which headers.


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


VALUES = {
    "md5": hashlib.md5(DATA).digest(),
    "sha256": hashlib.sha256(DATA).digest(),
    "crc32": zlib.crc32(DATA).to_bytes(4, "big"),
    "crc32c": crc("crc32c", DATA),
    "crc64nvme": crc("crc64nvme", DATA),
    "none": b"",
}
MD5 = {"Content-MD5": _b64(VALUES["md5"])}
CRCS = {
    name: {f"x-amz-checksum-{name}": _b64(VALUES[name])}
    for name in ("crc32", "crc32c", "crc64nvme")
}
SHA256 = {"x-amz-content-sha256": hashlib.sha256(DATA).hexdigest()}
NOT_SIGNED = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
EXPECTED = {
    "sha256": SHA256,
    "md5": MD5,
    "md5-unsigned": {**MD5, **NOT_SIGNED},
    **CRCS,
    **{f"{name}-unsigned": {**headers, **NOT_SIGNED} for name, headers in CRCS.items()},
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
    algorithm = name.removesuffix("-unsigned")
    assert digest.algorithm == ("" if algorithm == "none" else algorithm)
    assert digest.value == VALUES[algorithm]


@pytest.mark.parametrize("name", DIGESTS)
def test_an_empty_body_has_a_digest_too(name: str) -> None:
    assert set(DIGESTS[name](b"").headers) == set(EXPECTED[name])


def test_digests_as_they_are_written_in_the_specifications() -> None:
    # RFC 1321, appendix A.5, FIPS 180-2, appendix B.1, and the check values of CRCs.
    assert DIGESTS["md5"](b"abc").headers == {"Content-MD5": "kAFQmDzST7DWlj99KOF/cg=="}
    sha256 = DIGESTS["sha256"](b"abc").headers["x-amz-content-sha256"]
    assert sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert DIGESTS["crc32"](b"123456789").value.hex() == "cbf43926"
    assert DIGESTS["crc32c"](b"123456789").value.hex() == "e3069283"
    assert DIGESTS["crc64nvme"](b"123456789").value.hex() == "ae8b14860a799888"


@pytest.mark.parametrize("crc_name", CRCS)
def test_create_announces_the_checksum_that_parts_will_carry(crc_name: str) -> None:
    announced = {
        "x-amz-checksum-algorithm": crc_name.upper(),
        "x-amz-checksum-type": "FULL_OBJECT",
    }
    assert create_headers(crc_name) == create_headers(f"{crc_name}-unsigned") == announced
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


def test_a_store_gets_only_the_checksums_it_verifies() -> None:
    parts = _receipts(b"one", b"two")
    assert complete_headers(PLAIN, parts) == {}
    assert set(complete_headers(replace(PLAIN, object_size_check=True), parts)) == {
        "x-amz-mp-object-size"
    }
    assert set(complete_headers(replace(PLAIN, full_object_checksum=True), parts)) == {
        "x-amz-checksum-crc32",
        "x-amz-checksum-type",
    }


@pytest.mark.parametrize("name", CRCS)
@given(bodies=st.lists(st.binary(max_size=50), min_size=1, max_size=8))
def test_the_checksum_of_the_whole_is_that_of_the_data(name: str, bodies: list[bytes]) -> None:
    headers = complete_headers(AMAZON, _receipts(*bodies, name=name))
    whole = b"".join(bodies)
    assert headers[f"x-amz-checksum-{name}"] == _b64(DIGESTS[name](whole).value)
    assert headers["x-amz-mp-object-size"] == str(len(whole))


def test_parts_with_different_checksums_have_none_of_the_whole() -> None:
    parts = [*_receipts(b"one"), *_receipts(b"two", name="crc32c")]
    assert whole_checksum(parts) == Digest()


def test_a_requested_checksum_is_returned_for_the_whole_object() -> None:
    parts = _receipts(b"one", b"two")
    assert complete_headers(PLAIN, parts, asked=True) == {
        "x-amz-checksum-crc32": _b64(zlib.crc32(b"onetwo").to_bytes(4, "big")),
        "x-amz-checksum-type": "FULL_OBJECT",
    }


@pytest.mark.parametrize("old", [False, True])
def test_a_missing_package_is_named_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    too_old = ModuleType("awscrt")
    vars(too_old)["checksums"] = ModuleType("awscrt.checksums")
    monkeypatch.setitem(sys.modules, "awscrt", too_old if old else None)
    awscrt_checksum.cache_clear()
    for name in ("crc32c", "crc64nvme"):
        with pytest.raises(ModuleNotFoundError, match=r"libcloud-storage\[checksums\]"):
            chosen_digest(name, signature="4", secure=True)
    awscrt_checksum.cache_clear()


def test_a_missing_package_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for = []

    def find(name: str, *_: Any) -> None:
        if name == "awscrt":
            looked_for.append(name)
            raise ModuleNotFoundError(name)

    for name in [name for name in sys.modules if name.partition(".")[0] == "awscrt"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find), *sys.meta_path])
    awscrt_checksum.cache_clear()
    found = [checksums.available("crc64nvme") for _ in range(3)]
    awscrt_checksum.cache_clear()

    assert (found, looked_for) == ([False] * 3, ["awscrt"])


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_crc32_has_the_same_value_with_and_without_the_faster_package(
    monkeypatch: pytest.MonkeyPatch, kind: Any, installed: bool
) -> None:
    checksums._crc32.cache_clear()
    if not installed:
        monkeypatch.setitem(sys.modules, "zlib_ng", None)
    running = checksums.CHECKSUMS["crc32"].new()
    for size in (0, 1, 63, 64, 65, 70_001):
        running.update(kind(bytes(range(256)) * 300)[:size])
    whole = b"".join((bytes(range(256)) * 300)[:size] for size in (0, 1, 63, 64, 65, 70_001))

    assert running.digest() == zlib.crc32(whole).to_bytes(4, "big")
    assert (checksums._crc32() is zlib.crc32) == (not installed)
    checksums._crc32.cache_clear()


# What an answer tells.


@pytest.mark.parametrize("name", CRCS)
def test_a_response_that_repeats_the_checksum_is_compared(name: str) -> None:
    sent, other = DIGESTS[name](DATA), DIGESTS[name](b"other")
    for headers, same in ((sent.headers, True), (other.headers, False)):
        answer = compare_checksum(PLAIN, sent, headers, opaque=True)
        assert answer is not None
        assert (answer.algorithm, answer.same) == (name, same)


def test_an_etag_is_compared_where_it_is_an_md5() -> None:
    stores_md5 = replace(PLAIN, etag_is_md5=True)
    sent, other = DIGESTS["md5"](DATA), {"etag": f'"{md5_hex(b"other")}"'}
    answer = compare_checksum(stores_md5, sent, {"etag": f'"{md5_hex(DATA)}"'}, opaque=False)
    assert answer is not None and answer.same
    answer = compare_checksum(stores_md5, sent, other, opaque=False)
    assert answer is not None and not answer.same
    assert compare_checksum(stores_md5, sent, other, opaque=True) is None
    assert compare_checksum(stores_md5, sent, {"etag": '"abc-2"'}, opaque=False) is None
    assert compare_checksum(stores_md5, DIGESTS["crc32"](DATA), other, opaque=False) is None
    assert compare_checksum(PLAIN, sent, other, opaque=False) is None
    unseen = replace(stores_md5, etag_was_seen=False)
    assert compare_checksum(unseen, sent, other, opaque=False) is None


@pytest.mark.parametrize(
    "value", ["", "y/Q5Jg==-3", "no base64", "AAAA"], ids=["none", "composite", "words", "short"]
)
def test_a_checksum_of_a_part_is_no_evidence(value: str) -> None:
    headers = {"x-amz-checksum-crc32": value} if value else {}
    assert compare_checksum(AMAZON, DIGESTS["crc32"](DATA), headers, opaque=True) is None
    assert compare_checksum(AMAZON, Digest(), CRCS["crc32"], opaque=True) is None


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
def test_an_etag_that_is_no_md5_is_not_compared(etag: str) -> None:
    one, two = _receipts(b"one", b"two")
    assert not is_md5(etag)
    assert expected_etag([one, replace(two, etag=etag)]) is None


def test_where_parts_of_different_lengths_have_one_etag_it_is_no_md5() -> None:
    one, two = _receipts(b"one", b"twotwo")
    assert expected_etag([one, replace(two, etag=one.etag)]) is None


def test_empty_data_needs_no_confirmation() -> None:
    assert expected_etag([]) is None


@pytest.mark.parametrize("kind", BODIES)
def test_the_md5_of_a_body_is_that_of_its_bytes(kind: str) -> None:
    assert md5_hex(BODIES[kind](DATA)) == hashlib.md5(DATA).hexdigest()
    assert is_md5(md5_hex(BODIES[kind](DATA)))
