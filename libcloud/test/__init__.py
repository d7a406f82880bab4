# SPDX-License-Identifier: Apache-2.0
"""Helpers for tests of drivers, and the tests of this library.

What is this for: a connection (:class:`MockHttp`) that answers from methods of a class, and what
goes with it, for this library's tests and for those of its users.

What may it import: everything. Nothing outside ``libcloud.test`` imports it.

Which test proves it: ``libcloud/test/test_helpers.py``.
"""

from __future__ import annotations

import unittest
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl
from urllib.parse import quote as urlquote

from libcloud.test._helpers import (
    XML_HEADERS,
    LibcloudTestCase,
    MockConnection,
    generate_random_data,
    multipleresponse,
    no_internet,
    no_network,
)

if TYPE_CHECKING:
    from libcloud.common.base import Response
    from libcloud.http import LibcloudConnection
    from libcloud.test._mock_answers import BodyStream, MockResponse, make_response
    from libcloud.test._mock_http import (
        BaseMockHttpObject,
        MockHttp,
        MockHttpTestCase,
        MockRawResponse,
        StorageMockHttp,
    )

__all__ = [
    "PY2",
    "XML_HEADERS",
    "BaseMockHttpObject",
    "BodyStream",
    "LibcloudConnection",
    "LibcloudTestCase",
    "MockConnection",
    "MockHttp",
    "MockHttpTestCase",
    "MockRawResponse",
    "MockResponse",
    "Response",
    "StorageMockHttp",
    "StringIO",
    "generate_random_data",
    "make_response",
    "multipleresponse",
    "no_internet",
    "no_network",
    "parse_qs",
    "parse_qsl",
    "unittest",
    "urlquote",
]

PY2 = False

_LAZY = {
    "libcloud.common.base": ("Response",),
    "libcloud.http": ("LibcloudConnection",),
    "libcloud.test._mock_answers": ("BodyStream", "MockResponse", "make_response"),
    "libcloud.test._mock_http": (
        "BaseMockHttpObject",
        "MockHttp",
        "MockHttpTestCase",
        "MockRawResponse",
        "StorageMockHttp",
    ),
}


def __getattr__(name: str) -> object:
    """What needs the HTTP layer, on first use: tests of the layers below run without it."""
    for module, names in _LAZY.items():
        if name in names:
            found: object = getattr(import_module(module), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
