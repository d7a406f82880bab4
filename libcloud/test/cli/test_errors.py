# SPDX-License-Identifier: Apache-2.0
"""Each error is one line that says what, where and what to do, and has its exit status."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from libcloud.cli.errors import error_line, exit_status
from libcloud.storage.capabilities import MIB
from libcloud.storage.transfer.client import RetryLoop
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Drop, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server
from libcloud.utils.staging import StagingFile

CASES = [
    (
        ("get", "s3://bucket/no", "-"),
        3,
        ["object 'no' does not exist", "status 404", "libcloud ls"],
    ),
    (("ls", "s3://absent"), 3, ["bucket 'absent' does not exist", "NoSuchBucket", "libcloud mb"]),
    (("put", "-", "s3://absent/x"), 3, ["bucket 'absent' does not exist", "404"]),
    (("mb", "s3://A"), 1, ["invalid bucket name 'A'", "InvalidBucketName"]),
    (("put", "/no/such/file", "s3://bucket/x"), 1, ["/no/such/file: No such file"]),
    (("put", "-", "s3://bucket/"), 2, ["no name", "s3://bucket/NAME"]),
    (("put", "-", "bucket/x"), 2, ["'bucket/x' is not a valid URL", "s3://"]),
    (("put", "/", "s3://bucket/"), 2, ["/ is a directory", "--recursive"]),
    (("put", "/no/such/file"), 2, ["missing URL"]),
    (("put", "s3://bucket/x"), 2, ["missing SOURCES"]),
    (("get", "s3://bucket"), 2, ["names no object", "--recursive"]),
    (("stat", "s3://"), 2, ["names no bucket"]),
    (("ls", "nobody://x"), 2, ["unknown provider 'nobody'", "minio"]),
    (("ls", "--endpoint-url", "nowhere", "s3://"), 2, ["the endpoint is not a valid URL: write"]),
    (
        ("ls", "--endpoint-url", "http://u:pw@h/", "s3://"),
        2,
        ["an endpoint must not contain credentials"],
    ),
    (("put", "--part-size", "x", "-", "s3://bucket/x"), 2, ["'x' is not a valid size"]),
    (("put", "--metadata", "x", "-", "s3://bucket/x"), 2, ["KEY=VALUE"]),
    (("ls", "--profile", "none", "s3://"), 2, ["no profile 'none'", "credentials"]),
    (("ls", "--no-sign-request", "gs://bucket"), 2, ["gs:// requires credentials"]),
    (("nothing",), 2, ["No such command 'nothing'", "libcloud --help"]),
    (("versionning", "s3://bucket"), 2, ["Did you mean 'versioning'?"]),
    (("upload", "x", "y"), 2, ["Did you mean 'put'? See libcloud --help"]),
    (("put", "s3://bucket/x", "x"), 2, ["s3://bucket/x is not a file", "use libcloud get"]),
    (("get", "x", "s3://bucket/x"), 2, ["'x' is not a valid URL", "use libcloud put"]),
    (
        ("get", "azure://c/x"),
        4,
        ["set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY\n"],
    ),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without delay."""
    monkeypatch.setattr(RetryLoop, "sleep", staticmethod(lambda _: None))


@pytest.mark.parametrize(("arguments", "status", "parts"), CASES, ids=lambda value: str(value)[:50])
def test_an_error_is_one_line(
    shell: Shell, arguments: tuple[str, ...], status: int, parts: list[str]
) -> None:
    result = shell(*arguments)
    assert result.status == status
    assert result.out == b""
    assert result.err.startswith("libcloud")
    assert result.err.count("\n") == 1
    for part in parts:
        assert part in result.err
    assert shell.endpoint.secret not in result.err


