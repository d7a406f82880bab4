# SPDX-License-Identifier: Apache-2.0
"""The commands that list, delete, sign and clean up."""

from __future__ import annotations

import re
import threading
import urllib.request
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from libcloud import __version__
from libcloud.cli.main import COMMANDS
from libcloud.storage.base import Container
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server
from libcloud.utils import xml
from libcloud.utils.headers import parse_time


def stored(shell: Shell, *names: str) -> None:
    """Store objects whose size is the length of their key."""
    container = shell.driver.get_container("bucket")
    for name in names:
        shell.driver.upload_object_via_stream(iter([b"x" * len(name)]), container, name)


def started_upload(shell: Shell, name: str) -> str:
    """The id of an upload that stays in progress."""
    driver = shell.driver
    return driver._initiate_multipart(Container("bucket", {}, driver), name)


def test_buckets_are_listed(shell: Shell) -> None:
    shell.ok("mb", "s3://another")
    entries = shell.ok("ls", "--json", "s3://").json
    assert [(entry["type"], entry["name"]) for entry in entries] == [
        ("container", "another"),
        ("container", "bucket"),
    ]


def test_one_level_is_listed(shell: Shell) -> None:
    stored(shell, "a", "b/c", "b/d/e", "b.txt", "z")
    lines = shell.ok("ls", "s3://bucket").lines
    assert [line.split()[-1] for line in lines] == ["a", "b.txt", "b/", "z"]
    lines = shell.ok("ls", "s3://bucket/b/").lines
    assert [line.split()[-1] for line in lines] == ["b/c", "b/d/"]


def test_listing_one_level_requests_only_that_level(shell: Shell) -> None:
    options = replace(AMAZON, page_size=2)
    with fake_server(options) as endpoint:
        other = Shell(endpoint, shell.home)
        other.driver.create_container(BUCKET)
        stored(other, *(f"d/{number}" for number in range(9)), "a", "dd", "e/f/g")
        lines = other.ok("ls", "s3://bucket").lines
        assert [line.split()[-1] for line in lines] == ["a", "d/", "dd", "e/"]
        lines = other.ok("ls", "s3://bucket/d").lines
        assert [line.split()[-1] for line in lines] == ["d/", "dd"]
        asked = [entry for entry in other.fake.requests if "delimiter" in entry.query]
        assert len(asked) == 3  # two pages of two, and one


def test_a_recursive_listing_has_all_objects(shell: Shell) -> None:
    stored(shell, "a", "b/c", "b/d/e")
    result = shell.ok("ls", "-r", "--json", "--total", "s3://bucket")
    assert [(entry["name"], entry["size"]) for entry in result.json] == [
        ("a", 1),
        ("b/c", 3),
        ("b/d/e", 5),
    ]
    assert result.err == "3 objects, 9 B\n"


def test_a_line_has_time_size_and_name(shell: Shell) -> None:
    shell.ok("put", "-q", "-", "s3://bucket/large", stdin=b"x" * 1536)
    line = shell.ok("ls", "--human", "s3://bucket/").lines[0]
    when, name = line[:19], line.split("  ")[-1]
    datetime.strptime(when, "%Y-%m-%d %H:%M:%S")
    assert "1.5 KiB" in line
    assert name == "large"


def test_an_empty_bucket_is_no_error_but_an_unmatched_prefix_is(shell: Shell) -> None:
    assert shell.ok("ls", "s3://bucket").out == b""
    assert shell("ls", "s3://bucket/nothing").status == 3


def test_stat_shows_a_bucket(shell: Shell) -> None:
    expected = {"container": "bucket", "versioning": "disabled"}
    assert shell.ok("stat", "--json", "s3://bucket").json == [expected]


def test_stat_prints_readable_lines(shell: Shell) -> None:
    shell.ok("put", "-q", "--metadata", "who=me", "-", "s3://bucket/x", stdin=b"x" * 2048)
    lines = shell.ok("stat", "s3://bucket/x").lines
    facts = dict(re.split(r":\s+", line, maxsplit=1) for line in lines)
    assert facts["size"] == "2048 (2.0 KiB)"
    assert facts["metadata.who"] == "me"


