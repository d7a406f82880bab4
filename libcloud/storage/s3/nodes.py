# SPDX-License-Identifier: Apache-2.0
"""Reads untrusted XML documents: all lookups fail with the same exception.

Some servers use a namespace and some do not, so elements are found by their local name. An element
that is missing, empty or not a number is either optional or a :class:`MalformedDocumentError`.

A key is any sequence of bytes. XML 1.0 cannot express most control characters, nor bytes that are
not UTF-8, and parsers turn a literal carriage return into a line feed. Servers send all of these
unless percent-encoded names are requested and supported. :func:`with_raw_names` makes such a
listing readable without losing a byte of a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, quote_from_bytes

from libcloud.utils.xml import MAX_MARKS, parse_xml

_EXCERPT = 80
# Bytes inspected of a body that cannot be parsed: white space before it is skipped.
_BEGIN = 1024

# A number in a response: sizes need at most 15 digits, and int() is slow on very long ones.
_DIGITS = "[0-9]{1,19}"
_NUMBER = re.compile(_DIGITS)

# Words near which a response may repeat what was signed, a key id or a token.
_SECRET = re.compile(r"sign|credential|accesskey|access.key|token|authori[sz]|x-amz|awsakid", re.I)


class MalformedDocumentError(ValueError):
    """A response that is not the expected document.

    It is unknown what the server did: a caller treats it as transient, or as ambiguous if the
    request was one that changes something.
    """


class Element(Protocol):
    """The interface of an element, of ``lxml`` or of the standard library."""

    @property
    def tag(self) -> Hashable: ...

    @property
    def text(self) -> str | None: ...

    def __iter__(self) -> Iterator[Element]: ...

    def __len__(self) -> int: ...


Source = bytes | Element


def excerpt(body: bytes | str) -> str:
    """The beginning of ``body``, fit for a message: short, printable, and free of credentials."""
    head = body[:_BEGIN]
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not text:
        return "an empty body"
    if _SECRET.search(text):
        return "a body that is not shown, because it may contain credentials"
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "...")


class Node:
    """An element, and lookups among its children, which are looked through once and at once."""

    __slots__ = ("_firsts", "element", "name")

    def __init__(self, element: Element) -> None:
        #: what it is made of
        self.element = element
        self._firsts: dict[str, Element] | None = None
        #: the local name; empty for a comment or a processing instruction.
        self.name = _local_name(element.tag)

    def children(self, name: str | None = None) -> Iterator[Node]:
        """Child elements, in order; only those called ``name`` if it is given."""
        return map(Node, self.elements(name))

    def elements(self, name: str | None = None) -> Iterator[Element]:
        """The child elements, as :meth:`children` wraps them."""
        for element in self.element:
            local = _local_name(element.tag)
            if local and (name is None or local == name):
                yield element

    def child(self, name: str) -> Node | None:
        """The first child called ``name``; ``None`` if there is none."""
        element = self._first(name)
        return None if element is None else Node(element)

    def text(self) -> str:
        """The text of an element. :raises MalformedDocumentError: it has child elements."""
        return _text_of(self.element)

    def find(self, name: str) -> str | None:
        """The text of the first child called ``name``; ``None`` if it is missing or empty."""
        element = self._first(name)
        return None if element is None else _text_of(element) or None

    def _first(self, name: str) -> Element | None:
        if self._firsts is None:
            self._firsts = {}
            for element in self.element:
                self._firsts.setdefault(_local_name(element.tag), element)
            self._firsts.pop("", None)
        return self._firsts.get(name)

    def word(self, name: str) -> str | None:
        """Like :meth:`find`, without white space around it."""
        return (self.find(name) or "").strip() or None

    def need(self, name: str) -> str:
        """Like :meth:`find`. :raises MalformedDocumentError: it is missing or empty."""
        text = self.find(name)
        if text is None:
            raise MalformedDocumentError(f"The response has no {name} in {self.name}")
        return text

    def number(self, name: str) -> int | None:
        """Like :meth:`word`, as a number. :raises MalformedDocumentError: it is not one."""
        text = self.word(name)
        if text is not None and not _NUMBER.fullmatch(text):
            raise MalformedDocumentError(f"{name} of {self.name} is not a number: {excerpt(text)}")
        return None if text is None else int(text)

    def need_number(self, name: str) -> int:
        """Like :meth:`number`. :raises MalformedDocumentError: it is missing or empty, too."""
        number = self.number(name)
        if number is None:
            raise MalformedDocumentError(f"The response has no {name} in {self.name}")
        return number

    def flag(self, name: str) -> bool:
        """Whether the first child called ``name`` is true; a missing one is false."""
        return (self.word(name) or "").lower() == "true"


@lru_cache(maxsize=256)
def _local_name(tag: Hashable) -> str:
    """``tag`` without its namespace; empty for nodes that are not elements, such as comments."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text_of(element: Element) -> str:
    if len(element):
        name = _local_name(element.tag)
        raise MalformedDocumentError(f"{name} of the response contains more than text")
    return element.text or ""


