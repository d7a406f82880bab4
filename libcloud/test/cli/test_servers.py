# SPDX-License-Identifier: Apache-2.0
"""Uploads and downloads with servers of other projects."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("launch", [moto_server, rclone_server])
def test_the_commands_work_together(
    launch: Callable[[], AbstractContextManager[Endpoint]], tmp_path: Path
) -> None:
    data = pattern(12 * MIB + 1)
    with launch() as endpoint:
        shell = Shell(endpoint, tmp_path)
        shell.ok("mb", f"s3://{BUCKET}")
        shell.ok("put", "--part-size", "5MiB", "-", "s3://bucket/a/large", stdin=data)
        assert shell.ok("get", "s3://bucket/a/large", "-").out == data
        assert shell.ok("cat", "--range", "100-199", "s3://bucket/a/large").out == data[100:200]
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree" / "ünï code").write_bytes(data[:1000])
        (tmp_path / "tree" / "empty").write_bytes(b"")
        shell.ok("put", "-r", str(tmp_path / "tree"), "s3://bucket/b")
        shell.ok("cp", "s3://bucket/b/ünï code", "s3://bucket/c/copy")
        shell.ok("get", "-r", "s3://bucket/b", str(tmp_path / "back"))
        assert (tmp_path / "back" / "ünï code").read_bytes() == data[:1000]
        assert (tmp_path / "back" / "empty").read_bytes() == b""
        entries = shell.ok("ls", "-r", "--json", "s3://bucket").json
        assert {entry["name"]: entry["size"] for entry in entries} == {
            "a/large": len(data),
            "b/empty": 0,
            "b/ünï code": 1000,
            "c/copy": 1000,
        }
        shell.ok("doctor", "--write", "s3://bucket")
        assert shell("get", "s3://bucket/none", "-").status == 3
        assert shell.ok("uploads", "ls", "s3://bucket").out == b""
        shell.ok("rm", "-r", "s3://bucket")
        shell.ok("rb", "s3://bucket")
