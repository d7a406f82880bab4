# SPDX-License-Identifier: Apache-2.0
"""The own tests of projects that use ``libcloud.storage``, from their source distributions.

pip downloads them and compares their hashes; nothing of them is kept. Each failure that Apache
Libcloud 3.9.1 has too is listed with its reason. sqlalchemy-file is missing here, because its
source distribution has no tests: see ``test_sqlalchemy.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import libcloud
from libcloud.test._helpers import environment_for_downloads


@dataclass(frozen=True)
class Project:
    """A source distribution, and how its tests are run.

    :param expected: tests that run.
    :param failures: tests that fail on Apache Libcloud 3.9.1 as well, and why.
    :param left_out: files of tests that have nothing to do with this library.
    :param files: what the tests need and the distribution lacks; ``None`` is a directory.
    """

    name: str
    version: str
    sha256: str
    expected: int
    failures: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    files: Mapping[str, bytes | None] = field(default_factory=dict)


PROJECTS = (
    Project(
        "siilo",
        "0.1.0",
        "e701613b09a816297cc2559276190556248f75d2772d72a8f69763226bade27b",
        expected=139,
        left_out=("tests/storages/test_amazon_s3.py",),
    ),
    Project(
        "Flask-Cloudy",
        "1.1.0",
        "a2e6034f23e12c674a063b4ca16292112fdd960168d254207ffa8c77d02ac284",
        expected=28,
        failures={"test_upload_image_from_url": "it opens a page of the internet"},
        files={
            "tests/container_1": None,
            "tests/container_2": None,
            "tests/data/hello.txt": b"hello",
            "tests/data/hello.js": b"hello",
        },
    ),
)


def fetch(project: Project, folder: Path) -> Path:
    """The unpacked source distribution."""
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{project.name}=={project.version} --hash=sha256:{project.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
    command += [project.name, "--require-hashes", "--dest", str(folder), "-r", str(pinned)]
    subprocess.run(command, check=True, timeout=150, env=environment_for_downloads())
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        # Python 3.11.2, that of Debian 12, has no filters.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(folder)
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    for name, content in project.files.items():
        path = unpacked / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if content is None else path.write_bytes(content)
    return unpacked


@pytest.mark.slow
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_the_tests_of_a_project_pass_as_on_apache_libcloud(
    project: Project, tmp_path: Path
) -> None:
    folder = fetch(project, tmp_path)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += [f"--junitxml={report}", *(f"--ignore={name}" for name in project.left_out), "tests"]
    search = [str(folder), str(Path(libcloud.__file__).resolve().parent.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search)}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=150
    )
    cases = [*ElementTree.parse(report).iter("testcase")]
    failed = {
        str(case.get("name"))
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    assert failed == set(project.failures), ran.stdout
    assert len(cases) == project.expected