def elements(root: Element, path: str) -> list[Element]:
    """The elements at ``path`` (local names separated by slashes), in any namespace or none."""
    found = [root]
    for name in path.split("/"):
        found = [child for parent in found for child in parent if _local_name(child.tag) == name]
    return found


def read_root(source: Source) -> Node:
    """The root of a document, or of one that was already parsed.

    White space in front of the document is allowed: a store sends it to keep the connection alive.
    """
    if not isinstance(source, bytes | bytearray | memoryview):
        return Node(source)
    try:
        element: Element = parse_xml(source)
    except ValueError as error:
        raise MalformedDocumentError(
            f"The response is not an XML document: {excerpt(bytes(source[:_BEGIN]))} "
            f"({excerpt(str(error))})"
        ) from error
    return Node(element)


# Keys that XML cannot express.

RAW = "raw"
"""The ``EncodingType`` of a document that :func:`with_raw_names` has made readable."""

LISTING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<List\w*(?:\s[^>]*)?>")
_ENCODED = re.compile(rb"<EncodingType>\s*url\s*</EncodingType>", re.I)
# Elements of listings that hold keys, or parts of keys.
_NAME = re.compile(
    rb"<(Key|Prefix|Delimiter|Marker|NextMarker|KeyMarker|NextKeyMarker|StartAfter)>"
    rb"([^<]*)</\1>"
)
_REFERENCE = re.compile(rb"&(?:#([0-9]{1,8})|#[xX]([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));")
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}

# XML 1.0, production [2] Char: what is in no document, as bytes and as references.
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\r"})
_CONTROL = re.compile(b"[%b]" % re.escape(_CONTROLS))
_BAD_REFERENCE = re.compile(
    rb"&#(?:(0*(?:[0-8]|1[124-9]|2[0-9]|3[01]))|[xX](0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])));"
)
# In encoded names: the same, carriage returns, and bytes that are not UTF-8.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\udc80-\udcff]")


def declared_encoding(head: bytes) -> str:
    """The encoding that ``head``, the beginning of a document, declares; empty if it does not."""
    declared = re.search(rb"encoding=[\"']([\w.-]+)", head)
    return declared[1].decode("ascii").lower() if declared else ""


