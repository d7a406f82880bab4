# SPDX-License-Identifier: Apache-2.0
"""Which headers of an upload go to which of its requests, and metadata there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.metadata import decode_metadata, metadata_headers, metadata_in
from libcloud.storage.s3.headers import has_condition, has_digest, headers_for
from libcloud.storage.transfer.values import Step

PAYER = {"x-amz-request-payer": "requester", "X-Amz-Expected-Bucket-Owner": "111122223333"}
KEY = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "X-Amz-Server-Side-Encryption-Customer-Key": "a2V5",
    "x-amz-server-side-encryption-customer-key-MD5": "bWQ1",
}
CONDITIONS = {"If-None-Match": "*", "if-match": '"etag"'}
BODY = {
    "Content-MD5": "kAFQmDzST7DWlj99KOF/cg==",
    "Content-Length": "3",
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    "x-amz-checksum-crc32": "y/Q5Jg==",
}
OBJECT = {
    "Content-Type": "text/plain",
    "Cache-Control": "no-store",
    "x-amz-acl": "private",
    "x-amz-storage-class": "GLACIER",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "id",
    "x-amz-tagging": "a=b",
    "x-amz-meta-colour": "red",
    "x-amz-checksum-algorithm": "CRC32",
    "x-amz-checksum-type": "FULL_OBJECT",
    "x-amz-object-lock-mode": "GOVERNANCE",
}
ALL = {**PAYER, **KEY, **CONDITIONS, **BODY, **OBJECT}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step.PUT, ALL),
        (Step.CREATE, {**PAYER, **KEY, **OBJECT}),
        (Step.PART, {**PAYER, **KEY}),
        (Step.COMPLETE, {**PAYER, **KEY, **CONDITIONS}),
        (Step.CONFIRM, {**PAYER, **KEY}),
        (Step.CHECK, {**PAYER, **KEY}),
        (Step.ABORT, PAYER),
    ],
)
def test_each_request_gets_the_headers_it_knows(step: Step, expected: dict[str, str]) -> None:
    assert headers_for(step, ALL) == expected


@pytest.mark.parametrize("step", Step)
def test_the_callers_headers_are_not_changed_and_not_handed_on(step: Step) -> None:
    headers = dict(ALL)
    chosen = headers_for(step, headers)
    chosen["x-amz-new"] = "x"
    assert headers == ALL


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, False), (OBJECT, False), ({"IF-NONE-MATCH": "*"}, True), ({"If-Match": "x"}, True)],
)
def test_conditions_are_known_in_any_case(headers: dict[str, str], expected: bool) -> None:
    assert has_condition(headers) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        (OBJECT, False),
        ({"Content-Length": "3"}, False),
        ({"content-MD5": "x"}, True),
        ({"X-Amz-Checksum-SHA256": "x"}, True),
        ({"x-amz-content-sha256": "x"}, True),
        ({"x-amz-checksum-algorithm": "SHA256"}, False),
    ],
)
def test_a_digest_of_the_caller_is_seen(headers: dict[str, str], expected: bool) -> None:
    assert has_digest(headers) is expected


# Metadata.


def test_metadata_becomes_headers() -> None:
    assert metadata_headers({"Colour": "red", "size": 7, "empty": ""}, "x-amz-meta-") == {
        "x-amz-meta-Colour": "red",
        "x-amz-meta-size": "7",
        "x-amz-meta-empty": "",
    }


def test_text_outside_ascii_is_one_encoded_word() -> None:
    headers = metadata_headers({"city": "Zürich"}, "x-amz-meta-")
    assert headers == {"x-amz-meta-city": "=?UTF-8?B?WsO8cmljaA==?="}
    assert decode_metadata("=?UTF-8?B?WsO8cmljaA==?=") == "Zürich"


def test_what_s3_writes_is_read() -> None:
    assert decode_metadata("=?UTF-8?Q?Z=C3=BCrich?=") == "Zürich"
    assert decode_metadata("=?ISO-8859-1?Q?Z=FCrich?=") == "Zürich"


@pytest.mark.parametrize(
    "value", ["", "red", "=?", "=?UTF-8?B?WsO8", "a =?UTF-8?B?WA==?=", "=?x?="]
)
def test_text_without_encoded_words_is_unchanged(value: str) -> None:
    assert decode_metadata(value) == value


@pytest.mark.parametrize("value", ["=?no-such-code?B?WA==?=", "=?UTF-8?B?/w==?=", "=?UTF-8?X?x?="])
def test_an_invalid_encoded_word_is_kept_as_text(value: str) -> None:
    assert isinstance(decode_metadata(value), str)


@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32)))
def test_any_text_comes_back(value: str) -> None:
    if "\x7f" in value:
        value = value.replace("\x7f", "-")
    (header,) = metadata_headers({"key": value}, "x-amz-meta-").values()
    assert header.isascii()
    assert header == header.strip()  # HTTP takes spaces away from the ends
    assert decode_metadata(header) == value


def test_text_that_a_store_returns_as_utf_8_is_read() -> None:
    raw = "Zürich 日".encode().decode("latin-1")
    assert metadata_in({"x-amz-meta-city": raw}, "x-amz-meta-") == {"city": "Zürich 日"}
    assert metadata_in({"x-amz-meta-city": "Z\xfcrich"}, "x-amz-meta-") == {"city": "Zürich"}


def test_text_that_could_be_utf_8_read_as_latin_1_comes_back() -> None:
    value = "ü".encode().decode("latin-1")
    headers = metadata_headers({"a": value}, "x-object-meta-")
    assert metadata_in(headers, "x-object-meta-") == {"a": value}


@pytest.mark.parametrize("value", ["=?UTF-8?B?WA==?=", " red", "red ", "\N{NO-BREAK SPACE}"])
def test_text_that_would_not_round_trip_is_encoded(value: str) -> None:
    (header,) = metadata_headers({"key": value}, "").values()
    assert header.startswith("=?UTF-8?B?")
    assert decode_metadata(header) == value


@pytest.mark.parametrize("key", ["", "a b", "a:b", "a\r\nb", "ä", "a/b", "(a)", 'a"'])
def test_a_key_that_is_no_header_name_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="metadata key"):
        metadata_headers({key: "x"}, "x-amz-meta-")


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Injected: b", "\0", "a\tb", "\x7f"])
def test_a_value_with_control_characters_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        metadata_headers({"key": value}, "x-amz-meta-")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        metadata_headers({"key": "\ud800"}, "x-amz-meta-")
