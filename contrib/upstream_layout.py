# SPDX-License-Identifier: Apache-2.0
"""Puts Apache Libcloud's tests beside this library's package, in a scratch directory.

The source distribution of Apache Libcloud is downloaded with pip, its hash is checked, and it is
kept in ``.cache``. Only tests, their helpers and their fixtures are unpacked.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["TESTS", "DownloadError", "fetch", "lay_out"]

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "upstream"
VERSION = "3.9.1"
SDIST = f"apache_libcloud-{VERSION}.tar.gz"
SHA256 = "b65eaa5ac32b28a0f9555e6a223dba39e73b99b682cd849624587ce7bc251661"

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
HELPERS = ("__init__.py", "conftest.py", "file_fixtures.py", "secrets.py-dist", "storage/base.py")
PACKAGES = ("storage/__init__.py", "common/__init__.py")
FIXTURES = ("storage/fixtures/", "common/fixtures/", "compute/fixtures/meta/")

#: Holds that the tests run on the package in the scratch directory, not on an installed one.
GUARD = """\
from pathlib import Path

import libcloud

assert Path(libcloud.__file__).parent == Path(__file__).parent / "libcloud", libcloud.__file__
"""


class DownloadError(Exception):
    """The source distribution could not be had, or is not the expected one."""


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch() -> Path:
    """The source distribution, from the cache or else downloaded; its hash is right.

    :raises DownloadError: pip failed, or what it fetched has another hash. The cache is unchanged.
    """
    kept = CACHE / SDIST
    if kept.exists() and sha256(kept) == SHA256:
        return kept
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        requirements = Path(directory) / "requirements.txt"
        requirements.write_text(f"apache-libcloud=={VERSION} --hash=sha256:{SHA256}\n")
        command = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps"]
        command += ["--no-binary", "apache-libcloud", "--require-hashes"]
        command += ["--dest", directory, "--requirement", str(requirements)]
        if subprocess.run(command, check=False).returncode:
            raise DownloadError(f"pip could not download {SDIST}; see its message above")
        found = Path(directory) / SDIST
        if not found.exists() or sha256(found) != SHA256:
            raise DownloadError(f"what pip downloaded is not {SDIST} with SHA-256 {SHA256}")
        found.replace(kept)
    return kept


def members(archive: tarfile.TarFile, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Path below ``libcloud/`` and content of each regular file whose path is ``wanted``."""
    for member in archive:
        _, _, path = member.name.partition("/libcloud/")
        if member.isfile() and path and ".." not in path.split("/") and wanted(path):
            source = archive.extractfile(member)
            assert source is not None
            yield path, source.read()


def wanted_test_file(path: str, helpers: str) -> bool:
    """Whether a file of Apache Libcloud, named by its path below ``libcloud/``, is unpacked."""
    test, _, name = path.partition("/")
    if test != "test":
        return False
    if name in HELPERS:
        return helpers == "upstream"
    return name in TESTS or name in PACKAGES or name.startswith(FIXTURES)


def own_package(target: Path) -> None:
    """Copy this library's package, without its tests."""

    def ignored(directory: str, names: list[str]) -> set[str]:
        top = Path(directory) == ROOT / "libcloud"
        return {name for name in names if name == "__pycache__" or (top and name == "test")}

    shutil.copytree(ROOT / "libcloud", target, ignore=ignored)


def own_helpers(target: Path) -> None:
    """Copy this library's test helpers: the modules of ``libcloud.test`` that are no tests."""
    source = ROOT / "libcloud" / "test"
    names = [*HELPERS, *(path.name for path in source.glob("_*.py"))]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def lay_out(scratch: Path, helpers: str, *, baseline: bool) -> None:
    """Fill ``scratch`` with package, helpers and tests.

    :param baseline: take the package of Apache Libcloud in place of this library's.
    """
    package = scratch / "libcloud"
    if not baseline:
        own_package(package)

    def wanted(path: str) -> bool:
        if baseline and not path.startswith("test/"):
            return True
        return wanted_test_file(path, helpers)

    with tarfile.open(fetch()) as archive:
        for path, content in members(archive, wanted):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_bytes(content)
    if helpers == "ours":
        own_helpers(package / "test")
    shutil.copyfile(package / "test" / "secrets.py-dist", package / "test" / "secrets.py")
    (scratch / "pytest.ini").write_text("[pytest]\n")
    (scratch / "conftest.py").write_text(GUARD)