def is_exact(document: bytes) -> bool:
    """Whether a parser of XML gets the names out of ``document`` as they were put in."""
    # These tests are several times faster than a search by the expressions.
    if b"\r" in document or len(document.translate(None, _CONTROLS)) != len(document):
        return False
    if b"&#" in document and _BAD_REFERENCE.search(document):
        return False
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def with_raw_names(document: bytes) -> bytes:
    """``document``, with percent-encoded names if it is a listing that has names XML cannot hold.

    >>> with_raw_names(b"<ListBucketResult><Key>a\\x01&#13;</Key></ListBucketResult>")
    b'<ListBucketResult><EncodingType>raw</EncodingType><Key>a%01%0D</Key></ListBucketResult>'
    """
    root = LISTING.match(document)
    if root is None or is_exact(document):
        return document
    if declared_encoding(root[0]) not in ("", "utf-8", "us-ascii"):
        return document
    encoded = _ENCODED.search(document) is not None
    body = _NAME.sub(_rest_encoded if encoded else _encoded, document[root.end() :])
    body = _CONTROL.sub(b"?", _BAD_REFERENCE.sub(b"?", body)).decode("utf-8", "replace").encode()
    mark = b"" if encoded else b"<EncodingType>" + RAW.encode() + b"</EncodingType>"
    return document[: root.end()] + mark + body


def _encoded(match: re.Match[bytes]) -> bytes:
    text = quote_from_bytes(_REFERENCE.sub(_referenced, match[2]), safe="/")
    return b"<%b>%b</%b>" % (match[1], text.encode("ascii"), match[1])


def _rest_encoded(match: re.Match[bytes]) -> bytes:
    """An encoded name of which the server left some bytes as they are."""
    text = _BAD_REFERENCE.sub(_referenced, match[2]).decode("utf-8", "surrogateescape")
    text = _UNSAFE.sub(lambda found: quote(found[0], errors="surrogateescape"), text)
    return b"<%b>%b</%b>" % (match[1], text.encode(), match[1])


def _referenced(match: re.Match[bytes]) -> bytes:
    if match.re is _REFERENCE and match[3]:
        return _ENTITIES[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16)
    # An invalid character reference is left unchanged.
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else match[0]


# Objects of a listing, read from its text without making an element of each of them.
#
# A page has a thousand objects, which usually differ in their texts only. The first one becomes a
# regular expression; if the others match it, and nothing else is between them, that is a proof
# that they are well-formed. The rest of the page is parsed, with an element of ours in their place.
# Any other page is left to the parser.

_OPEN, _CLOSE, _PLACE = "<Contents>", "</Contents>", "ScannedContents"
_LEAF = re.compile(r"<([A-Za-z][A-Za-z0-9]*)>([^<]*)</\1>")
# An object without its leaves.
_FRAME = re.compile(r"<Contents>\s*(?:<Owner>\s*</Owner>\s*)?</Contents>\s*")

# The texts that differ. Any other is mostly that of the first object, which is not copied then.
_TEXTS = {
    "Key": "([^<>&]+)",
    "Size": f"({_DIGITS})",
    "LastModified": r"([^<>&\s]+)",
    "ETag": r'([^<>&"\s]+)',
}

# An ETag is in the same quotes in all objects of a page.
_QUOTES = ("&quot;", "&#34;", '"', "")

# Objects with and without a checksum are often on the same page.
_CHECKSUMS = (
    "(?:<ChecksumAlgorithm>[^<>]*</ChecksumAlgorithm>)*(?:<ChecksumType>[^<>]*</ChecksumType>)?"
)

# XML 1.0, production [2] Char; control characters are excluded elsewhere.
_NOT_CHARACTERS = "\ufffe\uffff"


class ObjectRecord(NamedTuple):
    """An object as a listing shows it. A tuple, for a page has a thousand of them."""

    key: str
    etag: str | None
    size: int
    last_modified: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    storage_class: str | None = None


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page of a listing; ``root`` is the document without its objects."""

    root: Element
    _columns: dict[str, Iterable[str | None]]

    def records(self, decode: Callable[[str], str]) -> list[ObjectRecord]:
        """The objects, in order; ``decode`` makes a key of its text."""
        found: Any = self._columns
        keys, unknown = found["Key"], repeat(None)
        joined = "".join(keys)
        columns = (
            # Without these, encoded names are plain.
            map(decode, keys) if "%" in joined or "+" in joined else keys,
            found.get("ETag", unknown),
            map(int, found["Size"]),
            found.get("LastModified", unknown),
            found.get("Owner.ID", unknown),
            found.get("Owner.DisplayName", unknown),
            found.get("StorageClass", unknown),
        )
        make: Any = partial(tuple.__new__, ObjectRecord)  # as ObjectRecord._make, without a call
        return list(map(make, zip(*columns, strict=False)))


def scan(document: object) -> ScannedPage | None:
    """The page that ``document`` contains; ``None`` if it is not a page of the usual form."""
    if not isinstance(document, bytes) or len(document) > MAX_MARKS:
        return None
    head = LISTING.match(document)
    if head is None or declared_encoding(head[0]) not in ("", "utf-8", "us-ascii"):
        return None
    if b"<Contents>" not in document or not is_exact(document):
        return None
    text = document.decode("utf-8")
    if not text.isascii() and any(character in text for character in _NOT_CHARACTERS):
        return None
    start, end = text.index(_OPEN), text.rfind(_CLOSE) + len(_CLOSE)
    columns = _columns_of(text[start:end]) if start < end else None
    if columns is None:
        return None
    try:
        root = parse_xml(f"{text[:start]}<{_PLACE}/>{text[end:]}".encode())
    except ValueError:
        return None
    found = [child for child in root if Node(child).name in ("Contents", _PLACE)]
    # There may be others in other places, or these in a comment or in another element.
    if len(found) != 1 or Node(found[0]).name != _PLACE:
        return None
    root.remove(found[0])
    return ScannedPage(root, columns)


def _columns_of(objects: str) -> dict[str, Iterable[str | None]] | None:
    """The texts of elements of ``objects``, by name; ``None`` unless all have the same form."""
    end = objects.index(_CLOSE) + len(_CLOSE)
    between = objects[end : objects.find(_OPEN, end)] if _OPEN in objects[end:] else ""
    pattern, firsts = _template(objects[:end] + between) or ("", {})
    if not firsts:
        return None
    width = len(firsts) + 1
    texts = re.split(pattern, objects + between)  # and what is between the matches
    if len(texts) == 1 or any(texts[::width]):
        return None
    columns = {name: texts[place::width] for place, name in enumerate(firsts, 1)}
    return {name: _filled(column, firsts[name]) for name, column in columns.items()}


def _template(first: str) -> tuple[str, dict[str, str]] | None:
    """A pattern for objects like ``first``, and the texts of its groups by their names."""
    texts: dict[str, str] = {}
    pattern, frame, end = "", "", 0
    for leaf in _LEAF.finditer(first):
        (tag, text), before = leaf.groups(), first[end : leaf.start()]
        pattern, frame, end = pattern + re.escape(before), frame + before, leaf.end()
        name = f"Owner.{tag}" if "<Owner>" in frame and "</Owner>" not in frame else tag
        is_plain = name in _TEXTS or (text == text.strip() and ">" not in text and "&" not in text)
        if name in texts or not is_plain:
            return None
        is_checksum = tag.startswith("Checksum")
        if not is_checksum:
            texts[name] = text
            quote = next(one for one in _QUOTES if text.startswith(one)) if name == "ETag" else ""
            group = _TEXTS.get(name) or rf"(?:{re.escape(text)}(?=<)|([^<>&\s]*))"
            pattern += f"<{tag}>{quote}{group}{quote}</{tag}>"
        # Where the first object has them, or where Amazon would.
        is_place = is_checksum or (tag == "ETag" and "<Checksum" not in first)
        if is_place and _CHECKSUMS not in pattern:
            pattern += _CHECKSUMS
    is_usual = _FRAME.fullmatch(frame + first[end:]) and {"Key", "Size"} <= {*texts}
    return (pattern + re.escape(first[end:]), texts) if is_usual else None


def _filled(column: list[Any], first: str) -> Iterable[str | None]:
    """``column``, with ``first`` where it has ``None``, and ``None`` for empty texts."""
    missing = column.count(None)
    if missing == len(column):
        return repeat(first or None)
    return [(first if text is None else text) or None for text in column] if missing else column
