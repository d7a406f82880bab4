# SPDX-License-Identifier: Apache-2.0
"""Runs the command: in this process for what it says, in its own for how it behaves."""

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
from libcloud.test.storage.fakes.servers import Endpoint

__all__ = ["BUCKET", "Result", "Shell", "Terminal", "environment", "terminal"]

BUCKET = "bucket"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Result:
    """What a run of the command left."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """Of standard output."""
        return self.out.decode().splitlines()

    @property
    def json(self) -> list[Any]:
        """The JSON document on each line of standard output."""
        return [json.loads(line) for line in self.lines]


def environment(endpoint: Endpoint, home: Path) -> dict[str, str]:
    """The variables of somebody who uses ``endpoint``, and none that are set by chance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
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

        :param variables: of the environment; ``None`` takes one away.
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
        """The same; it must go well."""
        result = self(*arguments, stdin=stdin, **variables)
        assert result.status == 0, result.err
        return result

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Run the command in a process of its own."""
        variables = {**environment(self.endpoint, self.home), **self.more}
        return subprocess.Popen(command(*arguments), env=variables, **options)

    @property
    def driver(self) -> S3StorageDriver:
        """A driver, to look at the store beside the command."""
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
        """What the store holds."""
        return b"".join(self.driver.get_container(BUCKET).get_object(name).as_stream())

    def names(self) -> list[str]:
        """All objects."""
        return sorted(obj.name for obj in self.driver.get_container(BUCKET).iterate_objects())

    def unfinished(self) -> list[str]:
        """Ids of unfinished uploads."""
        container = self.driver.get_container(BUCKET)
        return [upload.id for upload in self.driver.ex_iterate_multipart_uploads(container)]


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "libcloud", *arguments]


@dataclass
class Terminal:
    """A terminal that a process runs in, and all that was written to it."""

    process: subprocess.Popen[bytes]
    file: int
    text: str = ""

    def read_until(self, wanted: str) -> None:
        """Wait until ``wanted`` was written."""
        deadline = time.monotonic() + _PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"{wanted!r} did not come: {self.text!r}"
            if not self._read():
                assert wanted in self.text, self.text
                return

    def finish(self) -> int:
        """Wait for the end; the exit status."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE)

    def press(self, keys: str) -> None:
        """As somebody at the keyboard."""
        os.write(self.file, keys.encode())

    def drawn(self) -> Iterator[str]:
        """The lines that were drawn over each other, and those that stayed."""
        for line in self.text.replace("\x1b[K", "").replace("\n", "\r").split("\r"):
            if line:
                yield line

    def _read(self) -> bool:
        if not select.select([self.file], [], [], _PATIENCE)[0]:
            raise AssertionError(f"silence after {self.text!r}")
        try:
            piece = os.read(self.file, 65536)
        except OSError:  # what Linux says when the other side is closed
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
) -> Iterator[Terminal]:
    """The command in a terminal of its own, which Ctrl-C can be pressed in.

    :param stdin: a file descriptor in place of the terminal.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        # A session of its own, whose terminal this is: so that it gets the signals of the keys.
        [sys.executable, "-c", _IN_TERMINAL, os.ttyname(theirs), *command(*arguments)],
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
