# SPDX-License-Identifier: Apache-2.0
"""Requests, responses, errors and signatures of Azure Blob Storage, as values."""

from __future__ import annotations

import base64

import pytest

from libcloud.common.request import HttpRequest
from libcloud.common.signing.sharedkey import AccountKey, string_to_sign
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.azure import errors, requests, responses
from libcloud.storage.azure.profiles import account_host
from libcloud.storage.error_details import attach_detail
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.documents import UnexpectedDocumentError
from libcloud.utils.xml import parse_xml


def test_the_string_to_sign_is_that_of_the_documentation() -> None:
    # Azure Storage REST API, "Authorize with Shared Key": the example of a GET.
    text = string_to_sign(
        "GET",
        "/mycontainer",
        [("restype", "container"), ("comp", "metadata"), ("timeout", "20")],
        {"x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT", "x-ms-version": "2015-02-21"},
        account="myaccount",
    )
    assert text == (
        "GET\n\n\n\n\n\n\n\n\n\n\n\n"
        "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    )


def test_an_empty_body_has_no_length_in_the_signature() -> None:
    text = string_to_sign("PUT", "/c", [], {"Content-Length": "0"}, account="a")
    assert text.splitlines()[3] == ""


def test_a_key_that_is_no_base64_is_not_shown() -> None:
    key = AccountKey("account", "no base64: secret")
    with pytest.raises(ValueError, match="not base64") as caught:
        key.sign("text")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(key)


def test_all_block_ids_of_an_upload_have_the_same_length() -> None:
    ids = [requests.block_id("u" * 32, number) for number in (1, 9, 10, 49_999, 50_000)]
    assert len({len(block) for block in ids}) == 1
    assert len(set(ids)) == 5
    assert all(len(base64.b64decode(block)) <= 64 for block in ids)
    assert len(requests.block_id("u" * 32, 1, b"\x01" * 16)) == len(ids[0])
    assert len(requests.block_id("u" * 32, 1, b"\x01" * 8)) == len(ids[0])


def test_a_block_list_names_the_blocks_in_order() -> None:
    request = requests.put_block_list("/c/b", ["Mg==", "MQ=="], {"If-None-Match": "*"})
    assert request.params == (("comp", "blocklist"),)
    assert request.headers["If-None-Match"] == "*"
    assert isinstance(request.body, bytes)
    root = parse_xml(request.body)
    assert [item.text for item in root] == ["Mg==", "MQ=="]


_OTHERS = ["", ".", "a/../b", "a/./b", "a\\..\\b", "a\\b", "x" * 1025, "\ud800"]


@pytest.mark.parametrize("name", _OTHERS)
def test_a_name_that_would_reach_another_blob_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        requests.check_object_name(name)


@pytest.mark.parametrize("name", ["a", "a//b", "/a", "a/", "a..b", "…", "x" * 1024, "?&=%2e"])
def test_other_names_are_names(name: str) -> None:
    requests.check_object_name(name)


@pytest.mark.parametrize("name", ["", "a/b", "..", "\ud800"])
def test_a_container_name_that_is_another_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="container"):
        requests.check_container_name(name)


def test_metadata_that_would_be_another_header_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        requests.metadata_headers({"a": "b\r\nx-ms-lease-id: 1"})
    with pytest.raises(ValueError, match="key"):
        requests.metadata_headers({"a: b": "c"})


def test_a_listed_name_that_xml_cannot_express_is_decoded() -> None:
    document = (
        "<EnumerationResults><Blobs><Blob><Name Encoded='true'>a%01b</Name><Properties>"
        "<Content-Length>3</Content-Length></Properties></Blob><Blob><Name>a%01b</Name>"
        "<Properties><Content-Length>4</Content-Length></Properties></Blob></Blobs>"
        "<NextMarker/></EnumerationResults>"
    )
    page = responses.parse_blobs(parse_xml(document))
    assert [(entry.name, entry.size) for entry in page.entries] == [("a\x01b", 3), ("a%01b", 4)]
    assert page.marker == ""


@pytest.mark.parametrize(
    "document",
    [
        "<html/>",
        "<EnumerationResults/>",
        "<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>",
    ],
)
def test_a_document_that_is_no_listing_is_malformed(document: str) -> None:
    with pytest.raises(UnexpectedDocumentError):
        responses.parse_blobs(parse_xml(document))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "ContainerNotFound", ContainerDoesNotExistError),
        (404, "BlobNotFound", ObjectDoesNotExistError),
        (404, "", ObjectDoesNotExistError),
        (409, "BlobAlreadyExists", PreconditionFailedError),
        (412, "ConditionNotMet", PreconditionFailedError),
        (403, "AuthenticationFailed", InvalidCredsError),
        (401, "NoAuthenticationInformation", InvalidCredsError),
        (409, "SnapshotsPresent", LibcloudError),
    ],
)
def test_a_code_has_its_exception(status: int, code: str, kind: type[LibcloudError]) -> None:
    detail = errors.error_detail(status, {"x-ms-error-code": code})
    error = errors.error_for(detail, "text", None, "container", "blob")
    assert type(error) is kind


def test_a_bad_name_of_a_container_has_its_exception() -> None:
    detail = errors.error_detail(400, {"x-ms-error-code": "InvalidResourceName"})
    error = errors.error_for(detail, "text", None, "A--b", "")
    assert isinstance(error, InvalidContainerNameError)


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (503, "ServerBusy", True),
        (500, "InternalError", True),
        (400, "Md5Mismatch", True),
        (500, "OperationTimedOut", True),
        (400, "InvalidBlockList", False),
        (403, "AuthenticationFailed", False),
        (409, "BlobAlreadyExists", False),
    ],
)
def test_an_error_code_decides_whether_to_retry(status: int, code: str, transient: bool) -> None:
    detail = errors.error_detail(status, {"x-ms-error-code": code})
    error = attach_detail(errors.error_for(detail, "text", None, "container", "blob"), detail)
    assert (error.status, error.code) == (status, code)  # type: ignore[attr-defined]
    assert errors.failure_of(error).transient is transient


def test_the_host_names_the_account_or_the_path_does() -> None:
    assert account_host("acme", None) == ("acme.blob.core.windows.net", None)
    assert account_host("acme", "other.blob.core.windows.net")[1] is None
    assert account_host("acme", "127.0.0.1") == ("127.0.0.1", "acme")


def test_a_signature_covers_every_header_of_azure() -> None:
    request = HttpRequest("PUT", "/c/b")
    texts = {
        string_to_sign(request.method, request.path, [], headers, account="a")
        for headers in ({}, {"x-ms-meta-a": "1"}, {"x-ms-meta-a": "2"}, {"Content-MD5": "x"})
    }
    assert len(texts) == 4
