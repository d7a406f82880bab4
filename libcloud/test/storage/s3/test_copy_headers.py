# SPDX-License-Identifier: Apache-2.0
"""Headers of copies: which request gets which, and what is kept of the source."""

from __future__ import annotations

import pytest

from libcloud.storage.s3.headers import (
    changes,
    copy_headers,
    head_headers,
    split_headers,
)

KEY = "server-side-encryption-customer-key"
SEEN = {
    "content-type": "text/plain",
    "cache-control": "no-store",
    "content-length": "10",
    "etag": '"e1"',
    "x-amz-meta-a": "1",
    "x-amz-meta-b": "=?UTF-8?B?w7w=?=",
    "x-amz-storage-class": "GLACIER",
    "x-amz-server-side-encryption": "AES256",
}
KEPT = {
    "content-type": "text/plain",
    "cache-control": "no-store",
    "x-amz-meta-a": "1",
    "x-amz-meta-b": "=?UTF-8?B?w7w=?=",
}


def test_headers_of_the_source_go_where_the_source_is_read() -> None:
    given = split_headers(
        {
            f"X-Amz-Copy-Source-{KEY}": "k",
            f"x-amz-{KEY}": "new",
            "x-amz-copy-source-if-unmodified-since": "then",
            "x-amz-source-expected-bucket-owner": "1",
            "x-amz-expected-bucket-owner": "2",
            "x-amz-request-payer": "requester",
            "If-None-Match": "*",
        },
        "x-amz",
    )
    assert given.own == {
        f"x-amz-{KEY}": "new",
        "x-amz-expected-bucket-owner": "2",
        "x-amz-request-payer": "requester",
        "If-None-Match": "*",
    }
    assert copy_headers(given, SEEN).of_source == given.of_source
    assert head_headers(given) == {
        "Accept-Encoding": "identity",
        f"x-amz-{KEY}": "k",
        "x-amz-expected-bucket-owner": "1",
        "x-amz-request-payer": "requester",
    }


def test_unchanged_settings_are_sent_only_where_the_store_would_lose_them() -> None:
    headers = copy_headers(split_headers({"x-amz-acl": "private"}, "x-amz"), SEEN)
    assert headers.whole == {"x-amz-acl": "private"}
    assert headers.in_parts == {**KEPT, "x-amz-acl": "private"}


@pytest.mark.parametrize("vendor", ["x-amz", "x-goog"])
def test_one_change_sends_all_settings_again(vendor: str) -> None:
    seen = {name.replace("x-amz", vendor): value for name, value in SEEN.items()}
    kept = {name.replace("x-amz", vendor): value for name, value in KEPT.items()}
    headers = copy_headers(split_headers({}, vendor), seen, content_type="image/png")
    del kept["content-type"]
    described = {**kept, "Content-Type": "image/png"}
    assert headers.in_parts == described
    assert headers.whole == {**described, f"{vendor}-metadata-directive": "REPLACE"}


def test_metadata_that_a_store_returns_as_utf_8_is_copied_as_text() -> None:
    seen = {"x-amz-meta-a": "ü".encode().decode("latin-1"), "x-amz-meta-b": "\xfc"}
    headers = copy_headers(split_headers({}, "x-amz"), seen, content_type="image/png")
    kept = {name: headers.whole[name] for name in seen}
    assert kept == dict.fromkeys(seen, "=?UTF-8?B?w7w=?=")


def test_new_metadata_replaces_all_of_the_old() -> None:
    headers = copy_headers(split_headers({}, "x-amz"), SEEN, metadata={"c": "ü", "d": 1})
    assert headers.in_parts == {
        "content-type": "text/plain",
        "cache-control": "no-store",
        "x-amz-meta-c": "=?UTF-8?B?w7w=?=",
        "x-amz-meta-d": "1",
    }


def test_the_case_of_names_does_not_matter() -> None:
    given = split_headers({"Cache-Control": "private", "X-AMZ-META-A": "2"}, "x-amz")
    headers = copy_headers(given, SEEN)
    assert headers.in_parts == {
        "content-type": "text/plain",
        "x-amz-meta-b": "=?UTF-8?B?w7w=?=",
        "Cache-Control": "private",
        "X-AMZ-META-A": "2",
    }
    assert headers.whole["x-amz-metadata-directive"] == "REPLACE"


def test_a_directive_about_tags_is_for_one_request_only() -> None:
    tags = {"x-amz-tagging": "a=1", "x-amz-tagging-directive": "REPLACE"}
    headers = copy_headers(split_headers(tags, "x-amz"), {})
    assert headers.whole == tags
    assert headers.in_parts == {"x-amz-tagging": "a=1"}


def test_metadata_beyond_ascii_is_encoded_again() -> None:
    headers = copy_headers(split_headers({}, "x-amz"), {"x-amz-meta-a": "ü"})
    assert headers.in_parts == {"x-amz-meta-a": "=?UTF-8?B?w7w=?="}


@pytest.mark.parametrize(
    ("headers", "change"),
    [
        ({}, False),
        ({"x-amz-acl": "private"}, False),
        ({"If-None-Match": "*"}, False),
        ({"x-amz-copy-source-server-side-encryption-customer-key": "k"}, False),
        ({"X-Amz-Storage-Class": "GLACIER"}, True),
        ({"x-amz-server-side-encryption": "AES256"}, True),
        ({"x-amz-website-redirect-location": "/x"}, True),
        ({"x-amz-meta-a": "1"}, True),
        ({"Expires": "then"}, True),
    ],
)
def test_what_counts_as_a_change(headers: dict[str, str], change: bool) -> None:
    given = split_headers(headers, "x-amz")
    assert changes(given, None, None) is change
    assert changes(given, {}, None)
    assert changes(given, None, "text/plain")


@pytest.mark.parametrize("name", ["copy-source", "Copy-Source-Range", "metadata-directive"])
def test_headers_that_the_copy_sets_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        split_headers({f"x-amz-{name}": "x"}, "x-amz")
    assert split_headers({f"x-goog-{name}": "x"}, "x-amz").own
