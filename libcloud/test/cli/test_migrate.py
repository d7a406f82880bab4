# SPDX-License-Identifier: Apache-2.0
"""``libcloud migrate``; what it does is tested in ``libcloud/test/storage/scaleout``."""

from __future__ import annotations

import json

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Status

pytestmark = pytest.mark.slow

JOB = ("migrate", "s3://bucket", "s3://new", "--job", "m1")


@pytest.fixture
def filled(shell: Shell) -> Shell:
    """A bucket with three objects, and an empty one."""
    for name in ("a", "b/c.tmp", "b/d"):
        shell.ok("put", "-", f"s3://{BUCKET}/{name}", stdin=name.encode())
    shell.ok("mb", "s3://new")
    return shell


def names(shell: Shell, bucket: str = "new") -> set[str]:
    found = {obj.name for obj in shell.driver.get_container(bucket).iterate_objects()}
    return {name for name in found if not name.startswith(".libcloud-migrate/")}


def test_a_bucket_is_migrated_and_the_report_printed(filled: Shell) -> None:
    result = filled.ok(*JOB)
    assert result.lines == [
        "m1: complete",
        "           3 listed, 11 B",
        "           3 copied, 11 B",
    ]
    assert names(filled) == {"a", "b/c.tmp", "b/d"}
    assert filled.ok(*JOB, "--report").out == result.out
    assert filled.ok(*JOB, "--resume").out == result.out


def test_within_a_store_the_store_copies(filled: Shell) -> None:
    filled.ok(*JOB)
    counts = filled.fake.log.counts()
    assert counts["CopyObject"] == 3


def test_only_below_a_prefix_and_what_the_filters_select(filled: Shell) -> None:
    filled.ok("migrate", "s3://bucket/b", "s3://new/x", "--job", "m1", "--exclude", "*.tmp")
    assert {name for name in names(filled) if "libcloud" not in name} == {"x/d"}


def test_a_dry_run_writes_nothing(filled: Shell) -> None:
    [found] = filled.ok(*JOB, "--dry-run", "--json").json
    assert (found["objects"], found["copied"], found["dry_run"]) == (3, 3, True)
    assert not list(filled.driver.get_container("new").iterate_objects())


def test_a_failed_object_is_listed_and_sets_the_exit_status(filled: Shell) -> None:
    filled.fake.faults.add(
        "CopyObject",
        Status(400, "InvalidRequest"),
        match=lambda request: request.raw_path == "/new/a",
    )
    result = filled(*JOB)
    assert result.status == 1
    assert "1 failed" in result.out.decode()
    assert "a: " in result.lines[-1]
    quiet = filled(*JOB, "--report", "--quiet")
    assert (quiet.status, quiet.out) == (1, b"")
    assert quiet.err.startswith("libcloud: a: ")
    filled.fake.faults.clear()
    assert "3 copied" in filled.ok(*JOB, "--resume").out.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("migrate", "s3://bucket", "s3://bucket", "--job", "m1"), 1, "the same container"),
        (("migrate", "s3://bucket", "dir", "--job", "m1"), 2, "not a valid URL"),
        (("migrate", "s3://bucket", "s3://new", "--job", "a/b"), 2, "cannot be the name of a job"),
        ((*JOB, "--executor", "slurm"), 2, "--executor: unknown executor"),
        ((*JOB, "--report"), 1, "there is no job m1"),
        (("migrate", "s3://bucket", "s3://none", "--job", "m1"), 3, "'none' does not exist"),
    ],
)
def test_an_unsupported_operation_is_refused(
    filled: Shell, arguments: tuple[str, ...], status: int, text: str
) -> None:
    result = filled(*arguments)
    assert (result.status, text in result.err) == (status, True), result.err
    assert not names(filled)


def test_the_json_report_has_all_counts(filled: Shell) -> None:
    found = json.loads(filled.ok(*JOB, "--json").out)
    assert {name: found[name] for name in ("job", "objects", "bytes", "copied", "clean")} == {
        "job": "m1",
        "objects": 3,
        "bytes": 11,
        "copied": 3,
        "clean": True,
    }


def test_a_missing_source_is_named(filled: Shell) -> None:
    result = filled("migrate", "s3://missing", "s3://new", "--job", "m1")
    assert result.status == 3
    assert "bucket 'missing' does not exist" in result.err
    assert "s3://new" not in result.err
