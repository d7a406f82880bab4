# SPDX-License-Identifier: Apache-2.0
"""Parameters of a request as its query."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.common.address import with_query


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a b": "c/d~e"}, "a%20b=c%2Fd~e"),
        ({"uploads": None}, "uploads"),
        ({"a": ""}, "a="),
        ({"n": 7, "yes": True}, "n=7&yes=True"),
        ([("a", "1"), ("a", "2")], "a=1&a=2"),
        ({"a": ["1", "2 3"]}, "a=1&a=2%203"),
        ({"a": []}, ""),
        ({b"a/": b"b/"}, "a%2F=b%2F"),
        ({"\u00fc": "\u20ac"}, "%C3%BC=%E2%82%AC"),
    ],
    ids=["text", "bare", "empty", "others", "pairs", "list", "empty list", "bytes", "beyond ASCII"],
)
def test_parameters_are_percent_encoded(params: Any, query: str) -> None:
    assert with_query("/x", params) == ("/x?" + query if query else "/x")
    assert with_query("/x?y", params) == ("/x?y&" + query if query else "/x?y")


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_texts_are_encoded_as_by_the_standard_library(params: dict[str, str]) -> None:
    assert with_query("/x", params) == f"/x?{urlencode(params, quote_via=quote)}"
