# SPDX-License-Identifier: Apache-2.0
"""Names that once hid the differences between Python 2 and 3.

Kept for programs written against the libcloud API; nothing in this library uses them.
"""

from __future__ import annotations

import base64
import builtins
import http.client as httplib
import types
import urllib.parse as urlparse
import xml.etree.ElementTree as ET
import xmlrpc.client as xmlrpclib
from collections.abc import Callable, Iterable, Mapping
from importlib import reload
from io import StringIO
from os.path import relpath
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode
from urllib.parse import quote as urlquote
from urllib.parse import unquote as urlunquote

__all__ = [
    "DEFAULT_LXML", "ET", "PY2", "PY3", "PY27", "PY2_pre_279", "StringIO", "assertRaisesRegex",
    "assertRegex", "b", "base64_decode_string", "base64_encode_string", "basestring", "bchr",
    "byte", "bytes", "dictvalues", "ensure_string", "hexadigits", "httplib", "method_type",
    "next", "parse_qs", "parse_qsl", "reload", "relpath", "tostring", "u", "urlencode",
    "urlparse", "urlquote", "urlunquote", "xmlrpclib",
]  # fmt: skip

PY2 = False
PY27 = False
PY2_pre_279 = False
PY3 = True

DEFAULT_LXML = False

_T = TypeVar("_T")

next = builtins.next
bytes = builtins.bytes
basestring = builtins.str
_real_unicode = builtins.str
u = builtins.str

base64_encode_string = base64.encodebytes
base64_decode_string = base64.decodebytes


def b(s: object) -> builtins.bytes:
    """``s`` as bytes: text in UTF-8, a number as the one byte of that value."""
    if isinstance(s, str):
        return s.encode("utf-8")
    if isinstance(s, builtins.bytes):
        return s
    if isinstance(s, int):
        return builtins.bytes([s])
    raise TypeError(f"Invalid argument {s!r} for b()")


def ensure_string(s: object) -> str:
    """``s`` as text: bytes are read as UTF-8."""
    if isinstance(s, str):
        return s
    if isinstance(s, builtins.bytes):
        return s.decode("utf-8")
    raise TypeError(f"Invalid argument {s!r} for ensure_string()")


def bchr(s: int) -> builtins.bytes:
    return builtins.bytes([s])


def byte(n: str | builtins.bytes) -> int:
    return ord(n)


def hexadigits(s: Iterable[int]) -> list[str]:
    return [format(value, "02x") for value in s]


def dictvalues(d: Mapping[Any, _T]) -> list[_T]:
    return list(d.values())


def tostring(node: Any) -> str:
    """The XML text of an element, of the standard library or of lxml."""
    if type(node).__module__.startswith("lxml"):
        from libcloud.utils.xml import serialize

        return serialize(node)
    return ET.tostring(node, encoding="unicode")


def method_type(
    callable: Callable[..., Any], instance: Any, klass: Callable[[], Any]
) -> types.MethodType:
    """``callable`` bound to ``instance``, or to a new ``klass()`` if there is none."""
    return types.MethodType(callable, instance or klass())


def assertRaisesRegex(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.assertRaisesRegex(*args, **kwargs)


def assertRegex(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.assertRegex(*args, **kwargs)