def test_objects_are_deleted(shell: Shell) -> None:
    stored(shell, "a", "b", "c")
    result = shell.ok("rm", "s3://bucket/a", "s3://bucket/c")
    assert result.lines == ["deleted s3://bucket/a", "deleted s3://bucket/c"]
    assert shell.names() == ["b"]


def test_deleting_a_missing_object_fails_unless_forced(shell: Shell) -> None:
    assert shell("rm", "s3://bucket/a").status == 3
    assert shell("rm", "-r", "s3://bucket/a").status == 3
    shell.ok("rm", "-f", "s3://bucket/a")
    shell.ok("rm", "-rf", "s3://bucket/a")


def test_a_missing_object_does_not_keep_others_from_being_deleted(shell: Shell) -> None:
    stored(shell, "a", "b")
    result = shell("rm", "s3://bucket/missing", "s3://bucket/a", "s3://bucket/b")
    assert (result.status, result.lines) == (3, ["deleted s3://bucket/a", "deleted s3://bucket/b"])
    assert result.err.startswith("libcloud: s3://bucket/missing: object 'missing' does not exist")
    assert shell.names() == []


def test_a_dry_run_deletes_nothing(shell: Shell) -> None:
    stored(shell, "d/a", "d/b")
    result = shell.ok("rm", "-r", "--dry-run", "s3://bucket/d")
    assert result.lines == ["would delete s3://bucket/d/a", "would delete s3://bucket/d/b"]
    assert shell.names() == ["d/a", "d/b"]


def test_many_objects_are_deleted_by_one_request(shell: Shell) -> None:
    names = [f"d/{number:03}" for number in range(120)]
    stored(shell, "kept", *names)
    # Of MinIO it is known that it can.
    shell.ok("rm", "-r", "-q", "minio://bucket/d/")
    assert shell.names() == ["kept"]
    operations = [entry.operation for entry in shell.fake.requests]
    assert operations.count("DeleteObjects") == 1
    assert operations.count("DeleteObject") == 0


def test_lxml_is_imported_while_the_store_answers_the_first_request(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = threading.Event()
    monkeypatch.setattr(xml, "load", imported.set)
    stored(shell, "a")
    shell.ok("rm", "--recursive", "--dry-run", f"s3://{BUCKET}/")
    assert imported.wait(60)


def test_deleting_requires_an_object_unless_recursive(shell: Shell) -> None:
    stored(shell, "a")
    assert shell("rm", "s3://bucket").status == 2
    assert shell("rm", "-r", "s3://").status == 2
    assert shell.names() == ["a"]


def test_only_an_empty_bucket_can_be_deleted(shell: Shell) -> None:
    stored(shell, "a")
    result = shell("rb", "s3://bucket")
    assert result.status == 1
    assert "not empty" in result.err and "libcloud rm --recursive" in result.err
    shell.ok("rm", "-r", "s3://bucket")
    shell.ok("rb", "s3://bucket")
    assert shell("ls", "s3://bucket").status == 3


def test_a_bucket_command_rejects_the_url_of_an_object(shell: Shell) -> None:
    assert shell("mb", "s3://new/name").status == 2
    assert shell("rb", "s3://bucket/name").status == 2


def test_a_presigned_url_works_without_credentials(shell: Shell) -> None:
    name = "with space/ünï?"
    shell.ok("put", "-q", "-", f"s3://bucket/{name}", stdin=b"data")
    url = shell.ok("presign", "--expires", "5m", f"s3://bucket/{name}").lines[0]
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"data"
    upload = shell.ok("presign", "--method", "put", "s3://bucket/new").lines[0]
    request = urllib.request.Request(upload, data=b"new", method="PUT")
    # urllib would call it a form.
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request, timeout=30):
        pass
    assert shell.body("new") == b"new"


@pytest.mark.parametrize("expires", ["8d", "x"])
def test_a_presigned_url_expires_within_a_week(shell: Shell, expires: str) -> None:
    assert shell("presign", "--expires", expires, "s3://bucket/x").status == 2


