# SPDX-License-Identifier: Apache-2.0
"""Control characters from a store are escaped: in names, times, ids and messages."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest import mock

import click
import pytest

from libcloud.cli import buckets, listing, main
from libcloud.cli.progress import print_stderr
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.faults import Status

RED = "\x1b[31m"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_names_times_and_values_are_escaped_on_a_terminal() -> None:
    entry = listing._Entry(f"name{RED}", 1, f"time{RED}\r")
    with redirect_stdout(Screen()):
        line = listing._as_line(entry, human=False)
        facts = [*map(listing.escaped, (f"n{RED}", f"v{RED}"))]
    assert RED not in line and "\r" not in line
    assert line.count(r"\x1b[31m") == 2
    assert facts == [r"n\x1b[31m", r"v\x1b[31m"]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", b"\xc3\xa9\xe4\xb8\xad\xff"), ("latin-1", b"\xe9\\u4e2d\\udcff")],
)
def test_names_are_written_in_any_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: bytes
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    main._allow_undecodable_names()
    sys.stdout.write("é中\udcff")
    sys.stdout.flush()
    assert written.getvalue() == expected


def test_names_of_properties_are_escaped_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "open_store", lambda *_: mock.MagicMock())
    facts = {"metadata": {f"k{RED}": f"v{RED}"}}
    monkeypatch.setattr(listing, "facts_of_object", lambda *_: facts)
    stat: Any = listing.stat.callback
    with redirect_stdout(Screen()) as shown, click.Context(listing.stat):
        stat(url="s3://bucket/x", version_id=None, as_json=False)
    assert shown.getvalue() == "metadata.k\\x1b[31m: v\\x1b[31m\n"


def test_names_are_written_unchanged_into_a_pipe(shell: Shell) -> None:
    shell.ok("put", "-", f"s3://bucket/a{RED}b", stdin=b"abc")
    assert f"  a{RED}b\n".encode() in shell.ok("ls", "s3://bucket").out


def test_upload_ids_are_escaped() -> None:
    line = buckets._line({"name": f"n{RED}", "id": f"i{RED}", "created_at": f"b{RED}"})
    assert RED not in line and line.count(r"\x1b[31m") == 3


def test_every_message_is_escaped() -> None:
    with redirect_stderr(Screen()) as screen:
        print_stderr(f"parts are left in upload {RED}")
    assert screen.getvalue() == "parts are left in upload \\x1b[31m\n"


def test_the_message_of_a_store_is_escaped_in_a_traceback(shell: Shell) -> None:
    refusal = Status(403, f"Denied{RED}")
    for arguments in (("ls",), ("ls", "--debug")):
        shell.fake.faults.add("ListObjects", refusal, times=None)
        result = shell(*arguments, "s3://bucket")
        assert result.status == 4
        assert "\x1b" not in result.err
