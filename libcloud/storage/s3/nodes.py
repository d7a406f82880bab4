# SPDX-License-Identifier: Apache-2.0
"""Reading an XML answer, whatever it holds: lookups that can only fail with one error.

Servers differ in whether they name a namespace, so elements are found by their local name. What is
missing, empty or no number is either optional or a :class:`MalformedAnswerError`; nothing else
comes out of here, however the answer was damaged or made up.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from libcloud.utils.xml import parse_xml

__all__ = [
    "Element",
    "Fields",
    "MalformedAnswerError",
    "Node",
    "Source",
    "excerpt",
    "is_number",
    "read_root",
]

_EXCERPT = 80
# What is looked at of a body that cannot be read, bytes: white space before it is skipped.
_BEGIN = 1024

# A number in an answer: sizes need at most 15 digits, and int() is slow on very long ones.
MAX_DIGITS = 19
"""Digits of a number in a response at most."""

_NUMBER = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}")

# Words near which an answer may repeat what was signed, a key id or a token.
_SECRET = re.compile(r"sign|credential|accesskey|access.key|token|authori[sz]|x-amz|awsakid", re.I)


class MalformedAnswerError(ValueError):
    """An answer that is not the document it should be.

    Nothing is known of what the server did: a caller treats it as transient, or as ambiguous if the
    request was one that changes something.
    """


class Element(Protocol):
    """What is needed of an element, of ``lxml`` or of the standard library."""

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
        return "a body that is not shown, for it may hold credentials"
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "...")


class Node:
    """An element, and lookups among its children.

    :param children: those to look among; ``None``: all.
    """

    __slots__ = ("_children", "_element", "_firsts", "name")

    def __init__(self, element: Element, children: Sequence[Element] | None = None) -> None:
        self._element = element
        self._children: Iterable[Element] = element if children is None else children
        self._firsts: dict[str, Element] | None = None
        #: the local name; empty for a comment or a processing instruction.
        self.name = _local_name(element.tag)

    def children(self, name: str | None = None) -> Iterator[Node]:
        """Child elements, in order; only those called ``name`` if it is given."""
        return map(Node, self.elements(name))

    @property
    def element(self) -> Element:
        """What it is made of."""
        return self._element

    def elements(self, name: str | None = None) -> Iterator[Element]:
        """What :meth:`children` are made of."""
        for element in self._children:
            local = _local_name(element.tag)
            if local and (name is None or local == name):
                yield element

    def child(self, name: str) -> Node | None:
        """The first child called ``name``; ``None`` if there is none."""
        element = self._first(name)
        return None if element is None else Node(element)

    def text(self) -> str:
        """The text of an element that holds nothing but text.

        :raises MalformedAnswerError: it holds something else, so that its text cannot be told.
        """
        return _text_of(self._element)

    def find(self, name: str) -> str | None:
        """The text of the first child called ``name``; ``None`` if it is missing or empty."""
        element = self._first(name)
        return None if element is None else _text_of(element) or None

    def _first(self, name: str) -> Element | None:
        # Looked through once: a page of a listing has a thousand elements with ten children each.
        if self._firsts is None:
            self._firsts = {}
            for element in self._children:
                self._firsts.setdefault(_local_name(element.tag), element)
            self._firsts.pop("", None)
        return self._firsts.get(name)

    def word(self, name: str) -> str | None:
        """Like :meth:`find`, without white space around it."""
        return (self.find(name) or "").strip() or None

    def need(self, name: str) -> str:
        """Like :meth:`find`.

        :raises MalformedAnswerError: it is missing or empty.
        """
        text = self.find(name)
        if text is None:
            raise MalformedAnswerError(f"The answer has no {name} in {self.name}")
        return text

    def number(self, name: str) -> int | None:
        """The number that the first child called ``name`` holds; ``None`` if missing or empty.

        :raises MalformedAnswerError: it is no number, or a negative one.
        """
        text = self.word(name)
        return None if text is None else _to_number(text, name, self.name)

    def need_number(self, name: str) -> int:
        """Like :meth:`number`.

        :raises MalformedAnswerError: it is missing, empty, or no number.
        """
        number = self.number(name)
        if number is None:
            raise MalformedAnswerError(f"The answer has no {name} in {self.name}")
        return number

    def flag(self, name: str) -> bool:
        """Whether the first child called ``name`` says true; a missing one says false."""
        return (self.word(name) or "").lower() == "true"


class Fields:
    """The children of an element as a :class:`Node` finds them, looked through once and at once.

    A page of a listing has a thousand elements with ten children each, and this takes a third of
    the time.
    """

    __slots__ = ("_fields", "_name")

    def __init__(self, element: Element) -> None:
        self._name = _local_name(element.tag)
        fields: dict[str, str | Element] = {}
        for child in element:
            name = _local_name(child.tag)
            if name not in fields:
                fields[name] = child if len(child) else child.text or ""
        self._fields = fields

    def text(self, name: str) -> str:
        """The text of the first child called ``name``; empty if it is missing.

        :raises MalformedAnswerError: it holds something else.
        """
        text = self._fields.get(name, "")
        if not isinstance(text, str):
            raise MalformedAnswerError(f"{name} of the answer holds more than text")
        return text

    def need(self, name: str) -> str:
        """Like :meth:`text`.

        :raises MalformedAnswerError: it is missing or empty.
        """
        text = self.text(name)
        if not text:
            raise MalformedAnswerError(f"The answer has no {name} in {self._name}")
        return text

    def need_number(self, name: str) -> int:
        """The number that the first child called ``name`` holds.

        :raises MalformedAnswerError: it is missing, empty, or no number.
        """
        return _to_number(self.need(name).strip(), name, self._name)

    def child(self, name: str) -> Fields | None:
        """The first child called ``name``, if it has children."""
        child = self._fields.get(name)
        return None if child is None or isinstance(child, str) else Fields(child)


def is_number(text: str) -> bool:
    """Whether ``text`` is a number that an answer may hold."""
    return _NUMBER.fullmatch(text) is not None


def _to_number(text: str, name: str, parent: str) -> int:
    if not is_number(text):
        raise MalformedAnswerError(f"{name} of {parent} is no number: {excerpt(text)}")
    return int(text)


@lru_cache(maxsize=256)
def _local_name(tag: Hashable) -> str:
    """``tag`` without its namespace; empty for what is no element, such as a comment."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text_of(element: Element) -> str:
    if len(element):
        name = _local_name(element.tag)
        raise MalformedAnswerError(f"{name} of the answer holds more than text")
    return element.text or ""


def read_root(source: Source) -> Node:
    """The root of a document, or of one that somebody parsed before.

    White space in front of the document is allowed: a store sends it to keep the connection alive.

    :raises MalformedAnswerError: ``source`` is not XML.
    """
    if not isinstance(source, bytes | bytearray | memoryview):
        return Node(source)
    try:
        element: Element = parse_xml(source)
    except ValueError as error:
        raise MalformedAnswerError(
            f"The answer is not an XML document: {excerpt(bytes(source[:_BEGIN]))} "
            f"({excerpt(str(error))})"
        ) from error
    return Node(element)
