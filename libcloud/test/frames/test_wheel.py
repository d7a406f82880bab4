# SPDX-License-Identifier: Apache-2.0
"""What is installed by the wheel, and works from there."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.metadata import distribution, entry_points
from pathlib import Path

import fsspec  # type: ignore[import-untyped]  # fsspec has no types
import pytest

import libcloud
from libcloud.storage.filesystem import LibcloudFileSystem


def test_it_is_the_wheel_that_is_tested() -> None:
    assert Path(libcloud.__file__).is_relative_to(sysconfig.get_path("purelib"))


@pytest.mark.parametrize(
    "name",
    [
        "libcloud/py.typed",
        "libcloud/test/secrets.py-dist",
        "libcloud/test/secrets.pyi",
        "libcloud/test/api_3_9_1.json",
        "libcloud/test/storage/fixtures/s3/initiate_multipart.xml",
        "libcloud/test/storage/fakes/server.py",
    ],
)
def test_a_file_that_is_no_module_is_in_it(name: str) -> None:
    files = {str(path) for path in distribution("libcloud-storage").files or ()}
    assert name in files


def test_the_licence_is_in_it() -> None:
    files = {path.name for path in distribution("libcloud-storage").files or ()}
    assert {"LICENSE", "NOTICE"} <= files


def test_only_the_package_is_installed() -> None:
    tops = {path.parts[0] for path in distribution("libcloud-storage").files or ()}
    assert {top for top in tops if top != ".." and not top.endswith(".dist-info")} == {"libcloud"}


@pytest.mark.parametrize("way", ["program", "module"])
def test_the_command_runs(way: str, tmp_path: Path) -> None:
    program = [str(Path(sysconfig.get_path("scripts"), "libcloud"))]
    start = program if way == "program" else [sys.executable, "-m", "libcloud"]
    for arguments in (["--version"], ["demo", "--size", "1MiB"]):
        done = subprocess.run([*start, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "SHA-256 equal" in done.stdout


def test_fsspec_finds_it_by_its_entry_point() -> None:
    (point,) = entry_points(group="fsspec.specs", name="libcloud+s3")
    assert [*entry_points(group="fsspec.specs", name="libclouds3")]
    assert point.load() is LibcloudFileSystem
    assert fsspec.get_filesystem_class("libcloud+s3") is LibcloudFileSystem
