# SPDX-License-Identifier: Apache-2.0
"""Errors of the library, constants that are strings, and lists that load themselves."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from libcloud.common.types import (
    InvalidCredsError,
    InvalidCredsException,
    LazyList,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
    ServiceUnavailableError,
    Type,
)


class Driver:
    def __repr__(self) -> str:
        return "<Driver>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Driver)

    __hash__ = None  # type: ignore[assignment]  # equal, but not hashable


DRIVER = Driver()

ERRORS: list[tuple[LibcloudError, str]] = [
    (LibcloudError("v", DRIVER), "<LibcloudError in <Driver> 'v'>"),
    (LibcloudError("v"), "<LibcloudError in None 'v'>"),
    (
        MalformedResponseError("v", "body", DRIVER),
        "<MalformedResponseException in <Driver> 'v'>: 'body'",
    ),
    (ProviderError("v", 404, DRIVER), "'v'"),
    (InvalidCredsError(), "'Invalid credentials with the provider'"),
    (ServiceUnavailableError(driver=DRIVER), "'Service unavailable at provider'"),
]


@pytest.mark.parametrize(("error", "text"), ERRORS)
def test_errors_state_what_happened_and_where(error: LibcloudError, text: str) -> None:
    assert (str(error), repr(error)) == (text, text)
    assert isinstance(error, LibcloudError)


@pytest.mark.parametrize("error", [error for error, _ in ERRORS])
def test_errors_survive_copying(error: LibcloudError) -> None:
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))


def test_a_subclass_shows_its_own_name() -> None:
    class OwnError(LibcloudError):
        pass

    assert str(OwnError("v")) == "<OwnError in None 'v'>"


def test_errors_carry_a_status_where_there_was_one() -> None:
    assert LibcloudError("v").http_code is None
    assert ProviderError("v", 404).http_code == 404
    assert InvalidCredsError().http_code == 401
    assert ServiceUnavailableError().http_code == 503
    assert InvalidCredsException is InvalidCredsError


class Size(Type):
    LARGE = "large"
    EXTRA_LARGE = "extra-large"


class OtherSize(Type):
    LARGE = "large"
    SMALL = "small"


def test_a_constant_is_its_string() -> None:
    assert Size.LARGE == "large"
    assert "large" == Size.LARGE  # noqa: SIM300  the other way round
    assert Size.LARGE != "LARGE"
    assert Size.LARGE != "small"
    assert Size.LARGE != 5
    by_constant: dict[str, int] = {Size.LARGE: 1}
    assert by_constant["large"] == 1
    assert {"large": 1}[Size.LARGE] == 1
    assert (str(Size.LARGE), repr(Size.LARGE)) == ("large", "large")


def test_constants_with_the_same_string_are_equal() -> None:
    assert Size.LARGE == OtherSize.LARGE
    assert Size.LARGE != OtherSize.SMALL


def test_constants_have_an_upper_and_a_lower_case() -> None:
    assert Size.EXTRA_LARGE.upper() == "EXTRA-LARGE"
    assert Size.EXTRA_LARGE.lower() == "extra-large"
    assert Size.tostring(Size.LARGE) == "LARGE"
    assert Size.tostring("large") == "LARGE"


@pytest.mark.parametrize(
    ("name", "constant"),
    [("large", Size.LARGE), ("LARGE", Size.LARGE), ("extra_large", Size.EXTRA_LARGE), ("no", None)],
)
def test_a_constant_is_found_by_its_name(name: str, constant: Size | None) -> None:
    assert Size.fromstring(name) is constant


class Pages:
    """Three pages; counts how many were asked for."""

    pages: tuple[list[int], ...] = ([1, 2], [], [3])

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, last_key: Any, value_dict: dict[str, Any]) -> tuple[list[int], Any, bool]:
        self.asked.append((last_key, value_dict))
        number = last_key or 0
        return self.pages[number], number + 1, number == 2


@pytest.fixture
def pages() -> Pages:
    return Pages()


def test_pages_are_loaded_when_they_are_needed(pages: Pages) -> None:
    lazy = LazyList(pages, value_dict={"a": 1})
    assert pages.asked == []
    assert lazy[1] == 2
    assert pages.asked == [(None, {"a": 1})]
    assert lazy[2] == 3
    assert pages.asked == [(None, {"a": 1}), (1, {"a": 1}), (2, {"a": 1})]


def test_iterating_loads_what_it_yields(pages: Pages) -> None:
    items = iter(LazyList(pages))
    assert (next(items), next(items)) == (1, 2)
    assert len(pages.asked) == 1
    assert list(items) == [3]


@pytest.mark.parametrize(
    ("look", "result"),
    [
        (len, 3),
        (repr, "[1, 2, 3]"),
        (list, [1, 2, 3]),
        (lambda lazy: lazy[-1], 3),
        (lambda lazy: lazy[1:], [2, 3]),
    ],
)
def test_it_behaves_like_a_list(pages: Pages, look: Any, result: Any) -> None:
    lazy = LazyList(pages)
    assert look(lazy) == result
    assert look(lazy) == result
    assert len(pages.asked) == 3


def test_an_index_beyond_the_end_is_an_error(pages: Pages) -> None:
    with pytest.raises(IndexError):
        LazyList(pages)[3]
