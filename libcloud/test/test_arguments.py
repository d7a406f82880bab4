# SPDX-License-Identifier: Apache-2.0
"""Checks of arguments, and what they suggest instead."""

from __future__ import annotations

from typing import Any

import pytest

from libcloud.utils.arguments import (
    nearest,
    plain_headers,
    seconds,
    unexpected_keyword,
    whole_number,
)

KNOWN = ("endpoint_url", "ex_part_size", "ex_tags", "host", "key", "region", "secret", "timeout")


class Index:
    """A whole number of another library, as those of numpy."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("endpoint", "endpoint_url"),
        ("EndpointUrl", "endpoint_url"),
        ("url", "endpoint_url"),
        ("regoin", "region"),
        ("region_name", "region"),
        ("aws_access_key_id", "key"),
        ("secret_key", "secret"),
        ("part_size", "ex_part_size"),
        ("ex_partsize", "ex_part_size"),
        ("Tagging", "ex_tags"),
        ("time_out", "timeout"),
        ("nonsense", None),
    ],
)
def test_the_nearest_name_is_found_by_meaning_and_by_spelling(given: str, meant: str) -> None:
    assert nearest(given, KNOWN) == meant


def test_an_unexpected_keyword_is_reported_with_the_nearest_one() -> None:
    text = str(unexpected_keyword("endpoint", ["host", "endpoint_url"], of="Driver"))
    assert text == (
        "Driver has no keyword argument 'endpoint': did you mean 'endpoint_url'? "
        "There are endpoint_url, host"
    )
    assert "; there are host" in str(unexpected_keyword("nonsense", ["host"]))


@pytest.mark.parametrize("value", ["16MiB", "1", b"1", True, False, 1.0, 0.5, [1], object()])
def test_an_invalid_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"size must be a whole number, such as 8 \* 1024"):
        whole_number("size", value, least=0)


@pytest.mark.parametrize(("value", "least"), [(-1, 0), (0, 1), (Index(4), 5)])
def test_a_whole_number_that_is_too_small_is_refused(value: Any, least: int) -> None:
    with pytest.raises(ValueError, match="size"):
        whole_number("size", value, least=least)


@pytest.mark.parametrize("value", [None, 1, 2**70, Index(1)])
def test_whole_numbers_of_any_type_pass(value: Any) -> None:
    whole_number("size", value, least=1)


@pytest.mark.parametrize("value", ["3", b"3", True, [3]])
def test_an_invalid_duration_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="timeout must be a number of seconds"):
        seconds("timeout", value)


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_a_negative_duration_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        seconds("timeout", value)


def test_headers_without_a_value_are_left_out() -> None:
    """Not only when they are sent: an absent header may have a default, and is not signed."""
    assert plain_headers({"If-Match": None, "Cache-Control": "no-cache"}) == {
        "Cache-Control": "no-cache"
    }
    assert plain_headers(None) == {}
