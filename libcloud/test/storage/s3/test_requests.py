# SPDX-License-Identifier: Apache-2.0
"""The exact requests of the S3 protocol: verb, target, headers, body."""

from __future__ import annotations

import pytest

from libcloud.common.request import HttpRequest
from libcloud.storage.s3 import requests

PARTS = [(1, '"a"'), (2, "b")]


@pytest.mark.parametrize(
    ("request_", "method", "target"),
    [
        (requests.put_object("/b/k", body=b"x"), "PUT", "/b/k"),
        (requests.create_upload("/b/k%20x"), "POST", "/b/k%20x?uploads"),
        (
            requests.put_part("/b/k", upload_id="U", number=3, body=b"x"),
            "PUT",
            "/b/k?partNumber=3&uploadId=U",
        ),
        (
            requests.put_part("/b/k", upload_id="a+b/c=&d", number=10000, body=b"x"),
            "PUT",
            "/b/k?partNumber=10000&uploadId=a%2Bb%2Fc%3D%26d",
        ),
        (
            requests.complete_upload("/b/k", upload_id="U", parts=PARTS),
            "POST",
            "/b/k?uploadId=U",
        ),
        (requests.abort_upload("/b/k", upload_id="U"), "DELETE", "/b/k?uploadId=U"),
        (
            requests.list_parts("/b/k", upload_id="U"),
            "GET",
            "/b/k?uploadId=U&max-parts=1000",
        ),
        (
            requests.list_parts("/b/k", upload_id="U", marker=(7,), page_size=2),
            "GET",
            "/b/k?uploadId=U&max-parts=2&part-number-marker=7",
        ),
        (
            requests.list_parts("/b/k", upload_id="U", page_size=None),
            "GET",
            "/b/k?uploadId=U",
        ),
        (requests.list_uploads("/b"), "GET", "/b?uploads&max-uploads=1000"),
        (
            requests.list_uploads(
                "/b",
                prefix="a b",
                delimiter="/",
                marker=("ü", "U+"),
                page_size=2,
                url_encoding=True,
            ),
            "GET",
            "/b?uploads&max-uploads=2&prefix=a%20b&delimiter=%2F&encoding-type=url"
            "&key-marker=%C3%BC&upload-id-marker=U%2B",
        ),
        (requests.list_uploads("/b", prefix="", page_size=None), "GET", "/b?uploads"),
        (
            requests.list_uploads("/b", marker=(None, "U"), page_size=None),
            "GET",
            "/b?uploads",
        ),
        (requests.head("/b/k"), "HEAD", "/b/k"),
        (requests.get_object("/b/k"), "GET", "/b/k"),
        (requests.delete("/b/k"), "DELETE", "/b/k"),
        (requests.list_objects("/b"), "GET", "/b"),
        (
            requests.list_objects(
                "/b", prefix="p/", after="m n", delimiter="/", page_size=5, url_encoding=True
            ),
            "GET",
            "/b?marker=m%20n&prefix=p%2F&delimiter=%2F&max-keys=5&encoding-type=url",
        ),
        (requests.list_objects("/b", version=2), "GET", "/b?list-type=2&fetch-owner=true"),
        (
            requests.list_objects(
                "/b",
                version=2,
                after="s",
                prefix="p",
                marker=("t/=", None),
                delimiter="/",
                page_size=5,
                url_encoding=True,
            ),
            "GET",
            "/b?list-type=2&continuation-token=t%2F%3D&prefix=p&delimiter=%2F"
            "&max-keys=5&encoding-type=url&fetch-owner=true",
        ),
        (requests.create_bucket("/b"), "PUT", "/b"),
        (requests.list_buckets(), "GET", "/"),
    ],
)
def test_the_verb_and_the_target_are_these(request_: HttpRequest, method: str, target: str) -> None:
    assert (request_.method, request_.target) == (method, target)


def test_uploads_is_a_bare_key() -> None:
    assert requests.create_upload("/b/k").params == (("uploads", None),)


def test_parts_are_numbered_from_1() -> None:
    with pytest.raises(ValueError, match="from 1"):
        requests.put_part("/b/k", upload_id="U", number=0, body=b"")


def test_a_body_is_handed_on_as_it_is() -> None:
    body = memoryview(b"abc")
    assert requests.put_part("/b/k", upload_id="U", number=1, body=body).body is body
    assert requests.put_object("/b/k", body=body).body is body


def test_a_request_that_carries_nothing_still_has_an_empty_body() -> None:
    assert requests.create_upload("/b/k").body == b""
    assert requests.put_object("/b/k").body == b""


def test_a_request_without_a_body_has_none() -> None:
    for request in (
        requests.abort_upload("/b/k", upload_id="U"),
        requests.head("/b/k"),
        requests.get_object("/b/k"),
        requests.delete("/b/k"),
        requests.list_uploads("/b"),
        requests.create_bucket("/b"),
    ):
        assert request.body is None


def test_headers_are_copied() -> None:
    headers = {"x-amz-acl": "private"}
    for request in (
        requests.put_object("/b/k", headers=headers),
        requests.create_upload("/b/k", headers=headers),
        requests.put_part("/b/k", upload_id="U", number=1, body=b"", headers=headers),
        requests.complete_upload("/b/k", upload_id="U", parts=PARTS, headers=headers),
        requests.abort_upload("/b/k", upload_id="U", headers=headers),
        requests.head("/b/k", headers),
        requests.get_object("/b/k", headers=headers),
    ):
        assert request.headers["x-amz-acl"] == "private"
        assert request.headers is not headers
    assert headers == {"x-amz-acl": "private"}


def test_complete_names_its_content_type_unless_the_caller_does() -> None:
    def content_types(headers: dict[str, str]) -> list[str]:
        request = requests.complete_upload("/b/k", upload_id="U", parts=PARTS, headers=headers)
        return [value for name, value in request.headers.items() if name.lower() == "content-type"]

    assert content_types({}) == ["application/xml"]
    assert content_types({"content-type": "text/xml"}) == ["text/xml"]


def test_complete_lists_the_parts_without_quotes_and_without_a_namespace() -> None:
    assert requests.complete_upload("/b/k", upload_id="U", parts=PARTS).body == (
        b"<CompleteMultipartUpload>"
        b"<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>"
        b"<Part><PartNumber>2</PartNumber><ETag>b</ETag></Part>"
        b"</CompleteMultipartUpload>"
    )


@pytest.mark.parametrize("numbers", [[], [2, 1], [1, 1], [0, 1]])
def test_complete_refuses_parts_that_no_store_would_take(numbers: list[int]) -> None:
    parts = [(number, "e") for number in numbers]
    with pytest.raises(ValueError, match=r"part|Part"):
        requests.complete_upload("/b/k", upload_id="U", parts=parts)


def test_create_bucket_names_the_region_in_the_namespace_of_s3() -> None:
    assert requests.create_bucket("/b", location="eu-west-1").body == (
        '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
    )