def test_in_progress_uploads_are_listed(shell: Shell) -> None:
    upload_id = started_upload(shell, "a/b")
    entry = shell.ok("uploads", "ls", "--json", "--sizes", "s3://bucket").json[0]
    assert (entry["name"], entry["id"], entry["parts"], entry["size"]) == ("a/b", upload_id, 0, 0)
    assert parse_time(entry["created_at"]) is not None
    assert shell.ok("uploads", "ls", "s3://bucket/other").out == b""
    assert upload_id in shell.ok("uploads", "ls", "s3://bucket/a").lines[0]


def test_uploads_of_one_object_are_aborted(shell: Shell) -> None:
    first, second, other = (
        started_upload(shell, "a"),
        started_upload(shell, "a"),
        started_upload(shell, "ab"),
    )
    shell.ok("uploads", "abort", "s3://bucket/a", "--id", first)
    assert sorted(shell.unfinished()) == sorted([second, other])
    shell.ok("uploads", "abort", "s3://bucket/a")
    assert shell.unfinished() == [other]
    assert shell("uploads", "abort", "s3://bucket/a", "--id", first).status == 3


def test_only_old_uploads_are_cleaned_up(shell: Shell) -> None:
    upload_id = started_upload(shell, "a")
    assert shell.ok("uploads", "clean", "s3://bucket").err == "aborted 0 uploads\n"
    result = shell.ok("uploads", "clean", "--older-than", "0s", "--dry-run", "s3://bucket")
    assert "would abort" in result.lines[0] and upload_id in result.lines[0]
    assert shell.unfinished() == [upload_id]
    shell.ok("uploads", "clean", "--older-than", "0s", "s3://bucket")
    assert shell.unfinished() == []


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: Shell, kind: str) -> None:
    assert b"_LIBCLOUD_COMPLETE" in shell.ok("completion", kind).out


def test_the_demo_compares_what_it_downloads(shell: Shell) -> None:
    result = shell.ok("demo", "--size", "6MiB", "s3://bucket/demo")
    assert "SHA-256 equal" in result.lines[-1]
    assert shell.names() == []
    assert "SHA-256 equal" in shell.ok("demo", "--size", "1MiB").lines[-1]


def test_help_lists_the_exit_statuses(shell: Shell) -> None:
    help_text = shell.ok("--help").out.decode()
    for status in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "130", "141"):
        assert f"\n    {status}" in help_text


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",), ("help",)])
def test_the_help_lists_the_commands_one_per_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    result = shell.ok(*arguments)
    assert result.err == ""
    listed = [line.split()[0] for line in result.lines if re.match(r"  [a-z][a-z-]+  ", line)]
    assert listed == [*COMMANDS]


def test_help_describes_a_command(shell: Shell) -> None:
    expected = shell.ok("uploads", "clean", "--help").out
    assert b"--older-than" in expected
    assert shell.ok("help", "uploads", "clean").out == expected
    assert shell.ok("uploads", "clean", "-h").out == expected


def test_a_group_without_a_command_prints_its_help(shell: Shell) -> None:
    assert shell.ok("uploads").out == shell.ok("uploads", "--help").out


def test_help_for_an_unknown_command_is_an_error(shell: Shell) -> None:
    assert shell("help", "nothing").status == 2


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell.ok("-V").out == shell.ok("--version").out == f"libcloud {__version__}\n".encode()


def test_h_means_human_for_listings(shell: Shell) -> None:
    shell.ok("put", "-q", "-", "s3://bucket/x", stdin=bytes(1536))
    assert "1.5 KiB" in shell.ok("ls", "-h", "s3://bucket").lines[0]


def test_a_missing_file_is_deleted_with_force_as_in_any_store(shell: Shell, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/missing"
    assert shell("rm", url).status == 3
    assert shell.ok("rm", "--force", url).lines == [f"deleted {url}"]
    assert shell.ok("rm", "--force", "s3://bucket/x").lines == ["deleted s3://bucket/x"]
