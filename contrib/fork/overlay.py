# SPDX-License-Identifier: Apache-2.0
"""Puts this library's files over those of Apache Libcloud, in a directory of its own."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from upstream_sdist import ROOT, fetch, members, text_of

#: Modules of ``libcloud.test`` that are helpers, and no tests.
HELPERS = ("__init__.py", "conftest.py", "file_fixtures.py", "secrets.py-dist", "storage/base.py")

#: Drivers of Apache Libcloud that the complete build keeps: they use the stores' own protocols, and
#: have methods and accept keys that S3 does not. This library's have the same names.
KEPT = ("storage/drivers/backblaze_b2.py", "storage/drivers/oss.py")

_HERE = Path(__file__).resolve().parent


def lay_package(package: Path) -> None:
    """Copy this library's package, without its tests, over what is in ``package``.

    A module here replaces a package of the same name there, and the other way round. What is in
    :data:`KEPT` is only copied if it is not there.
    """
    source = ROOT / "libcloud"
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if relative.parts[0] == "test" or "__pycache__" in relative.parts:
            continue
        target = package / relative
        if relative.as_posix() in KEPT and target.exists():
            continue
        if path.is_dir():
            target.with_suffix(".py").unlink(missing_ok=True)
            target.mkdir(parents=True, exist_ok=True)
        else:
            if path.suffix == ".py" and target.with_suffix("").is_dir():
                shutil.rmtree(target.with_suffix(""))
            shutil.copyfile(path, target)


def lay_test_helpers(target: Path) -> None:
    """Copy this library's test helpers, which other projects use, into ``libcloud/test``."""
    source = ROOT / "libcloud" / "test"
    for name in [*HELPERS, *(path.name for path in source.glob("_*.py"))]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def stage(directory: Path) -> None:
    """Fill ``directory`` with a project that pip can build.

    :raises DownloadError: the source distribution cannot be had, or used.
    """
    sdist = fetch()
    package = directory / "libcloud"
    with tarfile.open(sdist) as archive:
        for path, content in members(archive, lambda path: True):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_bytes(content)
    lay_package(package)
    lay_test_helpers(package / "test")
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copyfile(ROOT / name, directory / name)
    notices = [(ROOT / "NOTICE").read_text(encoding="utf-8"), text_of(sdist, "NOTICE")]
    (directory / "NOTICE").write_text("\n".join(notices), encoding="utf-8")
    # The metadata of the library, and how those of the complete build differ from them.
    shutil.copyfile(ROOT / "setup.py", directory / "storage_setup.py")
    shutil.copyfile(_HERE / "complete_setup.py", directory / "setup.py")
