# SPDX-License-Identifier: Apache-2.0
"""Damaged and made-up documents give a record or a MalformedDocumentError, nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.s3 import errors, requests, responses
from libcloud.storage.s3.responses import MalformedDocumentError
from libcloud.test.storage.s3 import documents
from libcloud.utils.headers import strip_etag
from libcloud.utils.xml import parse_xml

READERS: list[Callable[[Any], object]] = [
    responses.parse_create,
    responses.parse_complete,
    responses.parse_uploads,
    responses.parse_parts,
    responses.parse_objects,
    responses.parse_buckets,
    responses.parse_error,
]
ENTRIES: list[Callable[[Any], object]] = [responses.object_record, responses.bucket_record]
TAGS = sorted(
    {
        element.tag
        for document in documents.ALL
        for element in ElementTree.fromstring(documents.plain(document)).iter()
    }
)
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["true", "0", "-1", "%FF", "%ed%a0%80", "+", "url", "&", "1e9"]),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
)


def read_with_all(source: object) -> None:
    for read in READERS:
        try:
            read(source)
        except MalformedDocumentError as error:
            assert len(str(error)) < 600


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes(body: bytes) -> None:
    read_with_all(body)
    errors.error_detail(503, {}, body)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(documents.ALL), st.integers(0, 3000), st.integers(0, 40), st.binary())
def test_bytes_replaced(document: str, start: int, length: int, by: bytes) -> None:
    body = document.encode()
    damaged = body[:start] + by + body[start + length :]
    read_with_all(damaged)
    errors.error_detail(200, {}, damaged)


def descendants(root: ElementTree.Element) -> list[tuple[ElementTree.Element, int]]:
    """Every element but the root, as its parent and its index there."""
    return [(parent, index) for parent in root.iter() for index in range(len(parent))]


def damage(root: ElementTree.Element, data: st.DataObject) -> None:
    places = descendants(root)
    if not places:
        return
    parent, index = data.draw(st.sampled_from(places))
    child = parent[index]
    action = data.draw(st.sampled_from(["remove", "double", "empty", "move", "retext", "rename"]))
    if action == "remove":
        parent.remove(child)
    elif action == "double":
        parent.insert(index, copy.deepcopy(child))
    elif action == "empty":
        child.clear()
    elif action == "move":
        parent.remove(child)
        root.append(child)
    elif action == "retext":
        child.text = data.draw(TEXTS)
    else:
        child.tag = data.draw(st.sampled_from(TAGS))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(documents.ALL), st.data())
def test_elements_removed_doubled_moved_and_changed(document: str, data: st.DataObject) -> None:
    root = ElementTree.fromstring(documents.plain(document))
    for _ in range(data.draw(st.integers(1, 6))):
        damage(root, data)
    read_with_all(root)
    read_with_all(ElementTree.tostring(root))


@pytest.mark.parametrize("document", documents.ALL)
def test_any_element_can_be_read_as_a_list_entry(document: str) -> None:
    for root in (ElementTree.fromstring(document), parse_xml(document)):
        for element in root.iter():
            for read in ENTRIES:
                try:
                    read(element)
                except MalformedDocumentError as error:
                    assert str(error).startswith("The response has no ")


@pytest.mark.parametrize("document", documents.ALL)
def test_each_element_left_out_in_turn(document: str) -> None:
    whole = ElementTree.fromstring(document)
    for position in range(len(descendants(whole))):
        root = copy.deepcopy(whole)
        parent, index = descendants(root)[position]
        del parent[index]
        read_with_all(root)


@pytest.mark.slow
@pytest.mark.parametrize("document", documents.ALL)
def test_a_response_cut_anywhere_is_malformed_or_no_error(document: str) -> None:
    body = document.encode()
    for length in range(len(body)):
        for read in READERS[:-1]:
            with pytest.raises(MalformedDocumentError):
                read(body[:length])
        assert responses.parse_error(body[:length]) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), min_size=1),
)
def test_the_result_of_complete_can_be_read_back(etags: list[str]) -> None:
    etags = [etag.replace("\ufffe", "").replace("\uffff", "") for etag in etags]
    body = requests.complete_body([*enumerate(etags, 1)])
    root = ElementTree.fromstring(body)
    assert [part.findtext("PartNumber") for part in root] == [
        str(number) for number in range(1, len(etags) + 1)
    ]
    assert [part.findtext("ETag") for part in root] == [strip_etag(etag) for etag in etags]
