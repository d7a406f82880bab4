# SPDX-License-Identifier: Apache-2.0
"""Pages of listings: scanned where they have the usual form, and parsed with the same result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.s3 import responses
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import scan

KEY, SIZE = "<Key>k</Key>", "<Size>3</Size>"
ETAG, TIME = "<ETag>&quot;e&quot;</ETag>", "<LastModified>t</LastModified>"
OWNER = "<Owner><ID>i</ID><DisplayName>n</DisplayName></Owner>"
USUAL = f"{KEY}{TIME}{ETAG}{SIZE}{OWNER}<StorageClass>STANDARD</StorageClass>"


def page(*objects: str, namespace: str | None = NAMESPACE, rest: str = "") -> str:
    name = f' xmlns="{namespace}"' if namespace else ""
    inner = "".join(f"<Contents>{inner}</Contents>" for inner in objects)
    return f"<ListBucketResult{name}>{rest}{inner}</ListBucketResult>"


def outcome(source: object) -> object:
    """What is read, or the text of the error."""
    try:
        return responses.parse_objects(source)  # type: ignore[arg-type]  # any source
    except responses.MalformedDocumentError as error:
        return str(error)


def assert_same(text: str | bytes) -> bool:
    """Whether ``text`` is scanned; then the result is that of the parser."""
    document = text if isinstance(text, bytes) else text.encode()
    scanned = scan(document)
    assert scanned is None or outcome(scanned) == outcome(document)
    return scanned is not None


@pytest.mark.parametrize(
    "text",
    [
        page(USUAL, USUAL),
        page(USUAL, namespace=None),
        page(USUAL, namespace="http://doc.s3.amazonaws.com/2006-03-01"),
        page(KEY + SIZE + "<Owner><ID>i</ID></Owner>"),
    ],
    ids=str,
)
def test_usual_pages_are_scanned(text: str) -> None:
    assert assert_same(text)


@pytest.mark.parametrize(
    "objects",
    [
        (),
        (KEY + SIZE, SIZE + KEY),
        (USUAL, KEY + USUAL.replace(KEY, "<Key>second</Key>")),
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
def test_objects_of_another_form_are_parsed(objects: tuple[str]) -> None:
    assert not assert_same(page(*objects))


@pytest.mark.parametrize(
    "text",
    [
        page(USUAL, rest=f'<Contents xmlns="urn:x">{KEY}{SIZE}</Contents>'),
        page(USUAL, rest=f"<x>{page(USUAL)}</x>"),
        page(rest=f"<x><Contents>{USUAL}</Contents></x>"),
        page(rest=f"<!-- <Contents>{USUAL}</Contents> -->"),
        page(rest=f"<x><![CDATA[<Contents>{USUAL}</Contents>]]></x>"),
        page(rest=f"<?pi <Contents>{USUAL}</Contents>?>"),
        page(rest=f"<Contents >{USUAL}</Contents ><x><Contents>{USUAL}</Contents></x>"),
        page(rest=f"<Contents /><!-- <Contents>{USUAL}</Contents> -->"),
        page(USUAL, rest="<x>"),
        page(USUAL, rest="<x>&#0;</x>"),
        page(USUAL) + "<x/>",
        page(USUAL, USUAL).replace("</Contents><Contents>", "</Contents>x<Contents>"),
        page(USUAL, f"<Contents>{USUAL}"),
        page("<Owner>" + USUAL),
        page(USUAL + "</Owner>"),
        page("<Key>a]]>b</Key>" + SIZE),
        page("<Key>a<![CDATA[<b>]]>&amp;<!-- -->c</Key>" + SIZE),
        page("<Key>a&unknown;</Key>" + SIZE),
        page("<Key>a&b</Key>" + SIZE),
        page("<Key>a&#10;</Key>" + SIZE),
        page("<Key>a\r</Key>" + SIZE),
        page("<Key>a\x01</Key>" + SIZE),
        page("<Key>a\ufffe</Key>" + SIZE),
        page("<Key>a\uffff</Key>" + SIZE),
        page(USUAL).encode("utf-16"),
        b'<?xml version="1.0" encoding="latin-1"?>' + page(USUAL).encode(),
        page(USUAL).encode() + b"\xff",
        page(USUAL).replace("List", "Else"),
        page("<s:Key>k</s:Key>" + SIZE),
    ],
    ids=ascii,
)
def test_any_other_document_is_parsed(text: str | bytes) -> None:
    assert not assert_same(text)


@pytest.mark.parametrize(
    "name", ["a&amp;lt;b&lt;", "&lt;&gt;&amp;&quot;&apos;&#34;&#39;", "ä€😀", "a b\n", "%"]
)
def test_names_are_those_that_the_parser_finds(name: str) -> None:
    encoding = "<EncodingType>url</EncodingType>"
    for rest in ("", encoding):
        text = page(USUAL, USUAL.replace("<Key>k", f"<Key>{name}"), rest=rest)
        assert assert_same(text) == ("&" not in name)


def test_white_space_between_elements_does_not_matter() -> None:
    text = page(USUAL, USUAL, rest="<IsTruncated>true</IsTruncated>").replace("><", ">\n  <")
    assert assert_same(text)


def test_objects_with_and_without_a_checksum_are_scanned() -> None:
    checksum = (
        "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    )
    other = USUAL.replace(ETAG, ETAG + checksum)
    assert assert_same(page(USUAL, other, USUAL))
    assert assert_same(page(other, USUAL, other))


@pytest.mark.parametrize(
    "etag",
    [
        "",
        "&quot;&quot;",
        "e",
        "&quot;e&quot;",
        "W/&quot;e&quot;",
        '"e"',
        " &quot;e&quot; ",
        "&quot;e",
        "&quot;",
    ],
)
def test_etags_of_any_form_are_those_that_the_parser_finds(etag: str) -> None:
    for other in (etag, etag.replace("e", "o"), "&quot;o&quot;"):
        fields = (f"{KEY}{SIZE}<ETag>{one}</ETag>" for one in (etag, other))
        is_usual = etag in ("e", '"e"', "&quot;e&quot;") and len(etag) == len(other)
        assert assert_same(page(*fields)) == is_usual


@pytest.mark.parametrize("storage", ["STANDARD", "GLACIER", "", "a&amp;b", " STANDARD "])
def test_texts_that_are_mostly_the_same_are_those_that_the_parser_finds(storage: str) -> None:
    other = USUAL.replace("STANDARD", storage)
    is_plain = storage.isalpha() or not storage
    assert assert_same(page(USUAL, other, USUAL)) == is_plain
    assert assert_same(page(other, other, USUAL)) == is_plain


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
    assert_same(page(*objects))


_WORDS = ("&amp;", "</Key>", "<Key>", "</Contents>", "<Contents>", "<!--", "-->", "<Owner>")
_TOKENS = st.sampled_from([*"<>&;/]k3\n\x7f\ufffe", *_WORDS])


@settings(deadline=None)
@given(st.lists(_TOKENS, max_size=6).map("".join), st.integers(0, 400))
def test_a_page_with_something_in_it_is_not_misread(text: str, place: int) -> None:
    whole = page(USUAL, USUAL, rest="<Name>n</Name>")
    assert_same(whole[:place] + text + whole[place:])
