# SPDX-License-Identifier: Apache-2.0
"""What a driver hands to its connection."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from libcloud.common.base import BaseDriver, ConnectionKey, ConnectionUserAndKey


@pytest.fixture
def driver_class() -> Any:
    class Driver(BaseDriver):
        name = "driver"
        connectionCls = mock.Mock()

    return Driver


NONE = {"timeout": None, "retry_delay": None, "backoff": None, "proxy_url": None}


@pytest.mark.parametrize(
    ("arguments", "keywords", "handed"),
    [
        (("k",), {}, ("k", True)),
        (("k", "s"), {}, ("k", "s", True)),
        (("k", "s", False), {}, ("k", "s", False)),
        (("k", "s"), {"host": "h"}, ("k", "s", True, "h")),
        (("k", "s"), {"host": "h", "port": 9}, ("k", "s", True, "h", 9)),
        (("k", "s"), {"port": 9}, ("k", "s", True, None, 9)),
    ],
)
def test_credentials_host_and_port_are_positional(
    driver_class: Any, arguments: Any, keywords: Any, handed: Any
) -> None:
    driver = driver_class(*arguments, **keywords)
    driver_class.connectionCls.assert_called_once_with(*handed, **NONE)
    assert driver.connection.driver is driver
    driver.connection.connect.assert_called_once_with()


def test_settings_of_the_connection_are_keywords(driver_class: Any) -> None:
    settings = {"timeout": 1, "retry_delay": 2, "backoff": 3, "proxy_url": "http://p:1"}
    driver_class("k", something_else=4, **settings)
    driver_class.connectionCls.assert_called_once_with("k", True, **settings)


def test_what_the_user_passes_wins_over_the_hook(driver_class: Any) -> None:
    class Hooked(driver_class):  # type: ignore[misc]  # made by the fixture
        def _ex_connection_class_kwargs(self) -> dict[str, Any]:
            return {"timeout": 1, "token": "t"}

    Hooked("k", timeout=5)
    Hooked("k")
    calls = [call.kwargs for call in driver_class.connectionCls.call_args_list]
    assert calls == [{**NONE, "timeout": 5, "token": "t"}, {**NONE, "timeout": 1, "token": "t"}]


@pytest.mark.parametrize(
    ("hook", "keywords", "passed"),
    [
        ({"host": "hook"}, {}, ("hook",)),
        ({"host": "hook"}, {"host": "user"}, ("hook",)),
        ({"host": "hook"}, {"host": "user", "port": 9}, ("hook", 9)),
        ({"host": None}, {"host": "user"}, ("user",)),
        ({"port": 8}, {"host": "user", "port": 9}, ("user", 8)),
        ({"host": "hook", "port": 8}, {}, ("hook", 8)),
    ],
)
def test_a_host_or_port_of_the_hook_replaces_the_one_of_the_user(
    driver_class: Any, hook: dict[str, Any], keywords: dict[str, Any], passed: Any
) -> None:
    class Hooked(driver_class):  # type: ignore[misc]  # made by the fixture
        def _ex_connection_class_kwargs(self) -> dict[str, Any]:
            return hook

    given = dict(hook)
    Hooked("k", **keywords)
    driver_class.connectionCls.assert_called_once_with("k", True, *passed, **NONE)
    assert hook == given


def test_a_driver_keeps_what_it_was_made_with(driver_class: Any) -> None:
    driver = driver_class("k", "s", False, api_version="2", region="r")
    kept = (driver.key, driver.secret, driver.secure, driver.api_version, driver.region)
    assert kept == ("k", "s", False, "2", "r")


@pytest.mark.parametrize(
    ("connection_class", "arguments"),
    [(ConnectionKey, ("s3cr3t",)), (ConnectionUserAndKey, ("user", "s3cr3t"))],
)
def test_a_driver_shows_no_secret(connection_class: Any, arguments: tuple[str, ...]) -> None:
    class Driver(BaseDriver):
        connectionCls = connection_class

    driver = Driver(*arguments, proxy_url="http://user:s3cr3t@proxy:3128")
    assert "s3cr3t" not in f"{driver!r} {driver.connection!r} {driver.connection.connection!r}"
