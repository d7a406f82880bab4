# SPDX-License-Identifier: Apache-2.0
"""Tags, legal holds, retention, lifecycle rules, and what ``stat`` shows, by the command."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Status

URL = "s3://bucket/x"


@pytest.fixture
def one(shell: Shell) -> Shell:
    """The command, and a bucket with object lock and one object with properties."""
    fake = shell.fake
    assert fake is not None
    fake.state.options = replace(fake.state.options, locked_buckets=frozenset({BUCKET}))
    options = ["--tag", "a=1", "--header", "Cache-Control:no-cache", "--sse", "AES256"]
    options += ["--storage-class", "standard_ia", "--checksum", "crc32"]
    shell.ok("put", "-q", *options, "-", URL, stdin=b"data")
    return shell


def test_tags_are_shown_and_changed(one: Shell) -> None:
    assert one.ok("tags", URL).lines == ["a=1"]
    assert one.ok("tags", URL, "b c=2=3", "d=").lines == ["a=1", "b c=2=3", "d="]
    assert one.ok("tags", "--json", URL, "--delete", "a").json == [{"b c": "2=3", "d": ""}]
    assert one.ok("tags", URL, "--replace", "e=f").lines == ["e=f"]
    refused = one("tags", URL, *(f"{number}=" for number in range(11)))
    assert refused.err.startswith("libcloud tags: an object has at most 10 tags")
    assert one.ok("tags", URL, "--replace").lines == []
    assert one("tags", "s3://bucket/missing").status == 3


@pytest.mark.parametrize("arguments", [["a"], ["=x"], ["a=1", "--delete", "a"], ["x=" + "y" * 257]])
def test_invalid_tags_are_a_usage_error(one: Shell, arguments: list[str]) -> None:
    assert one("tags", URL, *arguments).status == 2
    assert one.ok("tags", URL).lines == ["a=1"]


def test_a_legal_hold_is_shown_placed_and_removed(one: Shell) -> None:
    assert one.ok("legal-hold", URL).lines == ["off"]
    assert one.ok("legal-hold", URL, "on").lines == ["on"]
    assert one.ok("stat", "--json", URL).json[0]["legal_hold"] == "ON"
    assert one.ok("legal-hold", "--json", URL, "off").json == [{"legal_hold": False}]


def test_retention_is_shown_set_and_ended(one: Shell) -> None:
    assert one.ok("retention", URL).lines == ["none"]
    options = ["--mode", "governance", "--until", "2030-01-31T00:00Z"]
    assert one.ok("retention", URL, *options).lines == [
        "GOVERNANCE until 2030-01-31T00:00:00+00:00"
    ]
    assert one("retention", URL, "--clear").status != 0
    assert one.ok("retention", "--json", URL, "--clear", "--bypass-governance").json == [{}]
    for arguments in (["--mode", "governance"], ["--clear", *options], ["--until", "x"]):
        assert one("retention", URL, *arguments).status == 2


def test_the_expiry_of_uploads_is_shown_and_set(one: Shell) -> None:
    assert one.ok("lifecycle", "s3://bucket").lines == ["unfinished uploads are kept"]
    assert one.ok("lifecycle", "s3://bucket", "--abort-uploads", "7d").lines == [
        "unfinished uploads are aborted after 7 days"
    ]
    assert one.ok("lifecycle", "--json", "s3://bucket").json == [{"abort_uploads_days": 7}]
    assert one.ok("lifecycle", "s3://bucket", "--abort-uploads", "never").lines == [
        "unfinished uploads are kept"
    ]
    for wrong in ("0", "-1", "x", "12h"):
        assert one("lifecycle", "s3://bucket", "--abort-uploads", wrong).status == 2
    assert one("lifecycle", URL).status == 2


def test_stat_shows_everything_that_the_store_returns(one: Shell) -> None:
    facts = one.ok("stat", "--json", URL).json[0]
    assert facts["cache_control"] == "no-cache"
    assert facts["encryption"] == "AES256"
    assert facts["storage_class"] == "STANDARD_IA"
    assert facts["tags"] == {"a": "1"}
    assert facts["checksum"]["algorithm"] == "crc32"
    assert "version_id" not in facts
    one.ok("versioning", "s3://bucket", "on")
    assert one.ok("stat", "--json", URL).json[0]["version_id"] == "null"
    assert one.ok("stat", "--json", "s3://bucket").json[0]["versioning"] == "enabled"
    lines = one.ok("stat", URL).lines
    assert any(line.split() == ["tags.a:", "1"] for line in lines)


def test_times_of_stat_have_a_zone(one: Shell, tmp_path: Path) -> None:
    now = datetime.now(timezone.utc)
    (tmp_path / "file").write_bytes(b"x")
    times = [
        one.ok("stat", "--json", URL).json[0]["last_modified"],
        one.ok("stat", "--json", f"file://{tmp_path}/file").json[0]["modify_time"],
    ]
    assert all(now - datetime.fromisoformat(time) < timedelta(hours=1) for time in times)


def test_stat_does_without_what_is_denied(one: Shell) -> None:
    fake = one.fake
    assert fake is not None
    fake.faults.add("GetObjectTagging", Status(403, "AccessDenied"), times=None)
    fake.faults.add("HeadObject", Status(403, "AccessDenied"))  # of the key
    facts = one.ok("stat", "--json", URL).json[0]
    assert facts["size"] == 4
    assert "tags" not in facts
    assert "checksum" not in facts


def test_stat_requests_no_tags_if_the_object_has_none(one: Shell) -> None:
    assert one.fake is not None
    one.ok("tags", URL, "--replace")
    request = one.fake.faults.add("GetObjectTagging", Status(403, "AccessDenied"))
    assert one.ok("stat", "--json", URL).json[0]["size"] == 4
    assert not request.fired


def test_deletions_are_printed_as_json(one: Shell) -> None:
    expected = {"action": "delete", "url": URL, "dry_run": True}
    assert one.ok("rm", "--json", "--dry-run", URL).json == [expected]
    assert one.ok("rm", "--json", URL).json == [{**expected, "dry_run": False}]


def test_a_dry_run_of_get_writes_nothing(one: Shell, tmp_path: Path) -> None:
    for name in ("d/1", "d//1", "d/e/2"):
        one.ok("put", "-q", "-", f"s3://bucket/{name}", stdin=b"x")
    before = sorted(tmp_path.rglob("*"))
    assert one.ok("get", "--dry-run", URL, f"{tmp_path}/new").lines == [
        f"would download {URL} to {tmp_path}/new"
    ]
    result = one("get", "-n", "-r", "s3://bucket/d", f"{tmp_path}/dir")
    assert result.lines == [
        f"would download s3://bucket/d/1 to {tmp_path}/dir/1",
        f"would download s3://bucket/d/e/2 to {tmp_path}/dir/e/2",
    ]
    assert "s3://bucket/d//1" in result.err
    assert result.status == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert one("get", "--dry-run", URL, "-").status == 2


@pytest.mark.parametrize("expires", ["0", "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"])
def test_an_invalid_time_is_shown_unchanged(shell: Shell, expires: str) -> None:
    shell.driver.get_container("bucket").upload_object_via_stream(
        iter([b"x"]), "odd", headers={"Expires": expires}
    )
    assert shell.ok("stat", "--json", "s3://bucket/odd").json[0]["expires"] == expires
