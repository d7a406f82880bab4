# SPDX-License-Identifier: Apache-2.0
"""The objects of a listing, read column by column: all keys, all sizes, all ETags of a page.

A page has a thousand objects, and to look at each element of each takes several times as long. What
is not of the usual shape is left to those who look at each element: see :mod:`.xml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from libcloud.storage.s3.nodes import MAX_DIGITS, Element, Node
from libcloud.storage.s3.values import ObjectRecord
from libcloud.utils.etags import strip_etag
from libcloud.utils.xml import compiled_xpath

# The texts of the first elements of a name in each object, where that is one piece of text.
_COLUMNS = tuple(
    f"n:Contents/{path}[1]/text()[last()=1]"
    for path in ("n:Key", "n:Size", "n:ETag", "n:LastModified", "n:StorageClass")
)
_OWNER_COLUMNS = tuple(
    f"n:Contents/n:Owner[1]/{path}[1]/text()[last()=1]" for path in ("n:ID", "n:DisplayName")
)
_OBJECTS = "count(n:Contents)"
_ALL = "count(*)"
_AROUND = "n:Contents[1]/preceding-sibling::* | n:Contents[last()]/following-sibling::*"
_OTHERS = "*[not(self::n:Contents)]"
_NESTED = "count(n:Contents/*/*)"
_DEEPER = "boolean(n:Contents/*/*/*)"


def read_others(root: Element) -> list[Element] | None:
    """All children of the listing ``root`` that are not objects.

    :return: ``None`` if ``root`` is not of lxml, or has objects in several namespaces.
    """
    if not hasattr(root, "nsmap") or not isinstance(root.tag, str):
        return None
    namespace = _namespace(root)

    def find(path: str) -> Any:
        return compiled_xpath(path, namespace)(root)

    others: list[Element] = find(_AROUND)  # objects usually follow one another
    if len(others) + find(_OBJECTS) != find(_ALL):
        others = find(_OTHERS)
    return None if any(Node(other).name == "Contents" for other in others) else others


def read_columns(root: Element, decode: Callable[[str], str]) -> list[ObjectRecord] | None:
    """The objects that the listing ``root``, of lxml, shows, in order.

    :param decode: makes a key of its text.
    :return: ``None`` if any of the objects lacks something that others have, has something twice or
        nested, or has an invalid number: then texts cannot be assigned to objects.
    """
    namespace = _namespace(root)

    def find(path: str) -> list[str]:
        return compiled_xpath(path, namespace)(root)  # type: ignore[no-any-return]

    def count(path: str) -> int:
        return int(compiled_xpath(path, namespace)(root))

    size = count(_OBJECTS)
    keys, sizes, etags, times, classes = (find(path) for path in _COLUMNS)
    ids, names = (find(path) for path in _OWNER_COLUMNS)
    whole = len(keys) == len(sizes) == size and _are_numbers(sizes)
    nested = count(_NESTED)
    if not whole or nested != len(ids) + len(names) or (nested and count(_DEEPER)):
        return None
    optional = (etags, times, ids, names, classes)
    if any(len(column) not in (0, size) for column in optional):
        return None
    columns = (
        map(decode, keys),
        map(strip_etag, etags) if etags else repeat(None, size),
        map(int, sizes),
        map(_stripped, times) if times else repeat(None, size),
        ids or repeat(None, size),
        names or repeat(None, size),
        map(_stripped, classes) if classes else repeat(None, size),
    )
    return list(map(ObjectRecord._make, zip(*columns, strict=True)))


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether all ``texts``, which are not empty, are numbers; together, for that is faster."""
    digits = "".join(texts)
    return (not digits or (digits.isascii() and digits.isdecimal())) and (
        max(map(len, texts), default=0) <= MAX_DIGITS
    )


def _stripped(text: str) -> str | None:
    return text.strip() or None


def _namespace(root: Element) -> str | None:
    tag = str(root.tag)
    return tag[1:].partition("}")[0] if tag.startswith("{") else None
