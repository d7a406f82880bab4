# SPDX-License-Identifier: Apache-2.0
"""The empty distribution ``apache-libcloud``: pip and uv leave the library where it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import libcloud
from libcloud.test.fork.conftest import SMALL, Environment

pytestmark = pytest.mark.slow

BOTH = {"libcloud-storage": libcloud.__version__, "apache-libcloud": libcloud.__version__}

#: A package that requires apache-libcloud.
DEPENDENT = "sqlalchemy-file"


def assert_works(environment: Environment) -> None:
    """The library is installed, and is the one that is imported."""
    statements = "import libcloud\nfrom libcloud.storage.providers import get_driver"
    assert environment.evaluate(
        statements, "[libcloud.__version__, get_driver('s3').supports_s3_multipart_upload]"
    ) == [libcloud.__version__, True]
    assert environment.versions() == BOTH
    environment.check()


@pytest.fixture(params=["pip", "uv"])
def environment(
    request: pytest.FixtureRequest, new_environment: Callable[[str], Environment]
) -> Environment:
    return new_environment(request.param)


def test_a_package_that_requires_apache_libcloud_takes_it(
    environment: Environment, library: Path
) -> None:
    environment.installed(library, SMALL, DEPENDENT)
    assert_works(environment)
    environment.installed("--upgrade", DEPENDENT, "apache-libcloud")
    if environment.installer == "pip":
        environment.installed("--upgrade", "--upgrade-strategy", "eager", DEPENDENT)
    assert_works(environment)


def test_uv_replaces_apache_libcloud(
    new_environment: Callable[[str], Environment], library: Path
) -> None:
    environment = new_environment("uv")
    environment.installed(DEPENDENT)
    environment.installed(library, SMALL)
    assert_works(environment)


def test_pip_refuses_to_break_an_environment_that_has_apache_libcloud(
    new_environment: Callable[[str], Environment], library: Path
) -> None:
    environment = new_environment("pip")
    environment.installed(DEPENDENT)
    before = environment.versions()

    refused = environment.install(library, SMALL)

    assert refused.returncode != 0
    assert "pip uninstall --yes apache-libcloud libcloud-storage" in refused.stdout
    assert environment.versions() == before

    environment.uninstalled("apache-libcloud", "libcloud-storage")
    environment.installed(library, SMALL)
    assert_works(environment)


def test_it_needs_the_library(environment: Environment) -> None:
    refused = environment.install(SMALL)
    assert refused.returncode != 0
    assert "libcloud-storage" in refused.stdout
    assert environment.versions() == {}


def test_its_version_is_that_of_the_library() -> None:
    text = (SMALL / "pyproject.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"\d\S*\+s3multipart\.\d+", text)) == {libcloud.__version__}
