# SPDX-License-Identifier: Apache-2.0
"""Finding drivers by name, and adding one's own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from libcloud.storage import providers
from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.providers import DRIVERS, get_driver, set_driver
from libcloud.storage.types import Provider

ABSENT = [
    Provider.KTUCLOUD,
    Provider.NIMBUS,
    Provider.NINEFOLD,
]
REMOVED = [Provider.CLOUDFILES_US, Provider.CLOUDFILES_UK, Provider.CLOUDFILES_SWIFT]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    registry = dict(DRIVERS)
    monkeypatch.setattr(providers, "DRIVERS", registry)
    return registry


@pytest.mark.parametrize("provider", sorted(DRIVERS))
def test_every_registered_driver_can_be_had(provider: str) -> None:
    driver = get_driver(provider)

    assert issubclass(driver, StorageDriver)
    assert driver.__name__ == DRIVERS[provider][1]
    assert driver.name


def test_every_provider_has_a_driver_or_a_reason() -> None:
    names = {value for key, value in vars(Provider).items() if key.isupper()}

    assert names == {*DRIVERS, *ABSENT, *REMOVED}


@pytest.mark.parametrize("name", ["dummy", "DUMMY", "Dummy", Provider.DUMMY])
def test_case_does_not_matter(name: str) -> None:
    assert get_driver(name) is DummyStorageDriver


def test_an_unknown_name_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="Provider nothing does not exist"):
        get_driver("nothing")


@pytest.mark.parametrize("provider", ABSENT)
def test_a_store_without_a_driver_here_raises_an_error(provider: str) -> None:
    with pytest.raises(ImportError, match="The complete build has it"):
        get_driver(provider)


@pytest.mark.parametrize("provider", REMOVED)
def test_a_removed_constant_names_its_successor(provider: str) -> None:
    with pytest.raises(Exception, match="New constant is now called"):
        get_driver(provider)


def test_an_own_driver_is_found(registry: dict[str, tuple[str, str]]) -> None:
    added = set_driver("mine", "libcloud.storage.drivers.dummy", "DummyStorageDriver")

    assert added is get_driver("mine") is DummyStorageDriver


def test_a_third_party_driver_can_replace_a_missing_one(
    registry: dict[str, tuple[str, str]],
) -> None:
    set_driver(Provider.NIMBUS, "libcloud.storage.drivers.dummy", "DummyStorageDriver")

    assert get_driver(Provider.NIMBUS) is DummyStorageDriver


@pytest.mark.parametrize(
    ("name", "module", "klass", "error"),
    [
        ("dummy", "libcloud.storage.drivers.dummy", "DummyStorageDriver", AttributeError),
        ("mine", "libcloud.storage.drivers.none", "DummyStorageDriver", ImportError),
        ("mine", "libcloud.storage.drivers.dummy", "NoSuchDriver", AttributeError),
    ],
)
def test_a_wrong_registration_leaves_no_trace(
    registry: dict[str, tuple[str, str]],
    name: str,
    module: str,
    klass: str,
    error: type[Exception],
) -> None:
    before = dict(registry)

    with pytest.raises(error):
        set_driver(name, module, klass)

    assert registry == before


def test_the_registry_imports_no_driver() -> None:
    program = (
        "import sys, libcloud.storage.providers\n"
        "print([m for m in sys.modules if m.startswith('libcloud.storage.drivers.')])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"
