# SPDX-License-Identifier: Apache-2.0
"""Runs the command: in this process to test its output, in its own to test its behaviour."""

from __future__ import annotations

import json
import os
import pty
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Any

from click.testing import CliRunner

from libcloud.cli.main import main
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.fakes.servers import Endpoint

BUCKET = "bucket"
_PATIENCE = 60.0
_PATIENT = f"""
from libcloud.cli import signals
signals._PATIENCE = {_PATIENCE}
from libcloud.__main__ import main
main()
"""


@dataclass(frozen=True)
class Result:
    """Exit status and output of a command."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.decode().splitlines()

    @property
    def json(self) -> list[Any]:
        """The JSON document on each line of standard output."""
        return [json.loads(line) for line in self.lines]


def environment(endpoint: Endpoint, home: Path) -> dict[str, str]:
    """The environment variables for ``endpoint``, without those of the developer."""
    unset = ("AWS_", "NO_COLOR", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    return {
        **kept,
        "HOME": str(home),
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
        "AWS_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TERM": "xterm",
    }


@dataclass(frozen=True)
class Shell:
    """Runs commands for one server."""

    endpoint: Endpoint
    home: Path
    more: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: bytes = b"", **variables: str | None) -> Result:
        """Run the command in this process.

        :param variables: environment variables to set; ``None`` removes one.
        """
        values: dict[str, str | None] = {name: None for name in os.environ if "AWS_" in name}
        values.update(environment(self.endpoint, self.home))
        values.update(self.more)
        values.update(variables)
        with CliRunner().isolation(input=stdin, env=values) as (out, err, _):
            status = main(list(arguments))
            sys.stdout.flush()
            sys.stderr.flush()
            return Result(status, out.getvalue(), err.getvalue().decode())

    def ok(self, *arguments: str, stdin: bytes = b"", **variables: str | None) -> Result:
        """Run the command, which must succeed."""
        result = self(*arguments, stdin=stdin, **variables)
        assert result.status == 0, result.err
        return result

    def start(
        self, *arguments: str, patient: bool = False, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Run the command in a process of its own.

        :param patient: a signal ends no request, however long it takes on a busy machine.
        """
        variables = {**environment(self.endpoint, self.home), **self.more}
        line = [sys.executable, "-c", _PATIENT, *arguments] if patient else command(*arguments)
        return subprocess.Popen(line, env=variables, **options)

    @property
    def fake(self) -> FakeS3:
        """The server, to inspect its requests and to let them fail."""
        assert self.endpoint.fake is not None
        return self.endpoint.fake

    @property
    def driver(self) -> S3StorageDriver:
        """A driver, to inspect the store."""
        server = self.endpoint
        return S3StorageDriver(
            server.key,
            server.secret,
            secure=False,
            host=server.host,
            port=server.port,
            region=server.region,
        )

    def body(self, name: str) -> bytes:
        """The content of an object."""
        return b"".join(self.driver.get_container(BUCKET).get_object(name).as_stream())

    def names(self) -> list[str]:
        """The keys of all objects."""
        return sorted(obj.name for obj in self.driver.get_container(BUCKET).iterate_objects())

    def unfinished(self) -> list[str]:
        """Ids of in-progress uploads."""
        container = self.driver.get_container(BUCKET)
        return [upload.id for upload in self.driver.ex_iterate_multipart_uploads(container)]


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "libcloud", *arguments]


@dataclass
class Terminal:
    """A terminal that a process runs in, and its output."""

    process: subprocess.Popen[bytes]
    file: int
    text: str = ""

    def read_until(self, wanted: str) -> None:
        """Wait for the output ``wanted``."""
        deadline = time.monotonic() + _PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"{wanted!r} did not come: {self.text!r}"
            if not self._read():
                assert wanted in self.text, self.text
                return

    def finish(self) -> int:
        """Wait for the process to end; return its exit status."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE)

    def press(self, keys: str) -> None:
        """Type ``keys``."""
        os.write(self.file, keys.encode())

    def drawn(self) -> Iterator[str]:
        """All lines, including those that were overwritten."""
        for line in self.text.replace("\x1b[K", "").replace("\n", "\r").split("\r"):
            if line:
                yield line

    def _read(self) -> bool:
        if not select.select([self.file], [], [], _PATIENCE)[0]:
            raise AssertionError(f"silence after {self.text!r}")
        try:
            piece = os.read(self.file, 65536)
        except OSError:  # raised by Linux when the other end is closed
            return False
        self.text += piece.decode(errors="replace")
        return bool(piece)


@contextmanager
def terminal(
    arguments: list[str],
    variables: Mapping[str, str],
    *,
    columns: int = 80,
    stdin: int | None = None,
    program: list[str] | None = None,
) -> Iterator[Terminal]:
    """Run the command in a terminal.

    :param program: to run instead of the command.
    :param stdin: a file descriptor to use instead of the terminal.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        # A new session with this controlling terminal, so that Ctrl-C sends a signal.
        [sys.executable, "-c", _IN_TERMINAL, os.ttyname(theirs), *(program or command(*arguments))],
        stdin=theirs if stdin is None else stdin,
        stdout=theirs,
        stderr=theirs,
        env=dict(variables),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


_IN_TERMINAL = (
    "import fcntl, os, sys, termios; "
    "fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)
