# SPDX-License-Identifier: Apache-2.0
"""Parses untrusted XML and finds elements in it.

The only module that imports lxml, at the first parse. The functions work on elements of
lxml and of the standard library.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

# The largest response with a bound is a listing of 1,000 entries: about 5 MiB with names of 1,024
# bytes in percent-encoding.
MAX_DOCUMENT_SIZE = 64 * 1024 * 1024

# Tags and attributes. A listing of 5,000 blobs in Azure has up to 400,000; each takes about 200
# bytes of memory.
MAX_MARKS = 1_000_000

_WHITE_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InvalidXmlError(ValueError):
    """A document that is not well-formed, is too large, or uses features that no store needs."""


def load() -> None:
    """Import lxml, which the first parse does otherwise. Takes 10 ms; never raises."""
    with suppress(Exception):
        import lxml.etree  # noqa: F401


def parse_xml(data: bytes | bytearray | memoryview | str) -> Any:
    """Parse an untrusted document and return its root element (lxml).

    Nothing outside the document is read, no entity is expanded, and a document type declaration is
    rejected. Comments and processing instructions are dropped.

    :param data: the encoding declared in it counts for bytes only.
    :raises InvalidXmlError: the document cannot be accepted; the message says why.

    >>> findtext(parse_xml("<a><b>1</b></a>"), "b")
    '1'
    """
    from lxml import etree

    document, encoding = _prepare(data)
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root: Any = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise InvalidXmlError(f"XML could not be parsed: {error}") from error
    if root is None:
        raise InvalidXmlError("XML has no element")
    if root.getroottree().docinfo.doctype:
        raise InvalidXmlError("XML with a document type declaration is not accepted")
    return root


def serialize(element: Any) -> str:
    from lxml import etree

    return etree.tostring(element, encoding="unicode")


def fixxpath(xpath: str, namespace: str | None = None) -> str:
    """``xpath`` with ``namespace`` before each name.

    >>> fixxpath("a/b", "urn:x")
    '{urn:x}a/{urn:x}b'
    """
    if not namespace:
        return xpath
    return "/".join(
        step if step in ("", ".", "..") or step[0] in "{@" else f"{{{namespace}}}{step}"
        for step in xpath.split("/")
    )


def findtext(
    element: Any, xpath: str, namespace: str | None = None, no_text_value: str = ""
) -> str | None:
    """The text of the first match, or ``no_text_value`` without text; ``None`` without a match."""
    found = element.findtext(fixxpath(xpath, namespace))
    return no_text_value if found == "" else cast("str | None", found)


def findattr(element: Any, xpath: str, namespace: str | None = None) -> str | None:
    return cast("str | None", element.findtext(fixxpath(xpath, namespace)))


def findall(element: Any, xpath: str, namespace: str | None = None) -> list[Any]:
    return list(element.findall(fixxpath(xpath, namespace)))


def findall_ignore_namespace(element: Any, xpath: str, namespace: str | None = None) -> list[Any]:
    """All matches in ``namespace``; if there are none, those in any or no namespace."""
    return findall(element, xpath, namespace) or findall(element, xpath, "*")


def findtext_ignore_namespace(
    element: Any, xpath: str, namespace: str | None = None, no_text_value: str = ""
) -> str | None:
    """As :func:`findtext`, but without a match, retry in any or no namespace."""
    found = findtext(element, xpath, namespace, no_text_value)
    if found is not None:
        return found
    return findtext(element, xpath, "*", no_text_value)


def _prepare(data: bytes | bytearray | memoryview | str) -> tuple[bytes, str | None]:
    """Bytes that start with the document, and their encoding, unless the document declares it."""
    encoding = None
    if isinstance(data, str):
        encoding = "utf-8"
        try:
            data = data.encode(encoding)
        except UnicodeEncodeError as error:
            raise InvalidXmlError(
                f"XML contains characters that cannot be encoded: {error}"
            ) from error
    document = bytes(data)
    if len(document) > MAX_DOCUMENT_SIZE:
        raise InvalidXmlError(
            f"XML of {len(document)} bytes is larger than the {MAX_DOCUMENT_SIZE} allowed"
        )
    # Counting takes time, and a short document cannot have as many.
    many = len(document) > MAX_MARKS
    marks = document.count(b"<") + document.count(b"=") if many else 0
    if marks > MAX_MARKS:
        raise InvalidXmlError(
            f"XML with about {marks} tags and attributes has more than the {MAX_MARKS} allowed"
        )
    document = document.removeprefix(_BYTE_ORDER_MARK).lstrip(_WHITE_SPACE)
    if not document:
        raise InvalidXmlError("XML is empty")
    if _starts_with_doctype(document):
        raise InvalidXmlError("XML with a document type declaration is not accepted")
    return document, encoding


def _starts_with_doctype(document: bytes) -> bool:
    """Whether a DOCTYPE precedes the root element: its declarations are never processed."""
    position = 0
    while True:
        while document[position : position + 1] in (b" ", b"\t", b"\r", b"\n"):
            position += 1
        for opening, closing in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if document.startswith(opening, position):
                end = document.find(closing, position + len(opening))
                if end < 0:
                    return False
                position = end + len(closing)
                break
        else:
            return document.startswith(b"<!DOCTYPE", position)
