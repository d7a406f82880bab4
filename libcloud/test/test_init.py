# SPDX-License-Identifier: Apache-2.0
"""The package itself: what importing it costs, debugging, and drivers by type."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import libcloud
from libcloud.base import DriverType, DriverTypeFactoryMap, DriverTypeNotFoundError, get_driver
from libcloud.common.base import Connection
from libcloud.http import LibcloudConnection
from libcloud.storage.types import Provider
from libcloud.utils.loggingconnection import LoggingConnection


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LIBCLOUD_DEBUG", raising=False)
    yield
    libcloud.reset_debug()


def run(code: str, **environment: str) -> str:
    """What a new Python prints for ``code``."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


@pytest.mark.slow
def test_importing_the_package_loads_neither_requests_nor_lxml() -> None:
    loaded = "[name for name in ('requests', 'urllib3', 'lxml') if name in sys.modules]"
    assert run(f"import sys, libcloud; print({loaded})") == "[]"


@pytest.mark.slow
def test_submodules_are_there_without_being_imported() -> None:
    code = "import libcloud; print(libcloud.security.VERIFY_SSL_CERT, libcloud.http.__name__)"
    assert run(code) == "True libcloud.http"


@pytest.mark.slow
def test_the_environment_switches_debugging_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "import libcloud.common.base as b; b.Connection.conn_class.log.write('after')"
    run(code, LIBCLOUD_DEBUG=str(log))
    assert log.read_text() == "before\nafter"


def debugging() -> tuple[Any, Any]:
    """The class that sends, and the file that is written to."""
    return Connection.conn_class, LoggingConnection.log


def test_debugging_is_switched_on_and_off() -> None:
    log = io.StringIO()
    libcloud.enable_debug(log)
    assert debugging() == (LoggingConnection, log)
    libcloud.reset_debug()
    assert debugging() == (LibcloudConnection, None)


@pytest.mark.parametrize(("path", "mode"), [("/dev/stderr", "w"), ("log", "a")])
def test_a_file_is_appended_to_and_a_terminal_is_not(
    path: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBCLOUD_DEBUG", path)
    with mock.patch("builtins.open", return_value=io.StringIO()) as opened:
        libcloud._init_once()
    opened.assert_called_once_with(path, mode, encoding="utf-8")
    assert debugging() == (LoggingConnection, opened.return_value)


def test_without_the_environment_nothing_is_switched_on() -> None:
    libcloud._init_once()
    assert debugging() == (LibcloudConnection, None)


@pytest.mark.parametrize(
    ("version", "chardet", "refused"),
    [("2.6.0", "2.2.1", True), ("2.6.0", "2.3.0", False), ("2.32.4", "2.2.1", False)],
)
def test_a_broken_version_of_requests_is_refused(version: str, chardet: str, refused: bool) -> None:
    packages = mock.Mock()
    packages.chardet.__version__ = chardet
    with (
        mock.patch("libcloud.requests.__version__", version),
        mock.patch("libcloud.requests.packages", packages),
    ):
        if refused:
            with pytest.raises(AssertionError, match="Known bad version of requests detected"):
                libcloud._init_once()
        else:
            libcloud._init_once()


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'libcloud' has no attribute 'nothing'"):
        _ = libcloud.nothing


def test_drivers_are_found_by_type_and_provider() -> None:
    found = get_driver(DriverType.STORAGE, Provider.DUMMY)
    assert found.__name__ == "DummyStorageDriver"
    assert libcloud.get_driver is get_driver
    assert libcloud.DriverType is DriverType
    assert libcloud.DriverTypeFactoryMap is DriverTypeFactoryMap


def test_an_unknown_type_has_no_drivers() -> None:
    with pytest.raises(DriverTypeNotFoundError) as caught:
        get_driver("nothing", "any")
    assert caught.value.message == "Driver type 'nothing' not found."
    assert isinstance(caught.value, KeyError)


@pytest.mark.slow
def test_the_debug_log_has_the_ssh_connections_of_deployments(tmp_path: Path) -> None:
    code = "import libcloud, logging; logging.getLogger('paramiko').debug('connected')"
    run(code, LIBCLOUD_DEBUG=str(tmp_path / "log"))
    assert "connected" in (tmp_path / "log").read_text()
