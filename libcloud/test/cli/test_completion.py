# SPDX-License-Identifier: Apache-2.0
"""Completion: candidates, and what real shells make of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from libcloud.cli import completion
from libcloud.cli.completion import SCRIPTS, candidate_lines, urls
from libcloud.cli.main import cli
from libcloud.cli.settings import Settings
from libcloud.test.cli.running import BUCKET, Shell, environment, terminal
from libcloud.test.storage.fakes.servers import fake_server

KEYS = ("photos/a b.jpg", "photos/cat.jpg", "photos/2026/x", "photograph.txt")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with fake_server() as endpoint:
        shell = Shell(endpoint, tmp_path_factory.mktemp("home"))
        for name in (BUCKET, "budget"):
            shell.driver.create_container(name)
        for key in KEYS:
            shell.driver.get_container(BUCKET).upload_object_via_stream(iter([b"x"]), key)
        yield shell


@pytest.fixture
def user(store: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The environment of a user."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in environment(store.endpoint, tmp_path).items():
        monkeypatch.setenv(name, value)
    return Shell(store.endpoint, tmp_path)


def candidates(*words: str, shell: str = "fish") -> list[str]:
    return [line.split("\t")[1] for line in candidate_lines(cli, list(words), shell=shell)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ls", "s3://bu"], ["s3://bucket/", "s3://budget/"]),
        (["get", "s3://bucket/pho"], ["s3://bucket/photograph.txt", "s3://bucket/photos/"]),
        (["cp", "s3://bucket/photos/c"], ["s3://bucket/photos/cat.jpg"]),
        (["ls", "s3://absent/"], []),
        (["ls", "nowhere://x"], []),
        (["ls", "--addressing-style", "v"], ["virtual"]),
        (["put", "--checksum", "crc32"], ["crc32", "crc32c"]),
        (["--region", "eu-west"], ["eu-west-1", "eu-west-2", "eu-west-3"]),
        (["ls", "--provider", "min"], ["minio"]),
        (["uploads", "a"], ["abort"]),
        (["v"], ["versioning"]),
        (["get", "s3://bucket/x", "--", ""], [""]),
        (["put", "s3://bucket/x", "--", "cat", "min"], ["min"]),
    ],
)
def test_a_word_is_completed(user: Shell, words: list[str], found: list[str]) -> None:
    assert candidates(*words) == found


def test_commands_are_described_as_in_the_help(user: Shell) -> None:
    assert list(candidate_lines(cli, ["mi"], shell="fish")) == [
        "whole\tmigrate\tCopy a bucket, resumably, on one machine or many."
    ]


def test_profiles_of_both_files_are_completed(user: Shell) -> None:
    (user.home / ".aws").mkdir()
    (user.home / ".aws" / "config").write_text("[profile backup]\n[profile base]\n")
    (user.home / ".aws" / "credentials").write_text("[basic]\naws_secret_access_key = hush\n")
    assert candidates("ls", "--profile", "ba") == ["backup", "base", "basic"]
    assert candidates("ls", "--profile=bac") == ["--profile=backup"]


def test_a_path_is_left_to_the_shell(user: Shell) -> None:
    lines = list(candidate_lines(cli, ["put", "report"], shell="zsh"))
    assert lines == ["file\treport\t"]


def test_a_local_url_is_completed(user: Shell) -> None:
    (user.home / "objects").mkdir()
    (user.home / "other.txt").touch()
    url = f"file://{user.home}/o"
    assert candidates("ls", url) == [f"{url}bjects/", f"{url}ther.txt"]


@pytest.mark.parametrize(
    ("raw", "inserted"),
    [
        ("s3://bucket/ch", "//bucket/cheap\\'\\$\\(date\\)\\`\\\"\\\\"),
        ('"s3://bucket/ch', "s3://bucket/cheap'\\$(date)\\`\\\"\\\\"),
        ("'s3://bucket/ch", "s3://bucket/cheap'\\''$(date)`\"\\"),
    ],
)
def test_bash_inserts_no_name_that_it_would_evaluate(
    user: Shell, raw: str, inserted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["bucket/cheap'$(date)`\"\\", "bucket/che\x1b[31m", "bucket/che\rx"]
    monkeypatch.setattr(completion, "_list", lambda *_: names)
    monkeypatch.setattr("os.environ", {**os.environ, "COMP_WORDBREAKS": ":="})
    lines = list(candidate_lines(cli, ["ls", "s3://bucket/ch"], shell="bash", raw=raw))
    assert [line.split("\t")[1] for line in lines] == [inserted]


def test_a_store_that_does_not_respond_completes_nothing(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert urls(Settings(endpoint_url=url), "s3://bu") == []


def program(user: Shell, directory: Path) -> dict[str, str]:
    """A ``libcloud`` on the PATH that completes, and otherwise prints its arguments.

    It waits for the store as long as it takes, however busy the machine is.
    """
    patient = "from libcloud.cli import completion, main; completion._SECONDS = 60; main.run()"
    file = directory / "libcloud"
    file.write_text(
        "#!/bin/sh\n"
        f'[ -n "$_LIBCLOUD_COMPLETE" ] && exec {sys.executable} -c "{patient}" "$@"\n'
        "printf 'ARGUMENTS'; printf ' <%s>' \"$@\"; echo\n"
    )
    file.chmod(0o755)
    for shell, script in SCRIPTS.items():
        (directory / f"completion.{shell}").write_text(script)
    variables = environment(user.endpoint, user.home)
    return {**variables, "PATH": f"{directory}:{variables['PATH']}"}


def interactive(shell: str, directory: Path) -> list[str]:
    """The command line of a shell that reads no files of the user but its completion script."""
    if shell == "bash":
        (directory / "rc").write_text(f"source {directory}/completion.bash; PS1='> '\n")
        return ["/bin/bash", "--noprofile", "--rcfile", str(directory / "rc"), "-i"]
    (directory / ".zshrc").write_text(
        f"autoload -U compinit; compinit -u -D; source {directory}/completion.zsh; PS1='> '\n"
    )
    return [shutil.which("zsh") or "zsh", "-i"]


TYPED = [
    ("libcloud ls s3://buc\t", "<ls> <s3://bucket/>"),
    ("libcloud ls s3://bucket/photos/ca\t", "<ls> <s3://bucket/photos/cat.jpg>"),
    ("libcloud get s3://bucket/photos/a\t", "<get> <s3://bucket/photos/a b.jpg>"),
    ("libcloud get 's3://bucket/photos/a\t", "<get> <s3://bucket/photos/a b.jpg>"),
    ("libcloud ls --profile=bac\t", "<ls> <--profile=backup>"),
    ("libcloud ls s3://absent/x\t", "<ls> <s3://absent/x>"),
    ("libcloud put --no-clo\t", "<put> <--no-clobber>"),
]
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_what_is_typed(user: Shell, tmp_path: Path, shell: str) -> None:
    (user.home / ".aws").mkdir()
    (user.home / ".aws" / "config").write_text("[profile backup]\n")
    variables = {**program(user, tmp_path), "ZDOTDIR": str(tmp_path)}
    with terminal([], variables, columns=200, program=interactive(shell, tmp_path)) as screen:
        for typed, expected in TYPED:
            screen.read_until("> ")
            screen.text = ""
            screen.press(f"{typed}\r")
            screen.read_until(f"ARGUMENTS {expected}")
            assert "rror" not in screen.text
            screen.text = screen.text.rpartition("ARGUMENTS")[2]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_urls_and_options(user: Shell, tmp_path: Path) -> None:
    variables = program(user, tmp_path)

    def completed(line: str) -> list[str]:
        script = f'source {tmp_path}/completion.fish; complete --do-complete "{line}"'
        done = subprocess.run(
            ["fish", "--no-config", "--command", script],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [found.split("\t")[0] for found in done.stdout.splitlines()]

    assert completed("libcloud ls s3://bu") == ["s3://bucket/", "s3://budget/"]
    assert completed("libcloud put --no-clo") == ["--no-clobber"]
    for typed in (
        "s3://bucket/photos/a\\\\ ",
        "'s3://bucket/photos/a ",
        '\\"s3://bucket/photos/a ',
    ):
        assert completed(f"libcloud ls {typed}") == ["s3://bucket/photos/a b.jpg"]


def test_the_command_itself_stays_as_it_is(user: Shell) -> None:
    commands = [cli.get_command(click.Context(cli), name) for name in ("ls", "put", "sync")]
    types = [[param.type for param in command.params] for command in commands if command]
    assert candidates("ls", "--ca-bundle", "x")
    assert candidates("put", "s3://bu")
    assert [[param.type for param in command.params] for command in commands if command] == types
