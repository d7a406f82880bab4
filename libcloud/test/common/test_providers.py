# SPDX-License-Identifier: Apache-2.0
"""Looking drivers up, and entering new ones."""

from __future__ import annotations

import collections
from enum import Enum
from typing import Any

import pytest

from libcloud.common.providers import get_driver, set_driver
from libcloud.common.types import Type


class Names(Enum):
    COUNTER = "Counter"


class Known(Type):
    DEQUE = "deque"


@pytest.fixture
def drivers() -> dict[Any, tuple[str, str]]:
    return {
        "counter": ("collections", "Counter"),
        "Ordered": ("collections", "OrderedDict"),
        Known.DEQUE: ("collections", "deque"),
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("counter", collections.Counter),
        ("COUNTER", collections.Counter),
        (Names.COUNTER, collections.Counter),
        ("ordered", collections.OrderedDict),
        (Known.DEQUE, collections.deque),
        ("deque", collections.deque),
        ("DEQUE", collections.deque),
    ],
)
def test_a_driver_is_found_whatever_the_case(drivers: Any, name: Any, found: type) -> None:
    assert get_driver(drivers, name) is found


@pytest.mark.parametrize("name", ["nothing", "", None, 5])
def test_an_unknown_name_is_an_error(drivers: Any, name: Any) -> None:
    with pytest.raises(AttributeError, match=f"Provider {name} does not exist"):
        get_driver(drivers, name)


def test_the_error_for_a_removed_provider_has_the_reason(drivers: Any) -> None:
    removed = {"gone": {"reason": "it closed", "url": "https://example.org/why"}}
    with pytest.raises(Exception, match=r"gone .*it closed.*https://example\.org/why"):
        get_driver(drivers, "gone", deprecated_providers=removed)


def test_the_error_for_a_renamed_constant_has_the_new_name(drivers: Any) -> None:
    message = 'Provider constant "OLD" has been removed. New constant is now called "NEW"'
    with pytest.raises(Exception, match=message):
        get_driver(drivers, "old", deprecated_constants={"old": "new"})


def test_a_driver_can_be_entered(drivers: Any) -> None:
    assert set_driver(drivers, "mine", "collections", "ChainMap") is collections.ChainMap
    assert get_driver(drivers, "mine") is collections.ChainMap


def test_a_name_is_given_once(drivers: Any) -> None:
    with pytest.raises(AttributeError, match="Provider counter already registered"):
        set_driver(drivers, "counter", "collections", "ChainMap")
    assert get_driver(drivers, "counter") is collections.Counter


@pytest.mark.parametrize(
    ("module", "klass", "error"),
    [("no_such_module", "X", ImportError), ("collections", "NoSuchClass", AttributeError)],
)
def test_a_driver_that_is_not_there_leaves_no_entry(
    drivers: Any, module: str, klass: str, error: type[Exception]
) -> None:
    before = dict(drivers)
    with pytest.raises(error):
        set_driver(drivers, "mine", module, klass)
    assert drivers == before
