# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud sync`` and ``libcloud rm`` must not delete, and what they report instead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from libcloud.cli.sources import Entry, Walk
from libcloud.storage.base import Object
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.faults import Status

pytestmark = pytest.mark.slow


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("inner_is_source", [True, False])
def test_a_directory_and_its_parent_are_not_synchronized(
    shell: Shell, tmp_path: Path, inner_is_source: bool
) -> None:
    outer, link = tmp_path / "outer", tmp_path / "link"
    (outer / "inner").mkdir(parents=True)
    link.symlink_to(outer)
    (outer / "inner/a").write_text("a")
    (outer / "b").write_text("b")
    ends = [str(outer / "inner"), str(outer / "inner")]
    ends[inner_is_source] = f"file://{link}/"
    result = shell("sync", "--delete", *ends)
    assert result.status == 2
    assert "inside the other" in result.err
    assert files(outer) == {"inner/a": "a", "b": "b"}


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_a_mistyped_source_deletes_nothing(
    shell: Shell, tmp_path: Path, dry_run: tuple[str, ...]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "a").write_text("a")
    shell.ok("put", "-", "s3://bucket/2026/a", stdin=b"a")
    result = shell("sync", "--delete", *dry_run, "s3://bucket/2062", str(copy))
    assert result.status == 3
    assert result.out == b""
    assert result.err == "libcloud: no objects match s3://bucket/2062/: nothing was deleted\n"
    assert files(copy) == {"a": "a"}


def test_what_matches_no_filter_at_the_source_is_deleted(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("a.log", "a.txt"):
        (copy / name).write_text("a")
    shell.ok("put", "-", "s3://bucket/a.txt", stdin=b"a")
    shell.ok("sync", "--delete", "--exclude", "*.txt", "s3://bucket", str(copy))
    assert files(copy) == {"a.txt": "a"}


def test_a_file_by_another_name_of_its_object_is_up_to_date(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name in ("a//b", "./c"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=b"data")
    assert len(shell.ok("sync", "s3://bucket", str(copy)).lines) == 2
    assert shell.ok("sync", "--delete", "s3://bucket", str(copy)).lines == []
    assert files(copy) == {"a/b": "data", "c": "data"}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("loop", "Too many levels of symbolic links"),
        ("not mounted/file", "broken symbolic link"),
    ],
)
def test_a_broken_link_is_an_error_and_nothing_is_deleted(
    shell: Shell, tmp_path: Path, target: str, why: str
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("a")
    (tree / "loop").symlink_to(target)
    shell.ok("put", "-", "s3://bucket/loop", stdin=b"behind the link")
    planned = shell("put", "--recursive", "--dry-run", str(tree), "s3://bucket")
    assert (planned.status, planned.lines) == (1, [f"would upload {tree}/a to s3://bucket/a"])
    for command in (("put", "--recursive"), ("sync", "--delete")):
        result = shell(*command, str(tree), "s3://bucket")
        assert result.status == 1
        assert f"libcloud: {tree}/loop: {why}" in result.err
        assert shell.names() == ["a", "loop"]


def test_a_broken_link_in_the_destination_remains(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "current").symlink_to("releases/7")
    (copy / "loop").symlink_to("loop")
    shell.ok("put", "-", "s3://bucket/a", stdin=b"a")
    shell.ok("sync", "--delete", "s3://bucket", str(copy))
    assert sorted(os.listdir(copy)) == ["a", "current", "loop"]


def test_a_file_that_vanishes_does_not_end_a_walk(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    found = []
    for source in Walk().files(str(tmp_path)):
        found.append((source.name, type(source.error)))
        (tmp_path / "b").unlink(missing_ok=True)
    assert found == [("a", type(None)), ("b", FileNotFoundError), ("c", type(None))]


def test_nothing_is_deleted_if_a_file_of_the_source_cannot_be_read(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a", "b"):
        (tree / name).write_text(name)
    shell.ok("put", "-", "s3://bucket/old", stdin=b"old")

    def file(path: str, name: str) -> Entry:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return Entry(name, os.stat(path).st_size, None, path)

    monkeypatch.setattr("libcloud.cli.sources._file", file)
    result = shell("sync", "--delete", str(tree), "s3://bucket")
    assert result.status == 1
    assert f"libcloud: {tree}/a: Permission denied\n" in result.err
    assert "nothing was deleted because of the failures above" in result.err
    assert shell.names() == ["b", "old"]


def test_nothing_is_deleted_if_the_source_cannot_be_listed_to_its_end(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    shell.ok("put", "-", "s3://bucket/old", stdin=b"old")

    def file(path: str, name: str) -> Entry:
        raise RuntimeError("the listing broke")

    monkeypatch.setattr("libcloud.cli.sources._file", file)
    result = shell("sync", "--delete", str(tmp_path), "s3://bucket")
    assert (result.status, shell.names()) == (1, ["old"])


@pytest.mark.parametrize("is_url", [False, True])
def test_a_file_that_changes_while_it_is_read_is_not_copied(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_url: bool
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("old")
    source = f"file://{tree}/" if is_url else str(tree)
    as_stream = Object.as_stream

    def changing(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            (tree / "a").write_text("new")
            os.utime(tree / "a", (1_000_000_000, 1_000_000_000))
            yield piece

    with monkeypatch.context() as patches:
        patches.setattr("libcloud.cli.places.interruptible", changing)
        patches.setattr(Object, "as_stream", lambda *arguments: changing(as_stream(*arguments)))
        result = shell("sync", source, "s3://bucket")
    assert result.status == 1
    assert "s3://bucket/a: not copied: the file changed while it was read\n" in result.err
    assert shell.names() == shell.unfinished() == []
    shell.ok("sync", source, "s3://bucket")
    assert shell.body("a") == b"new"


def test_what_is_skipped_in_the_destination_is_not_reported(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "copy/empty").mkdir(parents=True)
    shell.ok("put", "-", "s3://bucket/a", stdin=b"a")
    assert "libcloud: skipped" not in shell.ok("sync", "s3://bucket", str(tmp_path / "copy")).err


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Status(403, "AccessDenied"), 4), (Status(404, "NoSuchBucket"), 3), (Status(400, "X"), 1)],
)
def test_the_status_of_a_deletion_that_fails_is_that_of_its_error(
    shell: Shell, fault: Status, status: int
) -> None:
    shell.fake.faults.add("DeleteObject", fault)
    result = shell("rm", "--force", "s3://bucket/a")
    assert result.status == status
    assert result.err.startswith("libcloud: s3://bucket/a: ")
    assert "BUCKET" not in result.err


def test_a_migration_of_nothing_is_an_error(shell: Shell) -> None:
    shell.ok("mb", "s3://copies")
    shell.ok("put", "-", "s3://bucket/2026/a", stdin=b"a")
    result = shell("migrate", "s3://bucket/2062", "s3://copies", "--job", "one", "--json")
    assert result.status == 3
    assert result.json[0]["objects"] == 0
    assert result.err == "libcloud: no objects match s3://bucket/2062/\n"
