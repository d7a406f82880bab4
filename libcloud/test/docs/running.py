# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of one page: one namespace, one directory, one server that checks."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fsspec.registry import _registry  # type: ignore[import-untyped]  # it has no types

from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.test.docs.pages import Block, commands, matches
from libcloud.test.storage.fakes.servers import Endpoint

# What the pages say of the store.
KEY, SECRET, PORT = "my-key", "my-secret", 9000
CONTAINERS = ("backups",)
_PATIENCE = 200

# Programs that the pages pipe from, or into: not those themselves, which are not installed.
_PROGRAMS = {
    "libcloud": f'exec {shlex.quote(sys.executable)} -m libcloud "$@"',
    "pg_dump": 'if [ "$1" = shop ]; then seq 1 3000000; else echo "pg_dump: no $1" >&2; exit 1; fi',
    "psql": "wc -l | tr -d ' '",
    "mysqldump": 'for name; do :; done; echo "CREATE TABLE orders; -- $name"',
}


@dataclass
class Session:
    """Somebody who reads a page, and types in what it says.

    :param home: an empty directory.
    """

    endpoint: Endpoint
    home: Path
    status: int = 0
    looked_at: bool = True
    variables: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, block: Block) -> None:
        """Run it, and compare what is printed with what the page says."""
        if block.language == "python":
            self._compare(block.line, block.output, self._python(block))
        for command in commands(block.text) if block.language == "console" else ():
            self._compare(block.line, command.output, self._shell(command.line))

    def finish(self) -> None:
        """The page has no more to say."""
        assert self.looked_at, f"the last command failed, with status {self.status}"

    def _python(self, block: Block) -> str:
        printed = io.StringIO()
        # Lines are those of the page, for tracebacks.
        source = "\n" * (block.line - 1) + self._here(block.text)
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "the page", "exec"), self.variables)
        return printed.getvalue()

    def _shell(self, line: str) -> str:
        """Run a command; ``$?`` is the status of the one before, and must be shown if not 0."""
        if line.startswith("export "):
            name, _, value = shlex.split(line)[1].partition("=")
            os.environ[name] = self._here(value)
            return ""
        assert self.looked_at or "$?" in line, f"failed with {self.status}, before {line}"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; (exit {self.status}); {self._here(line)}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
        )
        self.status, self.looked_at = done.returncode, done.returncode == 0
        return done.stdout.decode()

    def _here(self, text: str) -> str:
        """``text``, with the port of this server in place of the page's."""
        port = str(self.endpoint.port)
        return text.replace(f"port={PORT}", f"port={port}").replace(f":{PORT}", f":{port}")

    def _compare(self, line: int, said: str, printed: str) -> None:
        printed = printed.replace(f":{self.endpoint.port}", f":{PORT}")
        if not matches(said, printed):
            raise AssertionError(f"line {line}: the page says\n{said}\nand this came:\n{printed}")


@contextlib.contextmanager
def in_session(endpoint: Endpoint, home: Path) -> Iterator[Session]:
    """Read a page in a directory, and with variables, of one's own."""
    before, variables = Path.cwd(), dict(os.environ)
    programs, desk = home / "bin", home / "desk"
    for directory in (programs, desk):
        directory.mkdir()
    for name, script in _PROGRAMS.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    os.environ.update(_environment(endpoint, home, programs))
    os.chdir(desk)
    try:
        yield Session(endpoint, home)
    finally:
        # What a page tells fsspec holds for the page: it keeps file systems, and their servers.
        LibcloudFileSystem.clear_instance_cache()
        _registry.pop("s3", None)
        os.chdir(before)
        os.environ.clear()
        os.environ.update(variables)


def _environment(endpoint: Endpoint, home: Path, programs: Path) -> Mapping[str, str]:
    for name in [name for name in os.environ if name.startswith(("AWS_", "LIBCLOUD_"))]:
        del os.environ[name]
    return {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }
