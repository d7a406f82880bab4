# SPDX-License-Identifier: Apache-2.0
"""Reads the objects of a listing from its text, without making an element of each of them.

A page has a thousand objects, which usually differ in their texts only. The first one becomes a
regular expression; if the others match it, and nothing else is between them, that is a proof that
they are well-formed. The rest of the page is parsed, with one empty element in their place. Any
other page is left to the parser.

Tests: ``libcloud/test/storage/s3/test_scanning.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

from libcloud.storage.s3.nodes import (
    LISTING,
    MAX_DIGITS,
    Element,
    Node,
    declared_encoding,
    is_exact,
)
from libcloud.storage.s3.values import ObjectRecord
from libcloud.utils.headers import strip_etag
from libcloud.utils.xml import MAX_MARKS, parse_xml

_OPEN, _CLOSE = "<Contents>", "</Contents>"
_TAG = re.compile(r"(</?[A-Za-z][A-Za-z0-9]*>)")
_TEXT = "([^<>]*)"

# Objects with and without a checksum are often on the same page.
_CHECKSUM = "Checksum"
_OPTIONAL = (
    f"((?:<{_CHECKSUM}Algorithm>[^<>]*</{_CHECKSUM}Algorithm>)*"
    f"(?:<{_CHECKSUM}Type>[^<>]*</{_CHECKSUM}Type>)?)"
)

# The ampersand is the last one, because it may precede the name of another.
_ENTITIES = {
    "&quot;": '"',
    "&#34;": '"',
    "&apos;": "'",
    "&#39;": "'",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
}

# XML 1.0, production [2] Char; control characters are excluded elsewhere.
_NOT_CHARACTERS = "\ufffe\uffff"

# Between texts that are processed together; no document can contain it.
_BETWEEN = "\0"

_Column = Sequence[str]


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page of a listing.

    :param root: the document without its objects.
    """

    root: Element
    _columns: dict[str, _Column]

    def records(self, decode: Callable[[str], str]) -> list[ObjectRecord]:
        """The objects, in order.

        :param decode: makes a key of its text.
        """
        found = self._columns
        keys, sizes, etags = found["Key"], found["Size"], found.get("ETag")
        columns = (
            map(decode, keys) if _has_any(keys, "%+") else keys,
            repeat(None) if etags is None else _unquoted(etags),
            map(int, sizes),
            _stripped(found.get("LastModified")),
            _or_none(found.get("Owner.ID")),
            _or_none(found.get("Owner.DisplayName")),
            _stripped(found.get("StorageClass")),
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
    start, end = text.index(_OPEN), text.rfind(_CLOSE) + len(_CLOSE)
    columns = _columns_of(text[start:end]) if start < end else None
    root = None if columns is None else _parse_rest(text[:start], text[end:])
    return None if columns is None or root is None else ScannedPage(root, columns)


def _parse_rest(before: str, after: str) -> Element | None:
    """The root of the document without its objects; ``None`` if it has more in other places."""
    try:
        root = parse_xml(f"{before}<Contents/>{after}".encode())
    except ValueError:
        return None
    found = [child for child in root if Node(child).name == "Contents"]
    if len(found) != 1:
        return None
    root.remove(found[0])
    return root  # type: ignore[no-any-return]  # lxml has no types


def _columns_of(objects: str) -> dict[str, _Column] | None:
    """The texts of elements of ``objects``, by name; ``None`` unless all have the same form."""
    end = objects.index(_CLOSE) + len(_CLOSE)
    between = objects[end : objects.find(_OPEN, end)] if _OPEN in objects[end:] else ""
    template = _template(objects[:end] + between)
    if template is None:
        return None
    pattern, names, fixed = template
    rows = re.findall(pattern, objects + between)
    columns = list(zip(*rows, strict=True))
    length = sum(map(len, map("".join, columns)), fixed * len(rows))
    if not rows or length != len(objects) + len(between):
        return None
    found = dict(zip(names, map(_unescaped, columns), strict=True))
    if any(column is None for column in found.values()):
        return None
    known: dict[str, _Column] = {name: found[name] or () for name in names}
    return known if all(known["Key"]) and _are_numbers(known["Size"]) else None


def _template(first: str) -> tuple[str, list[str], int] | None:
    """A pattern for objects like ``first``; names of its groups; the length of what is fixed."""
    pattern, names, fixed = "", [], 0
    open_elements: list[str] = []
    pieces = _TAG.split(first)  # texts and tags in turns
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        tag, following = piece.strip("</>"), pieces[position + 2 : position + 3]
        position += 1
        if position % 2:  # what is between elements
            if piece.strip():
                return None
            pattern, fixed = pattern + re.escape(piece), fixed + len(piece)
        elif following == [f"</{tag}>"]:
            position += 2
            if not tag.startswith(_CHECKSUM):
                pattern += f"{piece}{_TEXT}</{tag}>"
                names.append(".".join([*open_elements[1:], tag]))
                fixed += 2 * len(piece) + 1
            is_place = tag.startswith(_CHECKSUM) or (tag == "ETag" and _CHECKSUM not in first)
            if is_place and _CHECKSUM not in names:
                pattern, names = pattern + _OPTIONAL, [*names, _CHECKSUM]
        else:
            if not piece.startswith("</"):
                open_elements.append(tag)
            elif not open_elements or open_elements.pop() != tag:
                return None
            if open_elements not in ([], ["Contents"], ["Contents", "Owner"]):
                return None
            pattern, fixed = pattern + piece, fixed + len(piece)
    is_usual = not open_elements and len(set(names)) == len(names) and {"Key", "Size"} <= {*names}
    return (pattern, names, fixed) if is_usual else None


def _unescaped(texts: _Column) -> _Column | None:
    """``texts`` with entities replaced; ``None`` if one is unknown, or not a character."""
    joined = _BETWEEN.join(texts)
    if not joined.isascii() and any(one in joined for one in _NOT_CHARACTERS):
        return None
    if "&" not in joined:
        return texts
    found = [entity for entity in _ENTITIES if entity in joined]
    if sum(map(joined.count, found)) != joined.count("&"):
        return None
    for entity in found:
        joined = joined.replace(entity, _ENTITIES[entity])
    return joined.split(_BETWEEN)


def _are_numbers(texts: _Column) -> bool:
    digits = "".join(texts)
    lengths = [*map(len, texts)]
    is_number = digits.isascii() and digits.isdecimal()
    return is_number and 0 < min(lengths) <= max(lengths) <= MAX_DIGITS


def _unquoted(etags: _Column) -> Iterable[str | None]:
    """What ``strip_etag`` makes of each; the usual ones together."""
    joined = _BETWEEN.join(etags)
    between = f'"{_BETWEEN}"'
    if joined[:1] == '"' == joined[-1:] and joined.count('"') == 2 * (joined.count(between) + 1):
        found = joined[1:-1].split(between)
        if len(found) == len(etags) and all(found):
            return found
    return [strip_etag(etag) if etag else None for etag in etags]


def _has_any(texts: _Column, characters: str) -> bool:
    """Whether a text has any of ``characters``; without them, encoded names are plain."""
    joined = "".join(texts)
    return any(character in joined for character in characters)


def _or_none(texts: _Column | None) -> Iterable[str | None]:
    """``texts``, with ``None`` in place of empty ones; ``None`` for all if there are none."""
    return repeat(None) if texts is None else [text or None for text in texts]


def _stripped(texts: _Column | None) -> Iterable[str | None]:
    """Like :func:`_or_none`, without white space around them."""
    if texts is None:
        return repeat(None)
    joined = "".join(texts)
    if all(texts) and joined.split() == [joined]:
        return texts
    return [text.strip() or None for text in texts]
