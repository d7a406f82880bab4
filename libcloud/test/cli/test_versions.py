# SPDX-License-Identifier: Apache-2.0
"""Versions of objects: listed, read, copied, deleted and restored by the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.faults import Status

URL = "s3://bucket/a b"


@pytest.fixture
def versioned(shell: Shell) -> Shell:
    """The command, and a bucket that keeps versions and has two of an object."""
    assert shell.ok("versioning", "s3://bucket", "on").lines == ["enabled"]
    for content in (b"old", b"newer"):
        shell.ok("put", "-q", "-", URL, stdin=content)
    return shell


def ids(shell: Shell, *arguments: str) -> list[str]:
    """The ids of the versions, the newest first."""
    found = shell.ok("ls", "--versions", "--json", *(arguments or ["s3://bucket"])).json
    return [entry["version_id"] for entry in found]


def test_versioning_is_shown_and_changed(shell: Shell) -> None:
    assert shell.ok("versioning", "s3://bucket").lines == ["disabled"]
    assert shell.ok("versioning", "s3://bucket", "on").lines == ["enabled"]
    assert shell.ok("versioning", "--json", "s3://bucket", "off").json == [
        {"versioning": "suspended"}
    ]
    assert shell("versioning", URL, "on").status == 2
    assert shell("versioning", "s3://missing").status == 3


def test_versions_are_listed(versioned: Shell) -> None:
    versioned.ok("rm", "-q", URL)
    entries = versioned.ok("ls", "--versions", "--json", "s3://bucket/a").json
    assert [entry["type"] for entry in entries] == ["delete_marker", "version", "version"]
    assert [entry.get("size") for entry in entries] == [None, 5, 3]
    assert [entry["is_latest"] for entry in entries] == [True, False, False]
    lines = versioned.ok("ls", "--versions", URL).lines
    assert "DELETED" in lines[0]
    assert all(entry["version_id"] in line for entry, line in zip(entries, lines, strict=True))
    assert ids(versioned, "s3://bucket/*b") == ids(versioned)
    assert versioned("ls", "--versions", "s3://bucket/x").status == 3


def test_a_version_is_read(versioned: Shell, tmp_path: Path) -> None:
    _, old = ids(versioned)
    assert versioned.ok("cat", "--version-id", old, URL).out == b"old"
    assert versioned.ok("cat", "--version-id", old, "--range", "1-", URL).out == b"ld"
    versioned.ok("get", "-q", "--version-id", old, URL, str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"old"
    facts = versioned.ok("stat", "--json", "--version-id", old, URL).json[0]
    assert (facts["version_id"], facts["size"]) == (old, 3)


@pytest.mark.parametrize("command", ["cat", "get", "stat", "cp", "rm"])
def test_a_version_that_does_not_exist_is_named(versioned: Shell, command: str) -> None:
    missing = "000009/" + "0" * 32 + "+="
    more = ["s3://bucket/copy"] if command == "cp" else []
    result = versioned(command, "--version-id", missing, URL, *more)
    assert result.status == 3
    assert missing in result.err


def test_an_invalid_id_is_an_error(versioned: Shell) -> None:
    result = versioned("cat", "--version-id", "x", URL)
    assert result.status == 1
    assert "(version x)" in result.err
    assert "libcloud ls --versions 's3://bucket/a b'" in result.err


def test_a_version_needs_a_single_object(versioned: Shell) -> None:
    for arguments in (
        ["get", "--version-id", "x", "--recursive", "s3://bucket"],
        ["get", "--version-id", "x", URL, URL],
        ["cat", "--version-id", "x", URL, URL],
        ["cp", "--version-id", "x", "--recursive", "s3://bucket", "s3://other"],
        ["rm", "--version-id", "x", "s3://bucket/*"],
        ["rm", "--version-id", "x", "--versions", URL],
        ["stat", "--version-id", "x", "s3://bucket"],
        ["cat", "--version-id", "", URL],
        ["cat", "--version-id", "x" * 1025, URL],
    ):
        assert versioned(*arguments).status == 2, arguments


def test_a_version_is_copied_to_another_name_and_to_its_own(versioned: Shell) -> None:
    _, old = ids(versioned)
    versioned.ok("cp", "-q", "--version-id", old, URL, "s3://bucket/copy")
    assert versioned.body("copy") == b"old"
    versioned.ok("cp", "-q", "--version-id", old, URL, URL)
    assert versioned.body("a b") == b"old"
    assert len(ids(versioned, URL)) == 3


def test_a_version_is_copied_to_another_store(versioned: Shell, tmp_path: Path) -> None:
    _, old = ids(versioned)
    (tmp_path / "local").mkdir()
    versioned.ok("cp", "-q", "--version-id", old, URL, f"file://{tmp_path}/local/copy")
    assert (tmp_path / "local" / "copy").read_bytes() == b"old"


def test_a_deleted_object_keeps_its_versions_and_is_restored(versioned: Shell) -> None:
    versioned.ok("rm", "-q", URL)
    result = versioned("cat", URL)
    assert result.status == 3
    assert "libcloud undelete 's3://bucket/a b'" in result.err
    assert versioned.ok("undelete", "--dry-run", URL).lines == [f"would restore {URL}"]
    assert versioned("cat", URL).status == 3
    assert versioned.ok("undelete", "--json", URL).json == [
        {"action": "undelete", "url": URL, "dry_run": False}
    ]
    assert versioned.ok("cat", URL).out == b"newer"
    assert versioned.ok("undelete", URL).lines == []
    assert versioned("undelete", "s3://bucket/x").status == 3


def test_all_deleted_objects_of_a_directory_are_restored(versioned: Shell) -> None:
    for name in ("d/1", "d/2", "d2"):
        versioned.ok("put", "-q", "-", f"s3://bucket/{name}", stdin=b"x")
    versioned.ok("rm", "-q", "-r", "s3://bucket")
    result = versioned.ok("undelete", "--recursive", "s3://bucket/d", "--exclude", "2")
    assert result.lines == ["restored s3://bucket/d/1"]
    assert "1 object restored" in result.err
    assert versioned.names() == ["d/1"]
    versioned.ok("undelete", "s3://bucket/d*")
    assert versioned.names() == ["d/1", "d2"]
    fake = versioned.fake
    assert fake is not None
    fake.log.clear()
    versioned.ok("undelete", "-r", "s3://bucket")
    assert set(fake.operations()) == {"ListObjectVersions", "DeleteObject", "HeadObject"}
    assert versioned.names() == ["a b", "d/1", "d/2", "d2"]


def test_what_cannot_be_restored_is_reported(versioned: Shell) -> None:
    versioned.ok("put", "-q", "-", "s3://bucket/other", stdin=b"x")
    versioned.ok("rm", "-q", "-r", "s3://bucket")
    fake = versioned.fake
    assert fake is not None
    fake.state.options = replace(fake.state.options, undeletable=frozenset({"other"}))
    result = versioned("undelete", "-r", "s3://bucket")
    assert result.status != 0
    assert "bucket/other" in result.err
    assert versioned.names() == ["a b"]


@pytest.mark.parametrize(("status", "expected"), [(404, 1), (403, 0)])
def test_an_object_that_is_still_missing_is_not_reported_as_restored(
    versioned: Shell, status: int, expected: int
) -> None:
    versioned.ok("rm", "-q", URL)
    versioned.fake.faults.add("HeadObject", Status(status, ""), times=None)
    result = versioned("undelete", URL)
    assert result.status == expected
    assert ("the store still has no object of this name" in result.err) is bool(expected)
    assert result.lines == ([] if expected else [f"restored {URL}"])


def test_an_object_that_is_stored_while_another_is_restored_is_not_deleted(
    versioned: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned.ok("versioning", "s3://bucket", "off")
    versioned.ok("rm", "-q", URL)
    driver = type(versioned.driver)
    listed = driver.ex_iterate_object_versions

    def stored_meanwhile(self: Any, *arguments: Any, **options: Any) -> Any:
        found = list(listed(self, *arguments, **options))
        self.get_container("bucket").upload_object_via_stream(iter([b"newest"]), "a b")
        return iter(found)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "ex_iterate_object_versions", stored_meanwhile)
        result = versioned("undelete", URL)
    assert result.status == 1
    assert "was stored meanwhile" in result.err
    assert versioned.body("a b") == b"newest"


def test_a_version_is_deleted(versioned: Shell) -> None:
    new, old = ids(versioned)
    plan = versioned.ok("rm", "--dry-run", "--version-id", new, URL)
    assert plan.lines == [f"would delete {URL} (version {new})"]
    assert versioned.ok("rm", "--json", "--version-id", new, URL).json == [
        {"action": "delete", "url": URL, "version_id": new, "dry_run": False}
    ]
    assert ids(versioned) == [old]
    assert versioned.body("a b") == b"old"
    assert versioned("rm", "--version-id", new, URL).status == 3
    versioned.ok("rm", "--force", "--version-id", new, URL)


def test_an_object_is_restored_by_deleting_its_delete_marker(versioned: Shell) -> None:
    versioned.ok("rm", "-q", URL)
    marker, *_ = ids(versioned)
    versioned.ok("rm", "-q", "--version-id", marker, URL)
    assert versioned.body("a b") == b"newer"


def test_all_versions_are_deleted(versioned: Shell) -> None:
    versioned.ok("put", "-q", "-", "s3://bucket/other", stdin=b"x")
    versioned.ok("rm", "-q", URL)
    result = versioned.ok("rm", "--versions", URL)
    assert len(result.lines) == 3
    assert len(ids(versioned)) == 1
    versioned.ok("rm", "--versions", "-r", "s3://bucket")
    assert versioned.ok("ls", "--versions", "s3://bucket").out == b""


def test_a_bucket_with_versions_is_deleted_by_force(versioned: Shell) -> None:
    versioned.ok("rm", "-q", URL)
    assert versioned("rb", "s3://bucket").status == 1
    versioned.ok("rb", "--force", "s3://bucket")
    assert versioned("stat", "s3://bucket").status == 3


def test_a_presigned_url_is_for_the_version(versioned: Shell) -> None:
    _, old = ids(versioned)
    (url,) = versioned.ok("presign", "--version-id", old, URL).lines
    assert "versionId=" in url
    assert versioned("presign", "--version-id", old, "--method", "put", URL).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls", "--versions"],
        ["cat", "--version-id", "x"],
        ["stat", "--version-id", "x"],
        ["rm", "--versions"],
        ["undelete"],
        ["presign", "--version-id", "x"],
        ["tags"],
        ["legal-hold"],
    ],
)
def test_a_store_without_versions_is_a_usage_error(
    shell: Shell, tmp_path: Path, arguments: list[Any]
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    result = shell(*arguments, f"file://{tmp_path}/file")
    assert result.status == 2
    assert "does not support" in result.err
