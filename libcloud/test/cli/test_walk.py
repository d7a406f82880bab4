# SPDX-License-Identifier: Apache-2.0
"""Which files ``put --recursive`` and ``sync`` take, and what they report as skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libcloud.test.cli.running import Shell


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("a.txt", "b.tmp", "d/c.txt", "other/e.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "empty").mkdir()
    (root / "link").symlink_to(root / "other", target_is_directory=True)
    (root / "d" / "loop").symlink_to(root, target_is_directory=True)
    (root / "file-link").symlink_to(root / "a.txt")
    os.mkfifo(root / "pipe")
    return root


def test_what_is_skipped_is_named(shell: Shell, tree: Path) -> None:
    (tree / ".libcloud-part-0123").touch()
    result = shell.ok("put", "-r", str(tree), "s3://bucket")
    assert shell.names() == ["a.txt", "b.tmp", "d/c.txt", "file-link", "other/e.txt"]
    skipped = [line for line in result.err.splitlines() if "skipped" in line]
    hint = "a link to a directory (see --follow-symlinks)"
    assert skipped == [
        f"libcloud: skipped {tree}/.libcloud-part-0123: the staging file of a download",
        f"libcloud: skipped {tree}/pipe: not a regular file",
        f"libcloud: skipped {tree}/d/loop: {hint}",
        f"libcloud: skipped {tree}/empty: an empty directory",
        f"libcloud: skipped {tree}/link: {hint}",
    ]


def test_links_to_directories_are_followed_on_request(shell: Shell, tree: Path) -> None:
    result = shell.ok("put", "-r", "--follow-symlinks", str(tree), "s3://bucket")
    assert "link/e.txt" in shell.names()
    assert f"skipped {tree}/d/loop: a link to a directory that contains it" in result.err
    shell.ok("sync", "--follow-symlinks", str(tree), "s3://bucket/sync")
    assert "sync/link/e.txt" in shell.names()


def test_filters_select_what_is_uploaded(shell: Shell, tree: Path) -> None:
    filters = ("--exclude", "*", "--include", "*.txt", "--exclude", "d/*")
    result = shell.ok("put", "-r", "--dry-run", *filters, str(tree), "s3://bucket/x")
    assert shell.names() == []
    assert result.lines == [
        f"would upload {tree}/a.txt to s3://bucket/x/a.txt",
        f"would upload {tree}/other/e.txt to s3://bucket/x/other/e.txt",
    ]
    shell.ok("put", "-r", *filters, str(tree), "s3://bucket/x")
    assert shell.names() == ["x/a.txt", "x/other/e.txt"]


def test_a_directory_that_cannot_be_read_is_an_error(
    shell: Shell, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("other"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = shell("put", "-r", str(tree), "s3://bucket")
    assert result.status == 1
    assert f"{tree}/other: Permission denied" in result.err
