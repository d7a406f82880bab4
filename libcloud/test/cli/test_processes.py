# SPDX-License-Identifier: Apache-2.0
"""The command in a process of its own: pipes, signals, terminals, memory and imports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from libcloud.cli.main import COMMANDS
from libcloud.cli.text import width
from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import BUCKET, Shell, command, environment, terminal
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Hold
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server

pytestmark = pytest.mark.slow

LARGE = pattern(12 * MIB + 1)
PARTS = ("--part-size", "5MiB", "--window", "1")


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, closed afterwards."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def last_part_held(shell: Shell) -> Hold:
    """The third part waits until it is released."""
    hold = Hold("before")
    shell.fake.faults.add("UploadPart", hold, part=3)
    return hold


def test_data_is_piped_in_and_out(shell: Shell) -> None:
    put = shell.start("put", *PARTS, "-", "s3://bucket/x", stdin=-1, stdout=-1, stderr=-1)
    out, err = put.communicate(LARGE)
    assert (put.returncode, out) == (0, b"")
    # Without a terminal: one line at the end.
    assert re.fullmatch(rb"stored s3://bucket/x: 12\.0 MiB in 3 parts, .*/s\n", err)
    cat = shell.start("cat", "s3://bucket/x", stdin=-1, stdout=-1, stderr=-1)
    assert cat.communicate() == (LARGE, b"")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_aborts_the_upload(shell: Shell, number: int, status: int) -> None:
    options = ["put", *PARTS, "--json-progress", "-", "s3://bucket/x"]
    put = shell.start(*options, patient=True, stdin=-1, stderr=-1)
    assert put.stdin is not None and put.stderr is not None
    put.stdin.write(LARGE[: 11 * MIB])
    put.stdin.flush()
    # One part is stored, and the command waits for more input, or is about to.
    first = put.stderr.readline()
    assert b'"parts": 1' in first
    put.send_signal(number)
    # A signal that arrives just before the command reads does not interrupt the read.
    put.stdin.close()
    rest = put.stderr.read()
    assert put.wait(60) == status
    assert b"libcloud: interrupted" in rest
    assert b"nothing was stored, no parts remain" in rest
    assert b"Traceback" not in rest
    assert shell.names() == []
    assert shell.unfinished() == []


def test_an_interrupt_at_the_end_leaves_the_outcome_open(shell: Shell) -> None:
    hold = Hold("before")
    shell.fake.faults.add("PutObject", hold)
    put = shell.start("put", "-", "s3://bucket/x", patient=True, stdin=-1, stderr=-1)
    assert put.stdin is not None and put.stderr is not None
    put.stdin.write(b"small")
    put.stdin.close()
    assert hold.reached.wait(60)
    put.send_signal(signal.SIGINT)
    assert put.stderr.readline() == b"libcloud: interrupted\n"
    hold.release.set()
    rest = put.stderr.read()
    assert put.wait(60) == 130
    assert b"nothing was stored" not in rest and b"libcloud stat" in rest
    assert shell.names() == ["x"]


def test_a_file_without_a_size_is_read_to_its_end(shell: Shell) -> None:
    put = shell.start("put", "/proc/self/status", "s3://bucket/x", stderr=-1)
    assert put.communicate()[1].startswith(b"stored")
    assert shell.body("x").startswith(b"Name:")


def test_an_interrupted_download_is_reported(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=LARGE)
    # The output is not read, so the command blocks while it writes.
    get = shell.start("get", "s3://bucket/x", "-", stdin=-1, stdout=-1, stderr=-1)
    assert get.stdout is not None
    get.stdout.read(1)
    get.send_signal(signal.SIGINT)
    _, err = get.communicate()
    assert get.returncode == 130
    assert err == b"libcloud: interrupted\n"


def test_a_closed_pipe_prints_no_error(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=LARGE)
    cat = shell.start("cat", "s3://bucket/x", stdin=-1, stdout=-1, stderr=-1)
    assert cat.stdout is not None and cat.stderr is not None
    assert cat.stdout.read(10) == LARGE[:10]
    cat.stdout.close()
    assert cat.wait(60) == 141
    assert cat.stderr.read() == b""


@pytest.mark.slow
def test_closed_standard_streams_fail_only_those_who_use_them(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")

    def run(redirection: str, *arguments: str) -> tuple[int, bytes]:
        script = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *command(*arguments)]
        variables = environment(shell.endpoint, shell.home)
        done = subprocess.run(script, env=variables, stderr=-1, timeout=60, check=False)
        return done.returncode, done.stderr

    file = str(tmp_path / "file")
    assert run("<&- >&- 2>&-", "put", file, "s3://bucket/x") == (0, b"")
    assert shell.body("x") == b"data"
    for redirection, *arguments in (
        (">&-", "cat", "s3://bucket/x"),
        (">&-", "ls", "s3://bucket"),
        ("<&-", "put", "-", "s3://bucket/y"),
    ):
        status, err = run(redirection, *arguments)
        assert (status, err.count(b"\n")) == (1, 1)
        assert err.endswith(b"Bad file descriptor\n")
    assert shell.names() == ["x"]


def test_a_full_disk_is_reported(shell: Shell) -> None:
    with open("/dev/full", "wb") as full:
        ls = shell.start("ls", "s3://", stdout=full, stderr=-1)
        _, err = ls.communicate()
    assert ls.returncode == 1
    assert b"No space left on device" in err


def test_expect_size_detects_a_failed_producer(shell: Shell) -> None:
    producer = subprocess.Popen(
        [sys.executable, "-c", "import os; os.write(1, b'half'); os._exit(3)"], stdout=-1
    )
    options = ["--expect-size", "8", "-", "s3://bucket/x"]
    put = shell.start("put", *options, stdin=producer.stdout, stderr=-1)
    _, err = put.communicate()
    assert producer.wait() == 3
    assert put.returncode == 6
    assert b"did the producing command fail?" in err
    assert shell.names() == []


def test_a_bar_is_drawn_on_a_terminal_and_only_there(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    arguments = ["put", *PARTS, str(tmp_path / "large"), "s3://bucket/x"]
    hold = last_part_held(shell)
    with terminal(arguments, environment(shell.endpoint, shell.home)) as tty:
        tty.read_until("99%")
        hold.release.set()
        assert tty.finish() == 0
    assert "%" in tty.text and "█" in tty.text and "ETA" in tty.text
    last = [*tty.drawn()][-1]
    assert last.startswith("stored s3://bucket/x: 12.0 MiB in 3 parts")
    dumb = {**environment(shell.endpoint, shell.home), "TERM": "dumb"}
    with terminal(arguments, dumb) as tty:
        assert tty.finish() == 0
    assert "\x1b" not in tty.text and "%" not in tty.text


@pytest.mark.parametrize("columns", [8, 20, 40, 80])
def test_the_bar_fits_the_terminal(shell: Shell, tmp_path: Path, columns: int) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    arguments = ["put", *PARTS, str(tmp_path / "large"), "s3://bucket/x"]
    variables = environment(shell.endpoint, shell.home)
    hold = last_part_held(shell)
    with terminal(arguments, variables, columns=columns) as tty:
        tty.read_until("99%")
        hold.release.set()
        assert tty.finish() == 0
    drawn = [line for line in tty.drawn() if not line.startswith("stored")]
    assert drawn
    assert max(map(width, drawn)) < columns


def test_ctrl_c_in_a_terminal(shell: Shell) -> None:
    variables = environment(shell.endpoint, shell.home)
    with pipe() as (output, source):
        arguments = ["put", *PARTS, "-", "s3://bucket/x"]
        with terminal(arguments, variables, stdin=output) as tty:
            os.write(source, b"x" * 60_000)
            tty.read_until("s3://bucket/x")
            tty.press("\x03")
            assert tty.finish() == 130
    assert "libcloud: interrupted" in tty.text
    assert "nothing was stored" in tty.text
    assert shell.names() == []


def test_no_bar_is_drawn_when_data_goes_to_the_terminal(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"line\n" * 10)
    arguments = ["cat", "s3://bucket/x"]
    with terminal(arguments, environment(shell.endpoint, shell.home)) as tty:
        assert tty.finish() == 0
    assert tty.text == "line\r\n" * 10


def test_a_stream_is_uploaded_in_bounded_memory(tmp_path: Path) -> None:
    size = 400 * MIB
    # The kernel's peak for a child process starts at the size of its parent, so the command reads
    # its own peak.
    code = (
        "import re, sys; from libcloud.cli.main import main\n"
        "assert main(['put', '-q', '-', 's3://bucket/x']) == 0\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    source = f"import os\nfor _ in range({size // MIB}): os.write(1, bytes({MIB}))"
    with fake_server(replace(AMAZON, keep_bodies=False)) as endpoint:
        shell = Shell(endpoint, tmp_path)
        shell.driver.create_container(BUCKET)
        with subprocess.Popen([sys.executable, "-c", source], stdout=-1) as producer:
            put = subprocess.run(
                [sys.executable, "-c", code],
                stdin=producer.stdout,
                stdout=-1,
                env=environment(endpoint, tmp_path),
                check=True,
            )
        assert next(iter(shell.driver.get_container(BUCKET).iterate_objects())).size == size
    assert 20 * MIB < int(put.stdout) * 1024 < 200 * MIB


def test_commands_that_need_no_store_do_not_import_http() -> None:
    commands = [[], ["put"], ["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)]
    code = (
        "import sys; from libcloud.cli.main import main\n"
        f"for arguments in {commands!r}:\n"
        "    main(arguments)\n"
        "    loaded = {'requests', 'urllib3', 'lxml'} & set(sys.modules)\n"
        "    assert not loaded, (arguments, loaded)\n"
    )
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)


def test_without_click_the_message_names_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name == 'click' else find(name, *more); "
        "from libcloud.__main__ import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert result.returncode == 1
    assert b"libcloud-storage[cli]" in result.stderr


def test_a_shell_completes(tmp_path: Path) -> None:
    variables = {
        **os.environ,
        "_LIBCLOUD_COMPLETE": "bash",
        "COMP_LINE": "libcloud upl",
        "COMP_POINT": "12",
    }
    result = subprocess.run(command(), env=variables, capture_output=True)
    assert result.stdout.startswith(b"whole\tuploads\t") and result.stdout.count(b"\n") == 1
    variables["_LIBCLOUD_COMPLETE"] = "bash_complete"  # the script of another version
    result = subprocess.run(command(), env=variables, capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
