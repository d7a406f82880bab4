# SPDX-License-Identifier: Apache-2.0
"""The protocol of copies by the store, and of many objects deleted at once."""

from __future__ import annotations

import base64
import hashlib
from xml.etree import ElementTree

import pytest

from libcloud.common.request import HttpRequest
from libcloud.storage.s3 import requests
from libcloud.storage.s3.requests import can_express, delete_objects
from libcloud.storage.s3.responses import (
    DeleteResult,
    MalformedDocumentError,
    Published,
    parse_copy,
    parse_deleted,
)

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


# Copies


def test_a_copy_is_a_put_without_a_body_that_names_its_source() -> None:
    headers = {"x-amz-storage-class": "GLACIER"}
    request = requests.copy_object(
        "/b/new%20key", source="/a/old%2Fkey", if_match="e1", headers=headers
    )
    assert (request.method, request.target, request.body) == ("PUT", "/b/new%20key", b"")
    assert request.headers == {
        "x-amz-storage-class": "GLACIER",
        "x-amz-copy-source": "a/old%2Fkey",
        "x-amz-copy-source-if-match": '"e1"',
    }
    assert headers == {"x-amz-storage-class": "GLACIER"}


def test_a_copy_of_any_version_of_the_source_has_no_condition() -> None:
    request = requests.copy_object("/b/k", source="/a//lead", vendor="x-goog")
    assert request.headers == {"x-goog-copy-source": "a//lead"}


def test_a_part_is_copied_from_a_range_that_includes_its_last_byte() -> None:
    request = requests.copy_part(
        "/b/k",
        upload_id="U+",
        number=2,
        source="/a/k",
        span=range(10, 20),
        if_match="e1",
        headers={"x-amz-request-payer": "requester"},
    )
    assert (request.method, request.target) == ("PUT", "/b/k?partNumber=2&uploadId=U%2B")
    assert request.body == b""
    assert request.headers == {
        "x-amz-request-payer": "requester",
        "x-amz-copy-source": "a/k",
        "x-amz-copy-source-range": "bytes=10-19",
        "x-amz-copy-source-if-match": '"e1"',
    }


@pytest.mark.parametrize(
    ("number", "span"), [(0, range(1)), (1, range(0)), (1, range(0, 9, 2)), (1, range(-1, 3))]
)
def test_an_invalid_part_or_range_is_refused(number: int, span: range) -> None:
    with pytest.raises(ValueError):
        requests.copy_part("/b/k", upload_id="U", number=number, source="/a/k", span=span)


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
@pytest.mark.parametrize("root", ["CopyObjectResult", "CopyPartResult"])
def test_the_response_to_a_copy(root: str, namespace: str) -> None:
    body = (
        f"<{root}{namespace}><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        f'<ETag>"e2"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></{root}>'
    )
    answer = Published("e2", {"crc32": "AAAAAA=="})
    assert parse_copy(body.encode()) == answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Error><Code>InternalError</Code></Error>",
        b"<html/>",
    ],
)
def test_an_invalid_response_to_a_copy(body: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_copy(body)


@pytest.mark.parametrize("etag", ["", "<ETag/>", '<ETag>""</ETag>'])
def test_a_store_may_omit_the_etag_of_a_copy(etag: str) -> None:
    assert parse_copy(f"<CopyPartResult>{etag}</CopyPartResult>".encode()) == Published("", {})


# Deletions


def _keys(request: HttpRequest) -> list[str]:
    assert isinstance(request.body, bytes)
    root = ElementTree.fromstring(request.body)
    return [node.text or "" for node in root.iter() if node.tag.endswith("}Key")]


def test_many_keys_are_deleted_by_one_request_with_a_digest() -> None:
    keys = ["a&b<c>", "é/ü", "a//b", "]]>", '"quoted"', "a  b"]
    request = delete_objects("/b", keys=keys)
    assert (request.method, request.target) == ("POST", "/b?delete")
    assert isinstance(request.body, bytes)
    assert request.headers == {
        "Content-Type": "application/xml",
        "Content-MD5": base64.b64encode(hashlib.md5(request.body).digest()).decode(),
    }
    assert _keys(request) == keys
    assert b"Quiet" not in request.body


def test_a_quiet_response_can_be_requested() -> None:
    body = delete_objects("/b", keys=["a"], quiet=True).body
    assert isinstance(body, bytes)
    assert b"<Quiet>true</Quiet><Object>" in body


@pytest.mark.parametrize(
    "key",
    ["\x00", "a\x1fb", "a\tb", "a\nb", "a\rb", "a\x7f", " a", "a ", "\x85", "\ufffe", "\ud800"],
)
def test_names_that_xml_could_change_stay_out_of_it(key: str) -> None:
    assert not can_express(key)
    with pytest.raises(ValueError, match="XML cannot express"):
        delete_objects("/b", keys=["fine", key])


@pytest.mark.parametrize("key", ["a", "a b", "a&amp;b", "<", "\U0001f600", "\xad", "..", "/"])
def test_all_other_names_can_be_expressed(key: str) -> None:
    assert can_express(key)
    assert _keys(delete_objects("/b", keys=[key])) == [key]


def test_nothing_cannot_be_deleted() -> None:
    with pytest.raises(ValueError):
        delete_objects("/b", keys=[])


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_the_response_reports_each_key(namespace: str) -> None:
    body = (
        f"<DeleteResult{namespace}><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
        "<Code>AccessDenied</Code><Message>No.</Message></Error>"
        "<Deleted><Key>c d</Key><VersionId>1</VersionId></Deleted><Error><Key>e</Key></Error>"
        "</DeleteResult>"
    )
    answer = parse_deleted(body.encode())
    assert answer.deleted == {("a", None), ("c d", "1")}
    assert answer.errors == ((("b", None), "AccessDenied", "No."), (("e", None), "", ""))


def test_a_short_response_names_nothing() -> None:
    assert parse_deleted(b"<DeleteResult/>") == DeleteResult()


def test_an_entry_may_name_no_key() -> None:
    body = b"<DeleteResult><Deleted/><Error><Code>X</Code></Error></DeleteResult>"
    assert parse_deleted(body) == DeleteResult(frozenset({("", None)}), ((("", None), "X", ""),))


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<Error><Code>X</Code></Error>"])
def test_an_invalid_response_to_a_deletion(body: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        parse_deleted(body)