@pytest.mark.parametrize(
    ("name", "value", "status", "parts"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong-secret", 4, ["SignatureDoesNotMatch", "does not match"]),
        ("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODY", 4, ["InvalidAccessKeyId"]),
        (
            *("AWS_ACCESS_KEY_ID", None, 4),
            ["AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not", "--profile"],
        ),
        (
            *("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 5),
            ["cannot connect to 127.0.0.1:1: Connection refused", "libcloud doctor"],
        ),
        ("AWS_ENDPOINT_URL", "http://none.invalid", 5, ["host none.invalid not found"]),
        ("HTTP_PROXY", "http://127.0.0.1:1", 5, ["the proxy for ", "Check HTTPS_PROXY"]),
        ("AWS_CA_BUNDLE", "/no.pem", 2, ["the variable AWS_CA_BUNDLE names /no.pem"]),
    ],
)
def test_an_error_of_the_environment_names_its_cause(
    shell: Shell, name: str, value: str | None, status: int, parts: list[str]
) -> None:
    variables: dict[str, Any] = {name: value}
    result = shell("ls", "s3://bucket", **variables)
    assert result.status == status
    for part in parts:
        assert part in result.err
    assert "wrong-secret" not in result.err and "HTTPConnection" not in result.err


def test_https_to_an_http_server_is_reported(shell: Shell) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = server.server_address[1]
        result = shell("ls", "--endpoint-url", f"https://127.0.0.1:{port}", "s3://bucket")
        server.shutdown()
    assert result.status == 5
    assert f"127.0.0.1:{port} does not use https. Use http://" in result.err


@pytest.mark.slow
def test_an_untrusted_certificate_is_reported_with_a_hint(shell: Shell) -> None:
    with fake_server(replace(AMAZON, tls=True)) as endpoint:
        result = Shell(endpoint, shell.home)("ls", "s3://bucket")
    assert result.status == 5
    assert f"the certificate of 127.0.0.1:{endpoint.port} is not trusted: self" in result.err
    assert "SSL_CERT_FILE" in result.err
    assert "AWS_CA_BUNDLE" in result.err


def test_a_lost_connection_is_reported_in_words(shell: Shell) -> None:
    shell.fake.faults.add("ListObjects", Drop(), times=None)
    result = shell("ls", "s3://bucket")
    assert result.status == 5
    assert f"the connection to 127.0.0.1:{shell.endpoint.port} was lost: " in result.err
    assert "Try again" in result.err
    assert "('" not in result.err


def test_a_taken_bucket_name_is_reported(shell: Shell) -> None:
    with fake_server(replace(AMAZON, foreign_buckets=frozenset({"theirs"}))) as endpoint:
        result = Shell(endpoint, shell.home)("mb", "s3://theirs")
    assert result.status == 1
    assert "the bucket name 'theirs' is taken (status 409, BucketAlreadyExists" in result.err


def test_suggested_commands_can_be_pasted(shell: Shell, tmp_path: Path) -> None:
    assert "Create it: libcloud mb s3://absent; or" in shell("ls", "s3://absent/x").err
    assert "libcloud ls s3://bucket\n" in shell("cat", "s3://bucket/x").err
    shell.ok("put", "-q", "-", "s3://bucket/x", stdin=b"x")
    assert "libcloud rm --recursive s3://bucket;" in shell("rb", "s3://bucket").err
    (tmp_path / "a b").mkdir()
    local = f"file://{tmp_path}"
    assert f"use {local}/new/. See" in shell("mb", f"{local}/new").err
    assert f"Create it: libcloud mb {local}/new/\n" in shell("presign", f"{local}/new/x").err
    shell.ok("mb", f"{local}/new/")
    shell.ok("put", "-q", "-", f"{local}/new/x", stdin=b"x")
    assert f"libcloud rm --recursive {local}/new/\n" in shell("rb", f"{local}/new/").err
    assert f"{tmp_path}/absent" in shell("ls", f"{local}/absent/x/").err
    result = shell("cat", f"file://{tmp_path}/a b/x")
    assert f"libcloud ls 'file://{tmp_path}/a b/'\n" in result.err


def test_remaining_parts_are_reported_after_the_error(shell: Shell) -> None:
    faults = shell.fake.faults
    faults.add("UploadPart", Status(403, "AccessDenied"), times=None)
    faults.add("AbortMultipartUpload", Status(403, "AccessDenied"), times=None)
    result = shell("put", "-", "s3://bucket/x y", "--part-size", "5MiB", stdin=bytes(11 * MIB))
    assert result.status == 4
    error, left = result.err.splitlines()
    assert "AccessDenied" in error
    assert f"libcloud uploads abort 's3://bucket/x y' --id '{shell.unfinished()[0]}'" in left


def test_a_write_error_names_the_file_and_not_the_staging_file(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("put", "-q", "-", "s3://bucket/x", stdin=b"x")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(StagingFile, "write", full)
    result = shell("get", "s3://bucket/x", str(tmp_path / "x"))
    assert result.status == 1
    assert f"{tmp_path}/x: No space left on device. Free some space" in result.err
    assert [*tmp_path.glob("*x*")] == []


def test_the_region_of_the_bucket_is_detected(shell: Shell) -> None:
    result = shell("ls", "--region", "eu-west-1", "s3://bucket")
    assert (result.status, result.err) == (0, "")


def test_debug_prints_a_traceback_without_secrets(shell: Shell) -> None:
    result = shell("ls", "--debug", "s3://absent")
    assert "Traceback (most recent call last)" in result.err
    assert "ContainerDoesNotExistError" in result.err
    assert shell.endpoint.secret not in result.err


def test_a_secret_is_redacted_wherever_it_comes_from(shell: Shell) -> None:
    secret = shell.endpoint.secret
    result = shell("get", f"s3://bucket/{secret}", "-")
    assert result.status == 3
    assert secret not in result.err
    assert "(hidden)" in result.err


def test_control_characters_of_a_name_do_not_reach_the_terminal(shell: Shell) -> None:
    result = shell("get", "s3://bucket/\x1b[2Jx\n", "-")
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1


def test_objects_that_cannot_be_deleted_are_reported(shell: Shell) -> None:
    options = replace(AMAZON, undeletable=frozenset({"d/b"}))
    with fake_server(options) as endpoint:
        other = Shell(endpoint, shell.home)
        other.driver.create_container(BUCKET)
        for name in ("d/a", "d/b", "d/c"):
            other.ok("put", "-q", "-", f"s3://bucket/{name}", stdin=b"x")
        result = other("rm", "-r", "s3://bucket/d")
        assert result.status == 1
        assert result.lines == ["deleted s3://bucket/d/a", "deleted s3://bucket/d/c"]
        assert "s3://bucket/d/b" in result.err and "AccessDenied" in result.err
        assert other.names() == ["d/b"]


def test_a_token_with_a_line_break_at_its_end_works(shell: Shell) -> None:
    result = shell("ls", "s3://bucket", AWS_ACCESS_KEY_ID=f"{shell.endpoint.key}\n")
    assert result.status == 0


@pytest.mark.parametrize("command", [("ls", "s3://bucket"), ("doctor", "s3://bucket")])
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_malformed_credentials_are_not_shown(
    shell: Shell, command: tuple[str, ...], name: str
) -> None:
    variables: dict[str, Any] = {name: "hush\nhush"}
    result = shell(*command, **variables)
    assert result.status == 4
    shown = result.err + result.out.decode()
    assert "hush" not in shown
    assert "contains a line break" in shown and "the variables AWS_ACCESS_KEY_ID" in shown


@pytest.mark.parametrize("command", [("ls", "gs://bucket"), ("doctor", "gs://bucket")])
def test_aws_keys_are_not_sent_to_google(shell: Shell, command: tuple[str, ...]) -> None:
    result = shell(*command, AWS_ACCESS_KEY_ID="AKIAEXAMPLE")
    shown = result.err + result.out.decode()
    assert result.status == 4
    assert "GS_ACCESS_KEY_ID" in shown and "GOOGLE_APPLICATION_CREDENTIALS" in shown
    assert "accounts.google.com" not in shown and "set AWS_" not in shown
    without = shell(*command, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert without.status == 4
    assert "GS_ACCESS_KEY_ID" in without.err + without.out.decode()


def test_opening_decides_whether_a_file_can_be_read(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, an unreadable file would be an invalid command line, and stop all others."""
    (tmp_path / "file").write_bytes(b"data")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    shell.ok("put", str(tmp_path / "file"), "s3://bucket/")
    assert shell.body("file") == b"data"


def test_an_unreadable_profile_file_that_is_not_needed_is_a_warning(shell: Shell) -> None:
    (shell.home / ".aws" / "config").mkdir(parents=True)
    shell.ok("ls", "s3://bucket")
    result = shell.ok("doctor", "s3://bucket")
    assert "WARN" in result.out.decode() and "cannot be read" in result.out.decode()
    result = shell("ls", "s3://bucket", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert result.status == 4
    assert "config cannot be read" in result.err


def test_a_network_error_of_another_library_has_its_own_words() -> None:
    class NetworkError(Exception):
        pass

    error = NetworkError("the line is dead")
    assert (error_line(error), exit_status(error)) == ("the line is dead", 1)
