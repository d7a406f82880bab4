# SPDX-License-Identifier: Apache-2.0
"""Pages of listings: read by columns where they are of the usual shape, and always the same."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.s3 import responses
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import read_columns
from libcloud.storage.s3.values import ObjectRecord
from libcloud.utils.xml import parse_xml

KEY, SIZE = "<Key>k</Key>", "<Size>3</Size>"
ETAG, TIME = "<ETag>&quot;e&quot;</ETag>", "<LastModified>t</LastModified>"
OWNER = "<Owner><ID>i</ID><DisplayName>n</DisplayName></Owner>"
USUAL = f"{KEY}{TIME}{ETAG}{SIZE}{OWNER}<StorageClass>STANDARD</StorageClass>"


def page(*objects: str, namespace: str | None = NAMESPACE, rest: str = "") -> str:
    name = f' xmlns="{namespace}"' if namespace else ""
    inner = "".join(f"<Contents>{inner}</Contents>" for inner in objects)
    return f"<ListBucketResult{name}>{rest}{inner}</ListBucketResult>"


def outcome(source: object) -> object:
    """The objects that are read, or the text of the error."""
    try:
        return responses.parse_objects(source).entries  # type: ignore[arg-type]  # either library's
    except responses.MalformedDocumentError as error:
        return str(error)


def element_by_element(text: str) -> object:
    """Only elements of lxml are read by columns."""
    return outcome(ElementTree.fromstring(text))


@pytest.mark.parametrize(
    "text",
    [
        page(),
        page(USUAL, USUAL),
        page(USUAL, namespace=None),
        page(USUAL, namespace="http://doc.s3.amazonaws.com/2006-03-01"),
        page(KEY + SIZE, SIZE + KEY),
        page(KEY + SIZE + ETAG, ETAG + SIZE + KEY + "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"),
        page(USUAL, KEY + USUAL.replace(KEY, "<Key>second</Key>")),
        page(KEY + SIZE + "<Owner><ID>i</ID></Owner>"),
    ],
    ids=str,
)
def test_usual_pages_are_read_by_columns(text: str) -> None:
    root = parse_xml(text)
    records = read_columns(root, str)
    assert records is not None
    assert tuple(records) == element_by_element(text)


@pytest.mark.parametrize(
    "objects",
    [
        (KEY, KEY + SIZE + SIZE),
        (USUAL, KEY + SIZE),
        (USUAL, OWNER + USUAL),
        (KEY + SIZE + ETAG + ETAG, KEY + SIZE),
        (KEY + SIZE + "<ETag/>", KEY + SIZE + ETAG),
        (KEY + SIZE + "<Owner/>", KEY + SIZE + OWNER + OWNER),
        (SIZE + "<Key>a<b/></Key>",),
        (SIZE + "<Key>a<b/>c</Key>",),
        (SIZE + KEY + "<Owner><ID>i<b/></ID></Owner>",),
        (SIZE + KEY + "<RestoreStatus><Key>k</Key></RestoreStatus>",),
        (KEY + "<Size> 3 </Size>",),
        (KEY + "<Size>-3</Size>",),
        (SIZE,),
        ("",),
    ],
    ids=str,
)
def test_an_irregular_listing_is_read_element_by_element(objects: tuple[str]) -> None:
    root = parse_xml(page(*objects))
    assert read_columns(root, str) is None
    assert outcome(root) == element_by_element(page(*objects))


def test_objects_of_another_namespace_are_found_too() -> None:
    text = page(USUAL, rest=f'<Contents xmlns="urn:x">{KEY}{SIZE}</Contents>')
    assert outcome(parse_xml(text)) == element_by_element(text)
    assert len(responses.parse_objects(text.encode()).entries) == 2


def test_a_text_in_several_pieces_is_one() -> None:
    text = page("<Key>a<![CDATA[<b>]]>&amp;<!-- -->c</Key>" + SIZE)
    assert outcome(parse_xml(text)) == (ObjectRecord("a<b>&c", None, 3),)


_FIELDS = (
    KEY,
    SIZE,
    ETAG,
    TIME,
    OWNER,
    "<StorageClass/>",
    "<Owner><ID/></Owner>",
    "<Key/>",
    "<x/>",
)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(_FIELDS), max_size=5).map("".join), max_size=3))
def test_both_ways_give_the_same(objects: list[str]) -> None:
    text = page(*objects)
    assert outcome(parse_xml(text)) == element_by_element(text)
