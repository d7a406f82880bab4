# SPDX-License-Identifier: Apache-2.0
"""Options for stored and read objects: they reach the store, or are rejected by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Status

LARGE = pattern(16 * MIB + 1)


def put_headers(shell: Shell, *options: str) -> dict[str, str]:
    """The headers of a PUT with these options."""
    shell.ok("put", "-q", *options, "-", "s3://bucket/x", stdin=b"x")
    puts = [one for one in shell.fake.requests if one.operation == "PutObject"]
    return puts[-1].headers


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (("--tag", "a=b", "--tag", "c=d e"), "x-amz-tagging", "a=b&c=d%20e"),
        (("--header", "Cache-Control: no-cache"), "cache-control", "no-cache"),
        (("--header", "Content-Encoding:gzip"), "content-encoding", "gzip"),
        (("--acl", "public-read"), "x-amz-acl", "public-read"),
        (("--storage-class", "standard_ia"), "x-amz-storage-class", "STANDARD_IA"),
        (("--sse", "AES256"), "x-amz-server-side-encryption", "AES256"),
        (("--lock-hold",), "x-amz-object-lock-legal-hold", "ON"),
        (("--request-payer",), "x-amz-request-payer", "requester"),
        (("--bucket-owner", "123456789012"), "x-amz-expected-bucket-owner", "123456789012"),
        (("--checksum", "crc32c"), "x-amz-checksum-crc32c", "qTxfkw=="),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_an_option_sets_a_header(
    shell: Shell, options: tuple[str, ...], name: str, value: str
) -> None:
    assert put_headers(shell, *options)[name] == value


def test_a_lock_has_a_retention_date(shell: Shell) -> None:
    headers = put_headers(shell, "--lock-mode", "GOVERNANCE", "--lock-until", "2099-01-31T00:00Z")
    assert headers["x-amz-object-lock-mode"] == "GOVERNANCE"
    assert headers["x-amz-object-lock-retain-until-date"].startswith("2099-01-31T00:00:00")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tag", "x"), "--tag 'x' is not of the form KEY=VALUE"),
        (("--header", "x"), "--header 'x' is not of the form NAME:VALUE"),
        (("--checksum", "crc99"), "crc99"),
        (("--sse-kms-key-id", "x"), "--sse-kms-key-id: allowed only with --sse='aws:kms'"),
        (tuple(f"--tag={number}=x" for number in range(11)), "--tag: an object has at most 10"),
        (("--lock-mode", "GOVERNANCE"), "--lock-until"),
        (("--lock-until", "soon"), "--lock-until 'soon'"),
        (("--no-clobber", "--if-match", "x"), "--no-clobber"),
        (("--storage-class", "golden"), "golden"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_an_invalid_value_is_rejected_by_the_name_of_the_option(
    shell: Shell, options: tuple[str, ...], message: str
) -> None:
    result = shell("put", *options, "-", "minio://bucket/x", stdin=b"x")
    assert result.status == 2
    assert message in result.err
    assert "ex_" not in result.err
    assert shell.names() == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--part-size", "0"),
        ("--storage-class", "golden"),
        ("--sse", "x"),
        ("--tag", f"{'x' * 129}=x"),
        ("--metadata", "a b=x"),
        ("--metadata", "a=x\ny"),
        ("--header", "a b: x"),
    ],
)
@pytest.mark.parametrize("command", ["put", "cp"])
def test_an_invalid_value_is_reported_once_for_all_objects(
    shell: Shell, tmp_path: Path, command: str, option: str, value: str
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name in ("a", "b", "c"):
        (files / name).write_bytes(b"x")
    source = str(files)
    if command == "cp":
        shell.ok("put", "--recursive", source, "s3://bucket/old/")
        source = "s3://bucket/old"
    result = shell(command, "--recursive", option, value, source, "s3://bucket/new/")
    assert result.status == 2
    assert len(result.err.splitlines()) == 1
    assert option in result.err
    assert not any(name.startswith("new/") for name in shell.names())


@pytest.mark.parametrize("name", ["ex_tags", "storage class"])
@pytest.mark.parametrize("command", ["put", "sync"])
def test_a_name_that_no_store_can_hold_does_not_stop_the_other_files(
    shell: Shell, tmp_path: Path, command: str, name: str
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for file in (b"a", name.encode() + b"\xff", b"z"):
        (files / os.fsdecode(file)).write_bytes(b"x")
    options = ["--recursive"] if command == "put" else []
    result = shell(command, *options, "--jobs", "1", str(files), "s3://bucket/")
    assert result.status == 1
    assert f"s3://bucket/{name}" in result.err
    assert "cannot be written as UTF-8" in result.err
    assert shell.names() == ["a", "z"]


def test_a_precondition_that_the_store_may_ignore_is_rejected(shell: Shell) -> None:
    result = shell("put", "--if-match", "etag", "-", "s3://bucket/x", stdin=b"x")
    assert result.status == 2
    assert "--if-match" in result.err and "not known to support conditional writes" in result.err
    assert "profile" not in result.err


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_no_clobber_works_with_and_without_preconditions(shell: Shell, scheme: str) -> None:
    for data, status in ((b"old", 0), (b"new", 1)):
        result = shell("put", "--no-clobber", "-", f"{scheme}://bucket/x", stdin=data)
        assert result.status == status
    assert "was not replaced" in result.err
    assert shell.body("x") == b"old"


def test_no_clobber_keeps_a_file_of_a_local_directory(shell: Shell, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/x"
    shell.ok("put", "-", url, stdin=b"old")
    assert shell("put", "--no-clobber", "-", url, stdin=b"new").status == 1
    assert (tmp_path / "x").read_bytes() == b"old"


def test_an_option_that_the_driver_does_not_support_is_rejected(
    shell: Shell, tmp_path: Path
) -> None:
    for options in (("--tag", "a=b"), ("--storage-class", "glacier"), ("--sse", "AES256")):
        result = shell("put", *options, "-", f"file://{tmp_path}/x", stdin=b"x")
        assert result.status == 2
        assert f"Local Storage does not support {options[0]}" in result.err
    assert not (tmp_path / "x").exists()


def test_a_customer_key_is_read_from_a_file_and_sent_over_https_only(
    shell: Shell, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    for command in (("put", "-", "s3://bucket/x"), ("get", "s3://bucket/x", "-")):
        key.write_bytes(b"k" * 32)
        result = shell(*command, "--sse-c-key", str(key), stdin=b"x")
        assert result.status == 2
        assert "--sse-c-key goes over https only" in result.err
        key.write_bytes(b"k" * 33)
        result = shell(*command, "--sse-c-key", str(key), stdin=b"x")
        assert result.status == 2
        assert f"{key} has 33 bytes; a key must have 32" in result.err
    assert "kkk" not in result.err


def test_a_download_sends_the_expected_bucket_owner(shell: Shell) -> None:
    shell.ok("put", "-q", "-", "s3://bucket/x", stdin=b"data")
    options = ("--bucket-owner", "123456789012")
    assert shell.ok("cat", *options, "s3://bucket/x").out == b"data"
    last = shell.fake.requests[-1]
    assert last.operation == "GetObject"
    assert last.headers["x-amz-expected-bucket-owner"] == "123456789012"


def test_a_kept_upload_can_be_resumed(shell: Shell) -> None:
    fake, parts = shell.fake, ("--part-size", "5MiB", "--window", "1")
    fake.faults.add("UploadPart", Status(403, "AccessDenied"), part=3)
    result = shell("put", *parts, "--keep", "-", "s3://bucket/x", stdin=LARGE)
    assert result.status == 4
    (upload_id,) = shell.unfinished()
    assert f"Resume it: libcloud put --resume '{upload_id}' ...; or remove them" in result.err
    before = fake.count("UploadPart")
    shell.ok("put", *parts, "--resume", upload_id, "-", "s3://bucket/x", stdin=LARGE)
    assert fake.count("UploadPart") - before == 2  # the third, and the fourth
    assert shell.body("x") == LARGE
    assert shell.unfinished() == []


def test_only_a_single_input_can_be_resumed(shell: Shell, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    result = shell("put", "--resume", "id", "-r", str(tmp_path), "s3://bucket/")
    assert result.status == 2
    assert "--resume can only be used with a single input" in result.err
