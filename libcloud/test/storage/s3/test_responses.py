# SPDX-License-Identifier: Apache-2.0
"""Reading the answers of S3 and of other servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from libcloud.storage.s3 import requests, responses
from libcloud.storage.s3.responses import (
    BucketRecord,
    MalformedDocumentError,
    ObjectRecord,
    Page,
    PartRecord,
    Published,
    UploadRecord,
)
from libcloud.test.storage.s3 import documents
from libcloud.utils.xml import parse_xml

READINGS: list[tuple[Callable[[Any], object], str, object]] = [
    (responses.parse_create, documents.CREATE, "VXBsb2FkIElE"),
    (
        responses.parse_complete,
        documents.COMPLETE,
        Published("3858f62230ac3c915f300c664312c11f-9", {"crc32": "NSRBwg=="}),
    ),
    (
        responses.parse_uploads,
        documents.UPLOADS,
        Page(
            entries=(
                UploadRecord("my divisor", "U1", "2010-11-10T20:48:33.000Z", "x", "owner"),
                UploadRecord(
                    "my movie+.m2ts",
                    "U2",
                    "2010-11-10T20:49:33.000Z",
                    "b1d167",
                    "b1d167",
                ),
            ),
            is_truncated=True,
            marker=("my movie+.m2ts", "U2"),
            prefixes=("dir one/",),
            encoding="url",
            decoded=True,
        ),
    ),
    (
        responses.parse_parts,
        documents.PARTS,
        Page(
            entries=(
                PartRecord(
                    number=2,
                    etag="7778aef83f66abc1fa1e8477f296d394",
                    size=10485760,
                    last_modified="2010-11-10T20:48:34.000Z",
                    checksums={"crc32": "AAAAAA=="},
                ),
                PartRecord(
                    number=3,
                    etag="aaaa18db4cc2f85cedef654fccc4a4x8",
                    size=10485760,
                    last_modified="2010-11-10T20:48:33.000Z",
                ),
            ),
            is_truncated=True,
            marker=(3,),
        ),
    ),
    (
        responses.parse_objects,
        documents.OBJECTS,
        Page(
            entries=(
                ObjectRecord(
                    key="a b+c%20\x01",
                    etag="fba9dede5f27731c9771645a39863328",
                    size=434234,
                    last_modified="2009-10-12T17:50:30.000Z",
                    owner_id="75aa57",
                    owner_name="owner",
                    storage_class="STANDARD",
                ),
                ObjectRecord(
                    key="ü",
                    etag="fba9dede5f27731c9771645a39863329",
                    size=0,
                    last_modified="2009-10-12T17:50:31.000Z",
                    storage_class="STANDARD",
                ),
            ),
            is_truncated=True,
            # A token is opaque: it is not decoded.
            marker=("1ueGcxLPRx1Tr%2BXYExHnhbYLgveDs2J", "ü"),
            prefixes=("dir one/",),
            encoding="url",
            decoded=True,
        ),
    ),
    (
        responses.parse_buckets,
        documents.BUCKETS,
        Page(
            entries=(
                BucketRecord("quotes", "2006-02-03T16:45:09.000Z"),
                BucketRecord("samples", "2006-02-03T16:41:58.000Z"),
            ),
        ),
    ),
    (
        responses.parse_error,
        documents.ERROR,
        {
            "Code": "SignatureDoesNotMatch",
            "Message": "The request signature we calculated does not match.",
            "RequestId": "4442587FB7D0A2F9",
            "HostId": "Uuag1LuByRx9e6j5Onimru9",
        },
    ),
]
NAMES = [str(getattr(reading[0], "__name__", "")) for reading in READINGS]
READERS = [reading[0] for reading in READINGS]
LISTINGS = [
    responses.parse_uploads,
    responses.parse_parts,
    responses.parse_objects,
    responses.parse_buckets,
]


def result(content: str, root: str = "ListBucketResult") -> bytes:
    return f"<{root}>{content}</{root}>".encode()


@pytest.mark.parametrize(("read", "document", "expected"), READINGS, ids=NAMES)
def test_a_response_is_read_with_a_namespace_and_without(
    read: Callable[[Any], object], document: str, expected: object
) -> None:
    assert read(document.encode()) == expected
    assert read(documents.plain(document).encode()) == expected
    assert read(b" \r\n\t " + document.encode()) == expected


@pytest.mark.parametrize(("read", "document", "expected"), READINGS, ids=NAMES)
def test_a_response_may_be_parsed_already(
    read: Callable[[Any], object], document: str, expected: object
) -> None:
    assert read(parse_xml(document.encode())) == expected
    assert read(ElementTree.fromstring(document)) == expected


@pytest.mark.parametrize("read", [responses.parse_create, responses.parse_complete, *LISTINGS])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"OK",
        b"\xff\xfe\x00",
        b"<html><body>Bad gateway</body></html>",
        b"<!DOCTYPE html><html></html>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><ListBucketResult><Key>&e;</Key></ListBucketResult>',
        b"<ListBucketResult><Contents>",
        documents.ERROR.encode(),
        documents.ERROR[:300].encode(),
    ],
)
def test_an_invalid_response_is_malformed(read: Callable[[Any], object], body: bytes) -> None:
    with pytest.raises(MalformedDocumentError) as caught:
        read(body)
    assert len(str(caught.value)) < 400
    for secret in ("AKIA", "f0e8bdb8", "SESSIONTOKEN", "20130524"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("read", LISTINGS)
def test_another_document_does_not_pass_for_an_empty_list(read: Callable[[Any], object]) -> None:
    with pytest.raises(MalformedDocumentError, match="another document than expected"):
        read(b"<Portal><Login>please</Login></Portal>")


def test_the_response_to_create_may_have_any_name() -> None:
    assert (
        responses.parse_create(result("<UploadId> U </UploadId>", "InitiateMultipartUpload")) == "U"
    )


def test_an_error_that_names_an_upload_or_an_etag_is_no_success() -> None:
    body = b"<Error><Code>NoSuchUpload</Code><UploadId>U</UploadId><ETag>e</ETag></Error>"
    for read in (responses.parse_create, responses.parse_complete):
        with pytest.raises(
            MalformedDocumentError, match="another document than expected: '<Error>"
        ):
            read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"no such AWSAccessKeyId AKIASECRET",
        b"Authorization: AKIASECRET",
        b"<a>Signature=AKIASECRET</a>",
        b"X-Amz-Security-Token=AKIASECRET",
    ],
)
def test_the_beginning_of_a_response_is_hidden_if_it_may_hold_credentials(body: bytes) -> None:
    with pytest.raises(MalformedDocumentError, match="not shown") as caught:
        responses.parse_objects(body)
    assert "AKIASECRET" not in str(caught.value)


def test_the_beginning_of_a_response_is_one_short_printable_line() -> None:
    with pytest.raises(MalformedDocumentError) as caught:
        responses.parse_objects(b" \n\x1b[2J502\nBad gateway" + b"x" * 10_000)
    assert "'[2J502 Bad gatewayxxx" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", ["", "<UploadId/>", "<UploadId> </UploadId>"])
def test_an_upload_without_an_id_is_malformed(content: str) -> None:
    with pytest.raises(MalformedDocumentError, match="UploadId"):
        responses.parse_create(result(content, "InitiateMultipartUploadResult"))


@pytest.mark.parametrize("content", ["", "<ETag/>", "<ETag>&quot;&quot;</ETag>"])
def test_a_complete_needs_an_etag_or_the_name_of_its_root(content: str) -> None:
    answer = responses.parse_complete(result(content, "CompleteMultipartUploadResult"))
    assert answer.etag == ""
    with pytest.raises(MalformedDocumentError, match="ETag"):
        responses.parse_complete(result(content, "CompleteMultipartUpload"))


def test_all_but_the_etag_of_a_complete_is_optional() -> None:
    answer = responses.parse_complete(result("<ETag>e-1</ETag>", "CompleteMultipartUploadResult"))
    assert answer == Published("e-1", {})


def test_an_upload_needs_only_a_key_and_an_id() -> None:
    page = responses.parse_uploads(
        result(
            "<Upload><Key>k</Key><UploadId>U</UploadId><Initiator/><Owner/></Upload>",
            "ListMultipartUploadsResult",
        )
    )
    assert page == Page(entries=(UploadRecord("k", "U"),))


def test_an_object_needs_only_a_key_and_a_size() -> None:
    page = responses.parse_objects(
        result("<Contents><Key>k</Key><Size>3</Size><Owner/><ETag/></Contents>")
    )
    assert page == Page(entries=(ObjectRecord("k", None, 3),))


@pytest.mark.parametrize("size", ["", "-1", "1.5", "many", "٣", "1" * 5000])
def test_a_size_that_is_no_number_is_malformed(size: str) -> None:
    with pytest.raises(MalformedDocumentError, match="Size"):
        responses.parse_objects(result(f"<Contents><Key>k</Key><Size>{size}</Size></Contents>"))


def test_white_space_belongs_to_a_key_and_not_to_a_number() -> None:
    page = responses.parse_objects(result("<Contents><Key> k </Key><Size> 3 </Size></Contents>"))
    assert (page.entries[0].key, page.entries[0].size) == (" k ", 3)


def test_names_are_decoded_only_if_the_response_has_encoding_type() -> None:
    content = "<Contents><Key>a+b%2B</Key><Size>0</Size></Contents>"
    encoded = content + "<EncodingType>url</EncodingType>"
    assert responses.parse_objects(result(content)).entries[0].key == "a+b%2B"
    assert responses.parse_objects(result(encoded)).entries[0].key == "a b+"


def test_an_encoded_name_that_is_not_utf_8_keeps_its_bytes() -> None:
    content = "<EncodingType>url</EncodingType><Contents><Key>%FF</Key><Size>0</Size></Contents>"
    assert responses.parse_objects(result(content)).entries[0].key == "\udcff"


@pytest.mark.parametrize(
    "parse", [responses.parse_objects, responses.parse_uploads, responses.parse_parts]
)
def test_a_page_without_is_truncated_is_the_last_if_it_names_no_next_one(parse: Any) -> None:
    assert not parse(result("", "ListResult")).is_truncated


@pytest.mark.parametrize("marker", ["NextMarker", "NextContinuationToken"])
def test_a_page_without_is_truncated_that_names_a_next_one_is_not_the_last(marker: str) -> None:
    content = f"<Contents><Key>k</Key><Size>0</Size></Contents><{marker}>k</{marker}>"
    assert responses.parse_objects(result(content)).is_truncated


def test_a_name_that_holds_elements_is_malformed() -> None:
    content = "<Contents><Key>a<b/>c</Key><Size>0</Size></Contents>"
    with pytest.raises(MalformedDocumentError, match="Key of the response contains more than text"):
        responses.parse_objects(result(content))


@pytest.mark.parametrize("said", ["", "<IsTruncated>false</IsTruncated>", "<IsTruncated/>"])
def test_a_last_page_names_no_next_one(said: str) -> None:
    content = f"{said}<NextMarker>k</NextMarker><NextContinuationToken>t</NextContinuationToken>"
    page = responses.parse_objects(result(content))
    assert (page.is_truncated, page.marker) == (False, None)


@pytest.mark.parametrize(
    ("content", "marker"),
    [
        ("", None),
        ("<NextMarker>opaque</NextMarker>", "opaque"),
        ("<Contents><Key>b</Key><Size>0</Size></Contents>", "b"),
        (
            "<Contents><Key>b</Key><Size>0</Size></Contents>"
            "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
            "b",
        ),
        (
            "<Contents><Key>b</Key><Size>0</Size></Contents>"
            "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>",
            "c/",
        ),
        # In UTF-16, and so in JavaScript's order, the second would come first.
        (
            "<Contents><Key>\uff5e</Key><Size>0</Size></Contents>"
            "<CommonPrefixes><Prefix>\U0001f600</Prefix></CommonPrefixes>",
            "\U0001f600",
        ),
    ],
)
def test_a_listing_continues_at_the_marker_or_after_the_last_name(
    content: str, marker: str | None
) -> None:
    page = responses.parse_objects(result("<IsTruncated>true</IsTruncated>" + content))
    assert page.is_truncated
    assert page.marker == (marker and (None, marker))


def test_a_marker_that_a_server_forgot_to_encode_is_recognised() -> None:
    content = (
        "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
        "<Contents><Key>a%2Bb</Key><Size>0</Size></Contents>"
    )
    for marker in ("a+b", "a%2Bb"):
        page = responses.parse_objects(result(f"{content}<NextMarker>{marker}</NextMarker>"))
        assert page.marker == (None, "a+b")


def test_uploads_continue_after_the_last_one_without_a_marker() -> None:
    content = (
        "<IsTruncated>true</IsTruncated>"
        "<Upload><Key>k</Key><UploadId>U1</UploadId></Upload>"
        "<Upload><Key>k</Key><UploadId>U2</UploadId></Upload>"
    )
    page = responses.parse_uploads(result(content, "ListMultipartUploadsResult"))
    assert page.marker == ("k", "U2")
    named = content + "<NextKeyMarker>m</NextKeyMarker>"
    page = responses.parse_uploads(result(named, "ListMultipartUploadsResult"))
    assert page.marker == ("m", None)


def test_parts_continue_after_the_last_one_if_the_marker_is_invalid() -> None:
    content = (
        "<IsTruncated>true</IsTruncated><NextPartNumberMarker>0</NextPartNumberMarker>"
        "<Part><PartNumber>7</PartNumber><Size>1</Size></Part>"
    )
    assert responses.parse_parts(result(content, "ListPartsResult")).marker == (7,)


def test_an_entry_of_a_list_is_read_separately() -> None:
    listing = parse_xml(documents.OBJECTS)
    records = [responses.object_record(node) for node in listing if node.tag.endswith("}Contents")]
    assert tuple(records) == responses.parse_objects(listing).entries
    buckets = parse_xml(documents.BUCKETS)
    assert (
        tuple(map(responses.bucket_record, buckets[1])) == responses.parse_buckets(buckets).entries
    )
    alone = ElementTree.fromstring("<Contents><Key>a+b</Key><Size>1</Size></Contents>")
    assert responses.object_record(alone) == ObjectRecord("a+b", None, 1)


def test_a_list_without_buckets_is_empty() -> None:
    assert responses.parse_buckets(result("", "ListAllMyBucketsResult")) == Page()
    page = responses.parse_buckets(result("<Buckets/>", "ListAllMyBucketsResult"))
    assert page.entries == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Service unavailable",
        b"<html><Code>x</Code></html>",
        b"<Error",
        documents.COMPLETE.encode(),
        b"<Response><Errors/></Response>",
        b"<ErrorResponse/>",
    ],
)
def test_an_invalid_error_document_is_none(body: bytes) -> None:
    assert responses.parse_error(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"<Error><Code>SlowDown</Code></Error>",
        b"<ErrorResponse><Error><Code>SlowDown</Code></Error></ErrorResponse>",
        b"<Response><Errors><Error><Code> SlowDown </Code></Error></Errors></Response>",
    ],
)
def test_an_error_is_found_where_the_protocols_of_aws_put_it(body: bytes) -> None:
    assert responses.parse_error(body) == {"Code": "SlowDown"}


def test_an_error_without_anything_is_still_one() -> None:
    assert responses.parse_error(b"<Error/>") == {}


def test_an_error_names_the_correct_region_and_endpoint() -> None:
    assert responses.parse_error(
        b"<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region>"
        b"<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>"
    ) == {
        "Code": "PermanentRedirect",
        "Region": "eu-west-1",
        "Endpoint": "b.s3.eu-west-1.amazonaws.com",
    }


def test_a_complete_escapes_what_xml_requires() -> None:
    assert requests.complete_body([(1, '"<&>"')]) == (
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&lt;&amp;&gt;</ETag>"
        b"</Part></CompleteMultipartUpload>"
    )


@pytest.mark.parametrize("etag", ["a\x00b", "a\x1bb", "a\ud800b", "a\uffffb"])
def test_a_name_that_xml_cannot_express_is_refused(etag: str) -> None:
    with pytest.raises(ValueError, match="XML cannot express"):
        requests.complete_body([(1, etag)])
