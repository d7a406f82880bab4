# SPDX-License-Identifier: Apache-2.0
"""Parsing XML from strangers, and looking things up with and without namespaces."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libcloud.utils import xml
from libcloud.utils.xml import (
    InvalidXmlError,
    findall,
    findall_ignore_namespace,
    findattr,
    findtext,
    findtext_ignore_namespace,
    fixxpath,
    parse_xml,
    serialize,
)

PARSERS = pytest.mark.parametrize("parse", [parse_xml, ET.fromstring], ids=["lxml", "stdlib"])

QUALIFIED = '<r xmlns="urn:s"><a>1</a><a>2</a><b/><c><d> x </d></c></r>'
BARE = "<r><a>1</a><a>2</a><b/><c><d> x </d></c></r>"


@pytest.mark.parametrize(
    "document",
    [
        "<a>é</a>",
        "<a>é</a>".encode(),
        bytearray("<a>é</a>".encode()),
        memoryview("<a>é</a>".encode()),
        "\ufeff<a>é</a>",
        b"\xef\xbb\xbf" + "<a>é</a>".encode(),
        ' \r\n\t<?xml version="1.0" encoding="utf-8"?><a>é</a>',
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>',
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"),
        '<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"),
        "<!-- first --><?target data?><a>é</a><!-- last -->",
    ],
)
def test_a_document_is_read_whatever_form_it_comes_in(document: Any) -> None:
    assert parse_xml(document).text == "é"


def test_comments_and_instructions_are_not_children() -> None:
    root = parse_xml("<a><!-- x --><b/><?target data?></a>")

    assert [child.tag for child in root] == ["b"]


@pytest.mark.parametrize(
    "document", ["", b"", "  \n", "plain text", "<a>", "<a></b>", "<a/><b/>", "\ud800<a/>", b"\xff"]
)
def test_what_is_not_well_formed_is_a_value_error(document: Any) -> None:
    with pytest.raises(InvalidXmlError) as caught:
        parse_xml(document)

    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!-- c --> <?p i?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
    ],
)
def test_a_document_type_declaration_is_refused(document: Any) -> None:
    with pytest.raises(InvalidXmlError, match="document type"):
        parse_xml(document)


def test_the_word_doctype_may_occur_in_the_data() -> None:
    document = "<!-- <!DOCTYPE --><a><![CDATA[<!DOCTYPE html>]]></a>"

    assert parse_xml(document).text == "<!DOCTYPE html>"


def test_a_document_that_never_leaves_its_prolog_is_refused() -> None:
    with pytest.raises(InvalidXmlError):
        parse_xml("<!-- " * 50_000)


def test_a_document_over_the_size_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_DOCUMENT_SIZE", 10)

    assert parse_xml("<a>xyz</a>").text == "xyz"
    with pytest.raises(InvalidXmlError, match="11 bytes"):
        parse_xml("<a>wxyz</a>")


def test_a_very_deep_document_is_refused() -> None:
    with pytest.raises(InvalidXmlError):
        parse_xml("<a>" * 5000 + "</a>" * 5000)


def test_an_element_is_written_back() -> None:
    assert serialize(parse_xml("<a><b>é</b></a>")) == "<a><b>é</b></a>"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "{urn:s}a"),
        ("a/b", "{urn:s}a/{urn:s}b"),
        (".//a", ".//{urn:s}a"),
        ("./a", "./{urn:s}a"),
        ("*", "{urn:s}*"),
        ("{urn:t}a/b", "{urn:t}a/{urn:s}b"),
        ("", ""),
    ],
)
def test_each_name_has_a_namespace_prefix(path: str, expected: str) -> None:
    assert fixxpath(path, "urn:s") == expected
    assert fixxpath(path) == path


@PARSERS
def test_look_ups_find_what_is_in_the_namespace(parse: Callable[[str], Any]) -> None:
    root = parse(QUALIFIED)

    assert findtext(root, "a", "urn:s") == "1"
    assert findtext(root, ".//d", "urn:s") == " x "
    assert findattr(root, "c/d", "urn:s") == " x "
    assert [item.text for item in findall(root, "a", "urn:s")] == ["1", "2"]


@PARSERS
def test_look_ups_do_not_find_what_is_elsewhere(parse: Callable[[str], Any]) -> None:
    root = parse(BARE)

    assert findtext(root, "a", "urn:s") is None
    assert findattr(root, "a", "urn:s") is None
    assert findall(root, "a", "urn:s") == []


@PARSERS
def test_an_element_without_text_and_no_element_differ(parse: Callable[[str], Any]) -> None:
    root = parse(BARE)

    assert findtext(root, "b") == ""
    assert findtext(root, "b", no_text_value="none") == "none"
    assert findtext(root, "missing", no_text_value="none") is None
    assert findattr(root, "missing") is None


@PARSERS
@pytest.mark.parametrize("document", [QUALIFIED, BARE, QUALIFIED.replace("urn:s", "urn:other")])
@pytest.mark.parametrize("namespace", ["urn:s", None])
def test_ignoring_the_namespace_finds_it_in_any(
    parse: Callable[[str], Any], document: str, namespace: str | None
) -> None:
    root = parse(document)

    assert [item.text for item in findall_ignore_namespace(root, "a", namespace)] == ["1", "2"]
    assert findtext_ignore_namespace(root, "c/d", namespace) == " x "
    assert findtext_ignore_namespace(root, "b", namespace, "none") == "none"
    assert findtext_ignore_namespace(root, "missing", namespace) is None


@PARSERS
def test_the_requested_namespace_takes_precedence(parse: Callable[[str], Any]) -> None:
    root = parse('<r xmlns:s="urn:s"><a>bare</a><s:a>qualified</s:a></r>')

    assert findtext_ignore_namespace(root, "a", "urn:s") == "qualified"
    assert [item.text for item in findall_ignore_namespace(root, "a", "urn:s")] == ["qualified"]


def test_a_thread_that_loads_lxml_does_not_fail_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    xml.load()


def test_lxml_is_loaded_by_the_first_parse_and_not_before() -> None:
    program = (
        "import sys, libcloud, libcloud.utils.xml as x\n"
        "before = 'lxml' in sys.modules\n"
        "x.parse_xml('<a/>')\n"
        "print(before, 'lxml' in sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == ["False", "True"]
