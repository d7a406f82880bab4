# SPDX-License-Identifier: Apache-2.0
"""``put URL -- COMMAND`` and ``get URL -- COMMAND``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from libcloud.cli.errors import ProgramError
from libcloud.cli.programs import _processes, consume, produce
from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.faults import Status, Truncate

pytestmark = pytest.mark.slow

LARGE = ("--part-size", "5MiB")
SAY = "import sys; sys.stdout.write('data'); sys.stdout.flush(); "
SAY_MUCH = f"import sys; sys.stdout.write('x' * {12 * MIB}); sys.stdout.flush(); "


def python(code: str) -> tuple[str, ...]:
    """The command line of a program."""
    return (sys.executable, "-c", code)


def put(shell: Shell, code: str, *options: str) -> tuple[int, str]:
    result = shell("put", *options, "s3://bucket/x", "--", *python(code))
    return result.status, result.err


def test_the_output_of_a_command_is_uploaded(shell: Shell) -> None:
    status, err = put(shell, SAY)
    assert (status, shell.body("x")) == (0, b"data")
    assert err.startswith("stored s3://bucket/x: ")


@pytest.mark.parametrize("code", [SAY, SAY_MUCH], ids=["one request", "parts"])
@pytest.mark.parametrize(
    ("end", "status", "text"),
    [
        ("sys.exit(3)", 3, "failed with exit status 3: nothing was stored"),
        ("import os; os.kill(os.getpid(), 9)", 137, "was killed by SIGKILL: nothing was stored"),
        ("raise SystemExit(1)", 1, "failed with exit status 1: nothing was stored"),
    ],
)
def test_the_output_of_a_command_that_fails_is_not_stored(
    shell: Shell, code: str, end: str, status: int, text: str
) -> None:
    actual, err = put(shell, code + end, *LARGE)
    assert actual == status
    assert f"libcloud: s3://bucket/x: {sys.executable} {text}\n" in err
    assert (shell.names(), shell.unfinished()) == ([], [])


def test_an_object_is_not_replaced_by_the_output_of_a_command_that_fails(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"old")
    assert put(shell, SAY + "sys.exit(1)")[0] == 1
    assert shell.body("x") == b"old"


def test_a_command_that_does_not_exist_sends_nothing(shell: Shell) -> None:
    result = shell("put", "s3://bucket/x", "--", "no-such-program", "-v")
    assert result.status == 127
    assert result.err == (
        "libcloud: no-such-program cannot be started: No such file or directory\n"
    )
    assert shell.names() == []


@pytest.mark.parametrize("child", ["sh -c 'sleep 30; touch $0/ended'", "yes"])
def test_a_command_that_fails_is_not_waited_for_because_of_its_children(
    shell: Shell, tmp_path: Path, child: str
) -> None:
    code = f"{child} {tmp_path} & echo $! > {tmp_path}/pid; exit 4"
    try:
        result = shell("put", "s3://bucket/x", "--", "sh", "-c", code)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert result.status == 4
    assert not (tmp_path / "ended").exists()
    assert (shell.names(), shell.unfinished()) == ([], [])


def test_what_the_children_of_a_command_write_after_its_end_is_uploaded(
    shell: Shell, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = f"(read line < {fifo}; echo $line) & echo late > {fifo} &"
    shell.ok("put", "s3://bucket/x", "--", "sh", "-c", code)
    assert shell.body("x") == b"late\n"


def test_a_file_that_cannot_be_executed_is_reported(shell: Shell, tmp_path: Path) -> None:
    assert shell("put", "s3://bucket/x", "--", str(tmp_path)).status == 126


def test_a_failed_upload_ends_the_command(shell: Shell, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import os; open({str(pid)!r}, 'w').write(str(os.getpid())); {SAY_MUCH}"
    endless = code + "import time; time.sleep(600)"
    status, err = put(shell, endless, *LARGE, "--expect-size", "1MiB")
    assert (status, shell.names(), shell.unfinished()) == (6, [], [])
    assert "larger than the expected" in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("option", ["--expect-size=5", "--fail-on-empty"])
def test_the_input_checks_apply_to_a_command(shell: Shell, option: str) -> None:
    assert put(shell, "pass", option)[0] == 6
    assert shell.names() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "s3://bucket/x", "--"),
        ("put", "s3://bucket/dir/", "--", "true"),
        ("put", "s3://bucket/x"),
        ("get", "--recursive", "s3://bucket/x", "--", "true"),
        ("get", "s3://bucket/x", "--"),
    ],
)
def test_an_unusable_command_line_sends_nothing(shell: Shell, arguments: tuple[str, ...]) -> None:
    before = shell.fake.log.counts()
    assert shell(*arguments).status == 2
    assert shell.fake.log.counts() == before


def test_two_hyphens_before_the_url_still_end_the_options(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-file").write_bytes(b"content")
    shell.ok("put", "--", "-file", "s3://bucket/x")
    assert shell.body("x") == b"content"
    shell.ok("get", "--", "s3://bucket/x", "-copy")
    assert Path("-copy").read_bytes() == b"content"


def test_an_object_is_passed_to_a_command(shell: Shell, tmp_path: Path) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"data")
    copy = tmp_path / "copy"
    code = f"import sys; open({str(copy)!r}, 'wb').write(sys.stdin.buffer.read())"
    result = shell.ok("get", "s3://bucket/x", "--", *python(code))
    assert (copy.read_bytes(), result.out) == (b"data", b"")


def test_the_exit_status_of_a_consumer_is_passed_on(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"data")
    result = shell("get", "s3://bucket/x", "--", *python("import sys; sys.stdin.read(); exit(5)"))
    assert result.status == 5
    assert "failed with exit status 5\n" in result.err


def test_a_consumer_need_not_read_everything(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"x" * 2 * MIB)
    shell.ok("get", "s3://bucket/x", "--", *python("import sys; sys.stdin.buffer.read(1)"))


@pytest.fixture
def failing(shell: Shell) -> Shell:
    """The command, with an object whose download fails in the middle."""
    shell.ok("put", "-", "s3://bucket/x", stdin=b"x" * 2 * MIB)
    shell.fake.faults.add("GetObject", Truncate(MIB))
    shell.fake.faults.add("GetObject", Status(403, "AccessDenied"), nth=2, times=None)
    return shell


def test_a_consumer_never_sees_the_end_of_a_download_that_fails(
    failing: Shell, tmp_path: Path
) -> None:
    ended = tmp_path / "ended"
    code = f"import sys; sys.stdin.buffer.read(); open({str(ended)!r}, 'w')"
    result = failing("get", "s3://bucket/x", "--", *python(code))
    assert result.status == 4
    assert not ended.exists()


def test_no_part_of_a_pipeline_sees_the_end_of_a_download_that_fails(
    failing: Shell, tmp_path: Path
) -> None:
    ended = tmp_path / "ended"
    code = f"cat | (cat > {tmp_path}/data; touch {ended})"
    result = failing("get", "s3://bucket/x", "--", "sh", "-c", code)
    assert result.status == 4
    assert (tmp_path / "data").exists()
    assert not ended.exists()


def test_the_programs_of_a_program_that_failed_end_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"sh -c 'echo $$ > {pid}; echo x; exec sleep 600' & wait"
    with pytest.raises(ZeroDivisionError), produce(("sh", "-c", code)) as output:
        output.readline()
        raise ZeroDivisionError
    assert int(pid.read_text()) not in _processes()


def test_a_program_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libcloud.cli.programs._SECONDS_TO_END", 0.01)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); "
    code += "time.sleep(600)"
    with pytest.raises(ZeroDivisionError), produce(python(code)) as output:
        output.readline()
        process = output._process
        raise ZeroDivisionError
    assert process.wait(30) == -signal.SIGKILL


def test_a_consumer_that_fails_is_an_error() -> None:
    with (
        pytest.raises(ProgramError, match="exit status 4") as caught,
        consume(("sh", "-c", "exit 4")),
    ):
        pass
    assert caught.value.status == 4
