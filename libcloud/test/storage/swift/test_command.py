# SPDX-License-Identifier: Apache-2.0
"""The command, ``doctor`` and fsspec on Swift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec  # type: ignore[import-untyped]  # it has no types
import pytest

from libcloud.storage.base import Container
from libcloud.storage.filesystem import SwiftFileSystem
from libcloud.test.cli.running import Result, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.swift import FakeSwift

Run = Callable[..., Result]


@pytest.fixture
def run(fake: FakeSwift, container: Container, tmp_path: Path) -> Run:
    """Runs the command with the variables of the swift program."""
    more = {"ST_AUTH": f"{fake.url}/auth/v1.0", "ST_USER": fake.user, "ST_KEY": fake.key}
    return Shell(Endpoint("fake", fake.host, fake.port, "", ""), tmp_path, more).ok


def test_a_stream_is_put_listed_and_read(fake: FakeSwift, run: Run) -> None:
    data = pattern(5000)
    run("put", "-q", "--part-size", "1000", "-", "swift://docs/dir/name", stdin=data)
    assert len(fake.segments()) == 5
    assert "dir/" in run("ls", "swift://docs").out.decode()
    assert run("cat", "swift://docs/dir/name").out == data
    run("rm", "swift://docs/dir/name")
    assert fake.segments() == []


def test_a_copy_between_stores_is_streamed(fake: FakeSwift, run: Run, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_bytes(b"content")
    run("cp", "-q", f"file://{tmp_path}/files/a", "swift://docs/copied")
    assert fake.body("docs", "copied") == b"content"


def test_uploads_in_progress_are_listed_and_cleaned_up(
    fake: FakeSwift, run: Run, container: Container
) -> None:
    container.upload_object_via_stream(iter([pattern(5000)]), "big", ex_part_size=1000)
    del fake.containers["docs"]["big"]
    assert "big" in run("uploads", "ls", "swift://docs").out.decode()
    run("uploads", "abort", "swift://docs/big")
    assert fake.segments() == []


def test_doctor_shows_the_settings_and_no_secret(fake: FakeSwift, run: Run) -> None:
    output = run("doctor", "--write", "swift://docs").out.decode()
    assert f"{fake.url}/auth/v1.0" in output and "has 1 container" in output
    assert "uploaded, downloaded and deleted" in output
    assert fake.key not in output


def test_a_file_system(
    fake: FakeSwift, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("AUTH", f"{fake.url}/auth/v1.0"), ("USER", fake.user), ("KEY", fake.key)):
        monkeypatch.setenv(f"ST_{name}", value)
    files = fsspec.filesystem("swift", skip_instance_cache=True)
    assert isinstance(files, SwiftFileSystem)
    with files.open("swift://docs/dir/name", "wb") as file:
        file.write(b"content")
    assert files.ls("docs/dir", detail=False) == ["docs/dir/name"]
    assert files.cat("swift://docs/dir/name") == b"content"
    files.rm("docs/dir", recursive=True)
    assert fake.containers["docs"] == {}


def test_a_file_system_with_a_key(fake: FakeSwift, container: Container) -> None:
    files = SwiftFileSystem(
        fake.user, fake.key, endpoint_url=f"{fake.url}/auth/v1.0", skip_instance_cache=True
    )
    files.pipe("docs/name", b"content")
    assert fake.body("docs", "name") == b"content"
