# SPDX-License-Identifier: Apache-2.0
"""Names of buckets and keys."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.s3.names import check_bucket_name, check_object_name, encode_name

UNRESERVED = "abcXYZ019-._~"


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        (UNRESERVED, UNRESERVED),
        ("a/b//c", "a/b//c"),
        ("../x/./y", "../x/./y"),
        ("a b+c", "a%20b%2Bc"),
        ("?uploads&x=1#f", "%3Fuploads%26x%3D1%23f"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80"),
        ("\x00\n\x7f", "%00%0A%7F"),
        ("!*'();:@$,[]", "%21%2A%27%28%29%3B%3A%40%24%2C%5B%5D"),
        ("", ""),
    ],
)
def test_a_name_is_encoded_once_and_slashes_stay(name: str, encoded: str) -> None:
    assert encode_name(name) == encoded


@given(st.text(st.characters(codec="utf-8")))
def test_an_encoded_name_decodes_to_the_name_and_is_plain_ascii(name: str) -> None:
    encoded = encode_name(name)
    assert unquote(encoded, errors="strict") == name
    assert set(encoded) <= set("/%" + UNRESERVED + "ABCDEFGHIJKLMNOPQRSTUVWXYZ") | set(
        "abcdefghijklmnopqrstuvwxyz0123456789"
    )


def test_half_a_surrogate_pair_is_refused_with_its_place() -> None:
    for check in (check_object_name, check_bucket_name):
        with pytest.raises(ValueError, match="character 3 is half of a surrogate pair"):
            check("ab\udc80")
    with pytest.raises(ValueError, match="character 3 is half of a surrogate pair"):
        encode_name("ab\ud800")


def test_a_listed_name_that_is_not_utf_8_keeps_its_bytes() -> None:
    name = b"ab\x80\xff/\xc3".decode("utf-8", "surrogateescape")
    assert encode_name(name) == "ab%80%FF/%C3"
    check_object_name(name, listed=True)
    with pytest.raises(ValueError, match="1026 bytes"):
        check_object_name("\udcff" * 1026, listed=True)


@pytest.mark.parametrize("name", ["x", "a" * 1024, "é" * 512, "/", "..", "a//b", "\x01"])
def test_any_name_of_1_to_1024_bytes_is_an_object_name(name: str) -> None:
    check_object_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "must not be empty"),
        ("a" * 1025, "1025 bytes long .* at most 1024"),
        ("é" * 513, "1026 bytes"),
    ],
)
def test_an_object_name_that_no_store_takes_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_object_name(name)


@pytest.mark.parametrize("name", ["bucket", "test_container", "a.b", "Ünder", "a" * 255])
def test_bucket_names_are_validated_by_the_store(name: str) -> None:
    check_bucket_name(name)


@pytest.mark.parametrize("name", ["", "a/b", "/", ".", ".."])
def test_a_bucket_name_that_would_change_the_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"container"):
        check_bucket_name(name)
