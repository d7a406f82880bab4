# SPDX-License-Identifier: Apache-2.0
"""What a command loads before its first request: each module delays it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Prints which modules are loaded, and ends.
PROGRAM = """
import os, socket, sys

def connect(*_):
    print(*sys.modules, flush=True)
    os._exit(0)

socket.socket.connect = connect
from libcloud.__main__ import main
main()
"""

NEVER = {
    "argparse",
    "asyncio",
    "boto3",
    "botocore",
    "certifi",
    "configparser",
    "email.utils",
    "http.client",
    "importlib.resources",
    "json",
    "libcloud.cli.places",
    "libcloud.storage.azure",
    "libcloud.storage.drivers.local",
    "libcloud.storage.filesystem",
    "libcloud.storage.scaleout",
    "libcloud.storage.swift",
    "multiprocessing",
    "requests",
    "ssl",
    "tempfile",
    "urllib3",
    "xml.etree",
}
UPLOADS = {
    "libcloud.cli.meter",
    "libcloud.storage.s3.uploads",
    "libcloud.storage.transfer.progress",
    "libcloud.storage.transfer.upload",
}
DOWNLOADS = {"libcloud.storage.transfer.download", "libcloud.cli.reading", "libcloud.cli.programs"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "other"),
    [
        (["put", "--recursive", "files/", "s3://bucket/"], DOWNLOADS | {"lxml"}),
        (
            ["get", "--recursive", "s3://bucket/", "files/"],
            {"libcloud.storage.s3.uploads"},
        ),
        (["rm", "--recursive", "s3://bucket/"], UPLOADS | DOWNLOADS),
    ],
)
def test_a_command_loads_only_what_its_first_request_needs(
    arguments: list[str], other: set[str], tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one").touch()
    foreign = [name for name in os.environ if name.startswith("AWS_") or "CA_BUNDLE" in name]
    environ = {
        **{name: value for name, value in os.environ.items() if name not in foreign},
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "libcloud.http.fast_path" in loaded
    assert loaded & (NEVER | other) == set()


def test_the_program_completes_no_help_and_collects_garbage() -> None:
    program = """
import gc
from libcloud.__main__ import main
try:
    main()
except SystemExit:
    from libcloud.storage.base import StorageDriver
    print(gc.isenabled(), ":param" in StorageDriver.delete_object.__doc__)
"""
    command = [sys.executable, "-c", program, "--version"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split()[-2:] == ["True", "False"]
