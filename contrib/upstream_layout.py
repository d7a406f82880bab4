# SPDX-License-Identifier: Apache-2.0
"""Puts Apache Libcloud's tests beside the package to test, in a scratch directory.

Of the source distribution of Apache Libcloud, only tests, their helpers and their fixtures are
unpacked, unless its package is needed: for the complete build, or to compare.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from fork.overlay import HELPERS, lay_package, lay_test_helpers
from upstream_sdist import DownloadError, fetch, members, text_of

__all__ = ["TESTS", "DownloadError", "fetch", "lay_out", "lay_out_complete"]

#: The selection, by paths below ``libcloud/test/``.
TESTS = (
    *(
        f"storage/test_{name}.py"
        for name in (
            "base",
            "s3",
            "google_storage",
            "minio",
            "rgw",
            "digitalocean_spaces",
            "ovh",
            "scaleway",
            "aurora",
            "azure_blobs",
            "backblaze_b2",
            "oss",
            "local",
            "dummy",
        )
    ),
    *(f"common/test_{name}.py" for name in ("aws", "base", "base_driver", "retry_limit", "google")),
    *(
        f"test_{name}.py"
        for name in (
            "connection",
            "http",
            "logging_connection",
            "response_classes",
            "file_fixtures",
            "types",
        )
    ),
)
PACKAGES = ("storage/__init__.py", "common/__init__.py")
FIXTURES = ("storage/fixtures/", "common/fixtures/", "compute/fixtures/meta/")

#: Holds that the tests run on the package in the scratch directory, not on an installed one.
GUARD = """\
from pathlib import Path

import libcloud

assert Path(libcloud.__file__).parent == Path(__file__).parent / "libcloud", libcloud.__file__
"""


def wanted_test_file(path: str, helpers: str) -> bool:
    """Whether a file of Apache Libcloud, named by its path below ``libcloud/``, is unpacked."""
    test, _, name = path.partition("/")
    if test != "test":
        return False
    if name in HELPERS:
        return helpers == "upstream"
    return name in TESTS or name in PACKAGES or name.startswith(FIXTURES)


def lay_out(scratch: Path, helpers: str, *, baseline: bool) -> None:
    """Fill ``scratch`` with package, helpers and tests.

    :param baseline: take the package of Apache Libcloud in place of this library's.
    """
    package = scratch / "libcloud"
    if not baseline:
        package.mkdir()
        lay_package(package)

    def wanted(path: str) -> bool:
        if baseline and not path.startswith("test/"):
            return True
        return wanted_test_file(path, helpers)

    with tarfile.open(fetch()) as archive:
        for path, content in members(archive, wanted):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_bytes(content)
    if helpers == "ours":
        lay_test_helpers(package / "test")
    finish(scratch)
    (scratch / "pytest.ini").write_text("[pytest]\n")


def lay_out_complete(scratch: Path, helpers: str, *, baseline: bool) -> None:
    """Fill ``scratch`` with the complete build and all tests of Apache Libcloud.

    :param helpers: ``upstream`` or ``ours``: the modules of ``libcloud.test`` that are no tests.
    :param baseline: take the package of Apache Libcloud in place of the complete build.
    """
    sdist = fetch()
    package = scratch / "libcloud"
    with tarfile.open(sdist) as archive:
        for path, content in members(archive, lambda path: True):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_bytes(content)
    if not baseline:
        lay_package(package)
    if helpers == "ours":
        lay_test_helpers(package / "test")
    finish(scratch)
    # It says what pytest collects.
    (scratch / "pyproject.toml").write_text(text_of(sdist, "pyproject.toml"))


def finish(scratch: Path) -> None:
    """Add what both kinds of runs need."""
    package = scratch / "libcloud"
    shutil.copyfile(package / "test" / "secrets.py-dist", package / "test" / "secrets.py")
    (scratch / "conftest.py").write_text(GUARD)
