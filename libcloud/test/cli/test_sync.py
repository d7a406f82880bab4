# SPDX-License-Identifier: Apache-2.0
"""``libcloud sync`` in all directions."""

from __future__ import annotations

import os
from pathlib import Path
from subprocess import PIPE

import pytest

from libcloud.cli.reading import modified
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Status

pytestmark = pytest.mark.slow

OLD, FUTURE = 1_000_000_000, 4_000_000_000


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory with files from the past."""
    root = tmp_path / "site"
    for name in ("index.html", "css/a.css", "tmp/x.tmp"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (OLD, OLD))
    return root


def actions(shell: Shell, *arguments: str) -> set[tuple[str, str]]:
    found = shell.ok("sync", "--json", *arguments).json
    return {(line["action"], line["name"].rpartition("/")[2]) for line in found}


def counts(shell: Shell) -> dict[str, int]:
    return dict(shell.fake.log.counts())


def test_a_directory_is_uploaded_once(shell: Shell, site: Path) -> None:
    assert actions(shell, str(site), "s3://bucket/www") == {
        ("copy", "index.html"),
        ("copy", "a.css"),
        ("copy", "x.tmp"),
    }
    assert shell.names() == ["www/css/a.css", "www/index.html", "www/tmp/x.tmp"]
    assert shell.body("www/css/a.css") == b"css/a.css"
    obj = shell.driver.get_object(BUCKET, "www/index.html")
    assert obj.extra["content_type"] == "text/html"
    before = counts(shell)
    assert actions(shell, str(site), "s3://bucket/www") == set()
    after = counts(shell)
    assert {name for name in after if after[name] > before.get(name, 0)} == {"ListObjects"}


def test_what_changed_is_copied_again(shell: Shell, site: Path) -> None:
    actions(shell, str(site), "s3://bucket")
    (site / "index.html").write_text("longer than before")
    os.utime(site / "index.html", (OLD, OLD))
    os.utime(site / "css/a.css", (FUTURE, FUTURE))
    result = shell.ok("sync", str(site), "s3://bucket")
    assert sorted(result.lines) == [
        "copied s3://bucket/css/a.css (time)",
        "copied s3://bucket/index.html (size)",
    ]
    assert "copied 2 objects to s3://bucket, deleted 0: " in result.err
    assert shell.body("index.html") == b"longer than before"
    assert actions(shell, "--size-only", str(site), "s3://bucket") == set()


def test_contents_are_compared_by_checksum(shell: Shell, site: Path) -> None:
    actions(shell, str(site), "s3://bucket")
    os.utime(site / "css/a.css", (FUTURE, FUTURE))
    (site / "index.html").write_text("INDEX.html")
    os.utime(site / "index.html", (OLD, OLD))
    assert actions(shell, "--checksum", str(site), "s3://bucket") == {("copy", "index.html")}


def test_a_bucket_is_downloaded(shell: Shell, site: Path, tmp_path: Path) -> None:
    actions(shell, str(site), "s3://bucket/www")
    shell.driver.get_container(BUCKET).upload_object_via_stream(iter([b""]), "www/folder/")
    copy = tmp_path / "copy"
    assert len(actions(shell, "s3://bucket/www", str(copy))) == 3
    assert (copy / "css/a.css").read_text() == "css/a.css"
    assert actions(shell, "s3://bucket/www", str(copy)) == set()


def test_a_downloaded_file_has_the_time_of_its_object(
    shell: Shell, site: Path, tmp_path: Path
) -> None:
    actions(shell, str(site), "s3://bucket")
    for source in ("s3://bucket", f"file://{site.parent}/{site.name}"):
        copy = tmp_path / f"copy of {source[0]}"
        actions(shell, source, str(copy))
        assert actions(shell, source, str(copy)) == set()
        assert actions(shell, str(copy), source) == set()
    assert (copy / "index.html").stat().st_mtime == OLD
    obj = next(shell.driver.get_container(BUCKET).iterate_objects(prefix="index.html"))
    time = modified(obj)
    assert time is not None
    assert (tmp_path / "copy of s/index.html").stat().st_mtime == time.timestamp()


def test_sync_copies_nothing_after_get(shell: Shell, site: Path, tmp_path: Path) -> None:
    actions(shell, str(site), "s3://bucket")
    copy = tmp_path / "copy"
    shell.ok("get", "--recursive", "s3://bucket", f"{copy}/")
    shell.ok("get", "s3://bucket/index.html", f"{copy}/")
    assert actions(shell, str(copy), "s3://bucket") == set()
    assert actions(shell, "s3://bucket", str(copy)) == set()
    shell.ok("get", f"file://{site}/index.html", f"{copy}/whole")
    shell.ok("get", "--range", "0-1", f"file://{site}/index.html", f"{copy}/part")
    assert (copy / "whole").stat().st_mtime == OLD
    assert (copy / "part").stat().st_mtime != OLD


@pytest.mark.parametrize("upload", [True, False])
def test_what_the_source_lacks_is_deleted_only_on_request(
    shell: Shell, site: Path, tmp_path: Path, upload: bool
) -> None:
    copy = tmp_path / "copy"
    actions(shell, str(site), "s3://bucket")
    actions(shell, "s3://bucket", str(copy))
    ends = (str(site), "s3://bucket") if upload else ("s3://bucket", str(copy))
    if upload:
        (site / "css/a.css").unlink()
    else:
        shell.ok("rm", "s3://bucket/css/a.css")
    assert actions(shell, *ends) == set()
    assert actions(shell, "--delete", "--dry-run", *ends) == {("delete", "a.css")}
    assert actions(shell, "--delete", "--exclude", "css/*", *ends) == set()
    assert actions(shell, "--delete", *ends) == {("delete", "a.css")}
    assert ("css/a.css" in shell.names()) is False
    assert (copy / "css/a.css").exists() is upload
    assert (copy / "index.html").exists()


def test_a_file_is_kept_if_an_object_maps_to_it_by_another_name(
    shell: Shell, tmp_path: Path
) -> None:
    shell.ok("put", "-", "s3://bucket/a//b", stdin=b"data")
    for _ in range(2):
        shell.ok("sync", "--delete", "s3://bucket", str(tmp_path / "copy"))
        assert (tmp_path / "copy/a/b").read_bytes() == b"data"


def test_a_file_is_not_replaced_by_another_object_when_it_is_up_to_date(
    shell: Shell, tmp_path: Path
) -> None:
    for name in ("!a", "./!a"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=name.encode())
    for _ in range(2):
        result = shell("sync", "s3://bucket", str(tmp_path / "copy"))
        assert result.status == 1
        assert "/./!a: not downloaded: another object maps to the same file" in result.err
        assert (tmp_path / "copy/!a").read_bytes() == b"!a"


def test_nothing_is_deleted_below_links_in_the_destination(shell: Shell, tmp_path: Path) -> None:
    shell.ok("put", "-", "s3://bucket/real/x", stdin=b"data")
    copy, outside = tmp_path / "copy", tmp_path / "outside"
    for directory in (copy / "real", outside):
        directory.mkdir(parents=True)
        (directory / "x").write_bytes(b"data")
        (copy / f"link to {directory.name}").symlink_to(directory)
    shell.ok("sync", "--delete", "--follow-symlinks", "s3://bucket", str(copy))
    assert (copy / "real/x").exists()
    assert (outside / "x").exists()


def test_a_reader_of_the_output_that_ends_is_no_failure_of_a_copy(shell: Shell, site: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with shell.start("sync", str(site), "s3://bucket", stdout=writing, stderr=PIPE) as process:
        os.close(writing)
        assert process.communicate()[1] == b""
    assert process.returncode == 141
    assert shell.unfinished() == []


def test_objects_are_deleted_by_one_request(shell: Shell, tmp_path: Path) -> None:
    for number in range(3):
        shell.ok("put", "-", f"s3://bucket/{number}", stdin=b"data")
    assert len(actions(shell, "--delete", str(tmp_path / "home"), "s3://bucket")) == 3
    assert shell.names() == []
    assert counts(shell)["DeleteObjects"] == 1
    assert "DeleteObject" not in counts(shell)


def test_a_deletion_that_fails_does_not_stop_the_others(
    shell: Shell, site: Path, tmp_path: Path
) -> None:
    actions(shell, str(site), "s3://bucket")
    for operation in ("DeleteObjects", "DeleteObject"):
        shell.fake.faults.add(operation, Status(403, "AccessDenied"))
    result = shell("sync", "--delete", str(tmp_path / "home"), "s3://bucket")
    assert result.status == 1
    assert "libcloud: s3://bucket/css/a.css: " in result.err
    assert ("css/a.css" in shell.names()) is True


def test_nothing_is_deleted_after_a_failure(shell: Shell, site: Path) -> None:
    actions(shell, str(site), "s3://bucket")
    (site / "css/a.css").unlink()
    (site / "new").write_text("new")
    shell.fake.faults.add("PutObject", Status(400, "InvalidRequest"), times=None)
    result = shell("sync", "--delete", str(site), "s3://bucket")
    assert result.status == 1
    assert "nothing was deleted because of the failures" in result.err
    assert "css/a.css" in shell.names()


def test_a_dry_run_changes_nothing(shell: Shell, site: Path, tmp_path: Path) -> None:
    result = shell.ok("sync", "--dry-run", "--include", "*", str(site), "s3://bucket")
    assert "would copy s3://bucket/index.html (new)" in result.lines
    assert shell.names() == []
    shell.ok("put", "-", "s3://bucket/x", stdin=b"x")
    assert actions(shell, "--dry-run", "s3://bucket", str(tmp_path / "none")) == {("copy", "x")}
    assert not (tmp_path / "none").exists()


def test_filters_select_what_is_copied(shell: Shell, site: Path) -> None:
    assert actions(shell, "--exclude", "*.tmp", str(site), "s3://bucket") == {
        ("copy", "index.html"),
        ("copy", "a.css"),
    }


def test_a_store_copies_within_itself(shell: Shell, site: Path) -> None:
    actions(shell, str(site), "s3://bucket/a")
    assert len(actions(shell, "s3://bucket/a", "s3://bucket/b")) == 3
    assert shell.body("b/css/a.css") == b"css/a.css"
    assert "GetObject" not in counts(shell) or counts(shell)["GetObject"] == 1


def test_two_stores_are_synchronized_through_this_machine(shell: Shell, other: Shell) -> None:
    shell.ok(
        "put",
        "-",
        "s3://bucket/a/x",
        "--metadata",
        "k=v",
        "--content-type",
        "text/x-test",
        stdin=b"data",
    )
    arguments = ("--from-endpoint-url", shell.endpoint.url, "s3://bucket/a", "s3://bucket/b")
    assert actions(other, *arguments) == {("copy", "x")}
    obj = other.driver.get_object(BUCKET, "b/x")
    assert (obj.meta_data, obj.extra["content_type"]) == ({"k": "v"}, "text/x-test")
    assert other.body("b/x") == b"data"
    assert actions(other, *arguments) == set()


def test_a_store_and_a_local_store_are_synchronized(
    shell: Shell, site: Path, tmp_path: Path
) -> None:
    actions(shell, str(site), "s3://bucket")
    target = tmp_path / "store" / "c"
    target.mkdir(parents=True)
    assert len(actions(shell, "s3://bucket", f"file://{target}/")) == 3
    assert (target / "css/a.css").read_text() == "css/a.css"
    assert len(actions(shell, f"file://{target}/", "s3://bucket/again")) == 3
    assert shell.body("again/css/a.css") == b"css/a.css"


@pytest.mark.parametrize(
    "arguments",
    [
        ("s3://bucket/a", "s3://bucket/a/b"),
        ("s3://bucket/a", "s3://bucket"),
        ("s3://bucket", "s3://bucket"),
        (".", "."),
        ("/no/such/directory", "s3://bucket"),
        ("s3://", "."),
        ("--size-only", "--checksum", ".", "s3://bucket"),
    ],
)
def test_what_cannot_be_synchronized_sends_nothing(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    before = counts(shell)
    assert shell("sync", *arguments).status == 2
    assert counts(shell) == before


def test_a_misspelled_bucket_is_reported_once(shell: Shell, site: Path) -> None:
    result = shell("sync", str(site), "s3://buckte")
    assert result.status == 3
    assert result.err.count("buckte") <= 2


@pytest.mark.parametrize("url", ["", "file://"])
def test_a_directory_replaces_a_file_and_a_file_a_directory(
    shell: Shell, tmp_path: Path, url: str
) -> None:
    copy = tmp_path / "copy"
    (copy / "b" / "empty").mkdir(parents=True)
    (copy / "b/empty/y").write_text("old")
    (copy / "a").write_text("old")
    for name in ("a/x/y", "b"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=b"new")
    arguments = ("sync", "--delete", "s3://bucket", f"{url}{copy}")
    plan = shell.ok(*arguments, "--dry-run").lines
    assert (copy / "a").read_text() == "old"
    done = shell.ok(*arguments).lines
    assert [line.split()[0] for line in done] == ["deleted", "deleted", "copied", "copied"]
    assert len(plan) == 4
    assert (copy / "a/x/y").read_text() == (copy / "b").read_text() == "new"
    assert shell.ok(*arguments).lines == []


def test_what_is_in_the_way_stays_after_a_failure(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "b").mkdir(parents=True)
    for name in ("a", "b/y"):
        (copy / name).write_text("old")
    for name in ("a/x", "b", "c"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=b"new")
    shell.fake.faults.add("GetObject", Status(400, "InvalidRequest"))
    result = shell("sync", "--delete", "s3://bucket", str(copy))
    assert result.status == 1
    assert "nothing was deleted because of the failures above" in result.err
    assert f"{copy}/a/x cannot be created" in result.err
    assert (copy / "a").read_text() == (copy / "b/y").read_text() == "old"


def test_a_directory_is_deleted_with_its_last_file(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name in ("a/b/c/old", "d/old", "d/kept", "e/mine"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("data")
    (copy / "empty").mkdir()
    shell.ok("put", "-", "s3://bucket/d/kept", stdin=b"data")
    shell.ok("sync", "--delete", "--exclude", "e/*", "s3://bucket", str(copy))
    assert sorted(os.listdir(copy)) == ["d", "e", "empty"]
    assert os.listdir(copy / "d") == ["kept"]
