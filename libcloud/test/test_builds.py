# SPDX-License-Identifier: Apache-2.0
"""What only the complete build has is an error that says so in the storage half alone."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import libcloud
import libcloud.base
from libcloud.base import DriverType, DriverTypeNotFoundError
from libcloud.storage import providers
from libcloud.storage.types import Provider
from libcloud.utils import environment

TYPES = ("backup", "compute", "container", "dns", "loadbalancer")
MODULES = (
    *(f"libcloud.{name}" for name in TYPES),
    "libcloud.compute.types",
    "libcloud.dns.drivers.route53",
    "libcloud.pricing",
    "libcloud.common.openstack",
    "libcloud.storage.drivers.ktucloud",
    "libcloud.storage.drivers.ninefold",
)


def test_this_is_the_storage_half() -> None:
    assert not environment.is_complete()


@pytest.mark.parametrize("name", MODULES)
def test_the_error_for_a_missing_module_names_the_build(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="The complete build has it: run `make fork`"):
        import_module(name)


@pytest.mark.source
def test_the_error_refers_to_a_section_of_the_readme() -> None:
    readme = Path(libcloud.__file__).parents[1] / "README.md"
    (section,) = re.findall(r'README.md under "(.+)"', environment.unavailable("libcloud.dns"))
    assert f"## {section}" in readme.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["common.base", "storage.types", "utils.py3", "utils.files"])
def test_the_package_alone_makes_modules_available(name: str) -> None:
    code = f"import libcloud; print(libcloud.{name}.__name__)"
    root = Path(libcloud.__file__).parents[1]
    found = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    assert found.strip() == f"libcloud.{name}"


def test_an_unknown_module_is_the_usual_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'libcloud\.nothing'"):
        import_module("libcloud.nothing")


@pytest.mark.parametrize("name", TYPES)
def test_a_missing_attribute_of_the_package_names_the_build(name: str) -> None:
    with pytest.raises(AttributeError, match="The complete build has it"):
        getattr(libcloud, name)


@pytest.mark.parametrize("kind", [name.upper() for name in TYPES])
def test_the_error_for_a_missing_driver_names_the_build(kind: str) -> None:
    provider = getattr(DriverType, kind)
    with pytest.raises(ImportError, match="The complete build has it") as caught:
        libcloud.get_driver(provider, provider.ANY)
    assert isinstance(caught.value, DriverTypeNotFoundError)
    assert str(caught.value) == caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "BackupProvider",
        "ComputeProvider",
        "ContainerProvider",
        "DnsProvider",
        "LoadBalancerProvider",
        "StorageProvider",
    ],
)
def test_annotations_can_name_the_providers_of_any_type(name: str) -> None:
    provider = getattr(libcloud.base, name)
    assert isinstance(provider, type)
    assert provider | None
    assert not hasattr(provider, "__wrapped__")


@pytest.mark.parametrize("provider", [Provider.KTUCLOUD, "NIMBUS"])
def test_a_storage_driver_of_the_other_build_raises_an_error(provider: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="The complete build has it"):
        providers.get_driver(provider)


def test_the_finder_is_installed_once() -> None:
    before: list[Any] = list(sys.meta_path)
    environment.install_finders()
    assert sys.meta_path == before
    assert before.count(environment.ModuleFinder) == 1
