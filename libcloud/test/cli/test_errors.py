# SPDX-License-Identifier: Apache-2.0
"""Each failure is one line that says what, where and what to do, and has its exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server

CASES = [
    (("get", "s3://bucket/no", "-"), 3, ["no object 'no'", "status 404", "libcloud ls"]),
    (("ls", "s3://absent"), 3, ["no container 'absent'", "NoSuchBucket", "libcloud mb"]),
    (("put", "-", "s3://absent/x"), 3, ["no container 'absent'", "404"]),
    (("mb", "s3://A"), 1, ["no container can be called 'A'", "InvalidBucketName"]),
    (("put", "/no/such/file", "s3://bucket/x"), 1, ["/no/such/file: No such file"]),
    (("put", "-", "s3://bucket/"), 2, ["no name", "s3://bucket/NAME"]),
    (("put", "-", "bucket/x"), 2, ["'bucket/x' is no URL", "s3://"]),
    (("put", "/", "s3://bucket/"), 2, ["/ is a directory", "--recursive"]),
    (("get", "s3://bucket"), 2, ["names no object"]),
    (("get", "s3://bucket/x", "s3://bucket/y"), 2, ["libcloud cp"]),
    (("ls", "nobody://x"), 2, ["no provider 'nobody'", "minio"]),
    (("ls", "--endpoint-url", "nowhere", "s3://"), 2, ["'nowhere' is no endpoint"]),
    (("ls", "--endpoint-url", "http://u:pw@h/", "s3://"), 2, ["h: an endpoint has a host"]),
    (("put", "--part-size", "x", "-", "s3://bucket/x"), 2, ["'x' is no size"]),
    (("put", "--metadata", "x", "-", "s3://bucket/x"), 2, ["KEY=VALUE"]),
    (("ls", "--profile", "none", "s3://"), 2, ["no profile 'none'", "credentials"]),
    (("nothing",), 2, ["No such command 'nothing'", "libcloud --help"]),
]


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


def test_a_wrong_secret_is_told(shell: Shell) -> None:
    result = shell("ls", "s3://bucket", AWS_SECRET_ACCESS_KEY="wrong-secret-wrong")
    assert result.status == 4
    assert "SignatureDoesNotMatch" in result.err
    assert "The secret does not belong to the key" in result.err
    assert "wrong-secret-wrong" not in result.err


def test_an_unknown_key_is_told(shell: Shell) -> None:
    result = shell("ls", "s3://bucket", AWS_ACCESS_KEY_ID="AKIANOBODYNOBODY")
    assert result.status == 4
    assert "InvalidAccessKeyId" in result.err


def test_without_credentials_it_is_told_where_they_can_be(shell: Shell) -> None:
    result = shell("ls", "s3://", AWS_ACCESS_KEY_ID=None)
    assert result.status == 4
    assert "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not" in result.err
    assert "--profile" in result.err


def test_a_store_that_is_not_there(shell: Shell) -> None:
    result = shell("ls", "s3://bucket", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert result.status == 5
    assert "Connection refused" in result.err
    assert "libcloud doctor" in result.err


def test_another_region_is_named(shell: Shell) -> None:
    result = shell("ls", "--region", "eu-west-1", "s3://bucket")
    assert result.status == 1
    assert "--region us-east-1" in result.err


def test_the_traceback_is_shown_when_asked_for_and_holds_no_secret(shell: Shell) -> None:
    result = shell("ls", "--debug", "s3://absent")
    assert "Traceback (most recent call last)" in result.err
    assert "ContainerDoesNotExistError" in result.err
    assert shell.endpoint.secret not in result.err


def test_a_secret_is_hidden_wherever_it_comes_from(shell: Shell) -> None:
    secret = shell.endpoint.secret
    result = shell("get", f"s3://bucket/{secret}", "-")
    assert result.status == 3
    assert secret not in result.err
    assert "(hidden)" in result.err


def test_control_characters_of_a_name_do_not_reach_the_terminal(shell: Shell) -> None:
    result = shell("get", "s3://bucket/\x1b[2Jx\n", "-")
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1


def test_objects_that_cannot_be_deleted_are_named(shell: Shell) -> None:
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
