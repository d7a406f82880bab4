# SPDX-License-Identifier: Apache-2.0
"""Version 2 signatures: Amazon's published examples, and botocore as a second opinion."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from botocore.auth import HmacV1Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from libcloud.common.address import with_query
from libcloud.common.signing import sigv2

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PHOTO = "/johnsmith/photos/puppy.jpg"


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        ("GET", PHOTO, {"Date": "Tue, 27 Mar 2007 19:36:42 +0000"}, "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
        (
            "PUT",
            PHOTO,
            {"Content-Type": "image/jpeg", "Date": "Tue, 27 Mar 2007 21:15:45 +0000"},
            "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
        ),
        (
            "GET",
            "/johnsmith/?prefix=photos&max-keys=50&marker=puppy",
            {"Date": "Tue, 27 Mar 2007 19:42:41 +0000"},
            "htDYFYduRNen8P9ZfE/s9SuKy0U=",
        ),
        (
            "GET",
            "/johnsmith/?acl",
            {"Date": "Tue, 27 Mar 2007 19:44:46 +0000"},
            "c2WLPFtWHVgbEmeEG93a4cG37dM=",
        ),
        (
            "DELETE",
            PHOTO,
            {"Date": "Tue, 27 Mar 2007 21:20:26 +0000"},
            "lx3byBScXR6KzyMaifNkardMwNk=",
        ),
        (
            "PUT",
            "/static.johnsmith.net/db-backup.dat.gz",
            {
                "Date": "Tue, 27 Mar 2007 21:06:08 +0000",
                "x-amz-acl": "public-read",
                "content-type": "application/x-download",
                "Content-MD5": "4gJE4saaMU4BqNR0kLY+lw==",
                "X-Amz-Meta-ReviewedBy": "joe@johnsmith.net,jane@johnsmith.net",
                "X-Amz-Meta-FileChecksum": "0x02661779",
                "X-Amz-Meta-ChecksumAlgorithm": "crc32",
                "Content-Length": "5913339",
            },
            "ilyl83RwaSoYIEdixDQcA4OnAnc=",
        ),
        ("GET", "/", {"Date": "Wed, 28 Mar 2007 01:29:59 +0000"}, "qGdzdERIC03wnaRNKh6OqZehG9s="),
        (
            "GET",
            "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
            {"Date": "Wed, 28 Mar 2007 01:49:49 +0000"},
            "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
        ),
    ],
)
def test_the_published_examples(
    method: str, target: str, headers: dict[str, str], expected: str
) -> None:
    text = sigv2.string_to_sign(method=method, target=target, headers=headers)
    assert sigv2.sign(SECRET, text) == expected


def test_the_published_query_example() -> None:
    text = sigv2.string_to_sign(method="GET", target=PHOTO, headers={}, expires="1175139620")
    assert sigv2.sign(SECRET, text) == "NpgCjnDzrM+WFzoENXmpNDUsSn8="


def test_sub_resources_count_from_both_queries_and_nothing_else_does() -> None:
    resource = sigv2.canonical_resource(
        "/b/k?uploadId=a%2Fb&prefix=x", [("partNumber", "7"), ("marker", "y")]
    )
    assert resource == "/b/k?partNumber=7&uploadId=a/b"


@pytest.mark.parametrize("params", [[("uploads", "")], [("uploads", None)]])
def test_a_sub_resource_without_a_value_is_signed_bare(
    params: list[tuple[str, str | None]],
) -> None:
    assert sigv2.canonical_resource("/b/k", params) == "/b/k?uploads"


def test_the_vendor_date_replaces_the_date() -> None:
    text = sigv2.string_to_sign(
        method="GET", target="/b", headers={"Date": "today", "X-Amz-Date": "yesterday"}
    )
    assert text == "GET\n\n\n\nx-amz-date:yesterday\n/b"


def test_another_vendor_signs_its_own_headers() -> None:
    text = sigv2.string_to_sign(
        method="GET",
        target="/b/k",
        headers={
            "x-goog-acl": "private",
            "x-goog-encryption-key": "secret",
            "x-amz-acl": "private",
        },
        vendor_prefix="x-goog",
    )
    assert text == "GET\n\n\n\nx-goog-acl:private\n/b/k"


def test_spaces_within_a_header_stay_and_line_breaks_do_not() -> None:
    for value, signed in (("a  b", "a  b"), (" a \r\n  b ", "a b")):
        text = sigv2.string_to_sign(
            method="PUT", target="/b/k", headers={"x-amz-meta-a": value}, expires="1"
        )
        assert text == f"PUT\n\n\n1\nx-amz-meta-a:{signed}\n/b/k"


_NAMES = sorted({"acl", "location", "partNumber", "uploadId", "uploads", "prefix", "marker"})
_VALUES = st.text(string.ascii_letters + string.digits + "/+=& ", min_size=1, max_size=10)
_WORDS = st.text(string.ascii_letters + string.digits + "=;/ ", max_size=12).map(str.strip)


@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20),
    params=st.dictionaries(st.sampled_from(_NAMES), st.none() | _VALUES, max_size=4),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "content-md5", "x-amz-acl", "x-amz-meta-a", "range"]),
        _WORDS,
    ),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    token=st.none() | st.text(string.ascii_letters, min_size=1),
)
def test_botocore_signs_alike(
    name: str,
    params: dict[str, str | None],
    headers: dict[str, str],
    method: str,
    token: str | None,
) -> None:
    target = with_query("/bucket/" + quote(name, safe="/~-._"), params)
    theirs = AWSRequest(method=method, url=f"http://127.0.0.1:9000{target}", headers=headers)
    HmacV1Auth(BotoCredentials(KEY, SECRET, token)).add_auth(theirs)
    text = sigv2.string_to_sign(method=method, target=target, headers=dict(theirs.headers.items()))
    assert theirs.headers["Authorization"] == f"AWS {KEY}:{sigv2.sign(SECRET, text)}"
