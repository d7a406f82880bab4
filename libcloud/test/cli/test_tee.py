# SPDX-License-Identifier: Apache-2.0
"""``libcloud tee``: what it passes on and what it stores, whatever fails."""

from __future__ import annotations

import subprocess

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Status

URL = "s3://bucket/x"
PARTS = ("--part-size", "5MiB", "--window", "1")


@pytest.mark.parametrize("content", [b"", b"data\n\x00\xff"])
def test_the_input_is_stored_and_passed_on(shell: Shell, content: bytes) -> None:
    result = shell.ok("tee", "-q", URL, stdin=content)
    assert result.out == content
    assert shell.body("x") == content


def test_options_of_uploads_apply(shell: Shell) -> None:
    shell.ok("tee", "-q", "--metadata", "who=me", "--tag", "a=1", URL, stdin=b"x")
    assert shell.ok("stat", "--json", URL).json[0]["metadata"] == {"who": "me"}
    assert shell.ok("tags", URL).lines == ["a=1"]
    assert shell("tee", "--fail-on-empty", "s3://bucket/y").status == 6
    assert shell.names() == ["x"]


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/directory/", "file"])
def test_a_url_without_a_name_is_a_usage_error(shell: Shell, url: str) -> None:
    result = shell("tee", url, stdin=b"x")
    assert (result.status, result.out) == (2, b"")


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
def test_a_failed_upload_is_an_error_and_stores_nothing(shell: Shell, operation: str) -> None:
    fake = shell.fake
    assert fake is not None
    fake.faults.add(operation, Status(403, "AccessDenied"), times=None)
    data = pattern(11 * MIB)
    result = shell("tee", *PARTS, URL, stdin=data)
    assert result.status == 4
    assert data.startswith(result.out)
    assert shell.names() == []
    assert not fake.unfinished_uploads()


@pytest.mark.slow
@pytest.mark.parametrize("ignored", [True, False])
def test_a_reader_that_closes_the_output(shell: Shell, ignored: bool) -> None:
    data = pattern(11 * MIB)
    option = ["-p"] if ignored else []
    tee = shell.start("tee", *PARTS, *option, URL, stdin=-1, stdout=-1, stderr=-1)
    assert tee.stdin is not None and tee.stdout is not None
    reader = subprocess.Popen(["head", "-c", "10"], stdin=tee.stdout, stdout=-1)
    tee.stdout.close()
    tee.stdout = None
    _, errors = tee.communicate(data)
    first, _ = reader.communicate()
    assert first == data[:10]
    fake = shell.fake
    assert fake is not None
    if ignored:
        assert (tee.returncode, errors) == (0, b"")
        assert shell.body("x") == data
    else:
        assert tee.returncode == 141
        assert shell.names() == []
    assert not fake.unfinished_uploads()
