# SPDX-License-Identifier: Apache-2.0
"""Exit statuses and JSON are an interface: what ``docs/reference/output.md`` says of them is so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from libcloud.cli import main
from libcloud.cli.main import COMMANDS, cli
from libcloud.cli.progress import Progress, print_stdout
from libcloud.cli.settings import Settings
from libcloud.storage.transfer.client import RetryLoop
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.docs.pages import ROOT
from libcloud.test.storage.fakes.servers import fake_server

PAGE = (ROOT / "docs" / "reference" / "output.md").read_text(encoding="utf-8")
_KINDS = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", re.MULTILINE)


class Field:
    """A row of a table: the type of a field, and whether it may be missing."""

    def __init__(self, text: str) -> None:
        self.kind = text.replace(", optional", "").strip()
        self.optional = "optional" in text

    def fits(self, value: object) -> bool:
        if value is None:
            return "null" in self.kind
        kind = self.kind.partition(" ")[0]
        if kind == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind == "integer" and isinstance(value, bool):
            return False
        return isinstance(value, _KINDS[kind])


def documented(heading: str) -> dict[str, Field]:
    """The fields of a section."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    fields = {
        name: Field(kind)
        for names, kind in _ROW.findall(section)
        for name in re.findall(r"\w+", names)
    }
    assert fields, heading
    return fields


def check(lines: list[Any], heading: str, *, closed: bool = True) -> None:
    """The lines have the documented fields and, if ``closed``, no others."""
    fields = documented(heading)
    assert lines
    for line in lines:
        for name, field in fields.items():
            assert field.optional or name in line, f"{name} is missing: {line}"
            assert name not in line or field.fits(line[name]), f"{name} is no {field.kind}: {line}"
        assert not closed or line.keys() <= fields.keys(), f"not documented: {line}"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A bucket with objects, one with metadata, and an unfinished upload; and another bucket."""
    with fake_server() as endpoint:
        shell = Shell(endpoint, tmp_path_factory.mktemp("home"))
        container = shell.driver.create_container(BUCKET)
        shell.driver.create_container("other")
        for name in ("a/b.txt", "a/c.txt", "d.txt"):
            extra = {"meta_data": {"made-by": "me"}}
            container.upload_object_via_stream(iter([b"12345"]), name, extra)
        shell.driver._initiate_multipart(container, "unfinished")
        yield shell


_DELETIONS = "`libcloud rm --json` and `libcloud undelete --json`"
_SETTINGS = (
    "`libcloud versioning --json`, `libcloud legal-hold --json`, `libcloud retention --json`, "
    "`libcloud lifecycle --json`"
)
OUTPUTS = [
    (["ls", "--json", "s3://"], "`libcloud ls --json`"),
    (["ls", "--json", "s3://bucket"], "`libcloud ls --json`"),
    (["ls", "--json", "-r", "s3://bucket"], "`libcloud ls --json`"),
    (["du", "--json", "s3://bucket"], "`libcloud du --json`"),
    (["du", "--json", "-s", "s3://bucket"], "`libcloud du --json`"),
    (
        ["cp", "--json", "-r", "s3://bucket/a/", "s3://other/copy/"],
        "`libcloud cp --json` and `libcloud mv --json`",
    ),
    (
        ["mv", "--json", "-r", "--dry-run", "s3://bucket/a/", "s3://other/b/"],
        "`libcloud cp --json` and `libcloud mv --json`",
    ),
    (["sync", "--json", "--dry-run", "s3://bucket/", "s3://other/"], "`libcloud sync --json`"),
    (["sync", "--json", "s3://bucket/", "s3://other/all/"], "`libcloud sync --json`"),
    (["ls", "--versions", "--json", "s3://bucket"], "`libcloud ls --json`"),
    (["rm", "--dry-run", "--json", "-r", "s3://bucket"], _DELETIONS),
    (["rm", "--dry-run", "--json", "--versions", "-r", "s3://bucket"], _DELETIONS),
    (["versioning", "--json", "s3://bucket"], _SETTINGS),
    (["lifecycle", "--json", "s3://bucket"], _SETTINGS),
    (["uploads", "ls", "--json", "s3://bucket"], "`libcloud uploads ls --json`"),
    (["uploads", "ls", "--json", "--sizes", "s3://bucket"], "`libcloud uploads ls --json`"),
    (
        ["migrate", "--json", "--job", "j", "s3://bucket", "s3://other/m/"],
        "`libcloud migrate --json`",
    ),
]


@pytest.mark.parametrize(("arguments", "heading"), OUTPUTS, ids=lambda value: str(value)[:60])
def test_json_has_the_documented_fields(filled: Shell, arguments: list[str], heading: str) -> None:
    check(filled.ok(*arguments).json, heading)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/d.txt"])
def test_stat_has_the_documented_fields_and_those_of_the_store(filled: Shell, url: str) -> None:
    check(filled.ok("stat", "--json", url).json, "`libcloud stat --json`", closed=False)


def test_progress_has_the_documented_fields(filled: Shell, tmp_path: Path) -> None:
    upload = filled.ok("put", "--json-progress", "-", "s3://bucket/x", stdin=b"1")
    download = filled.ok("get", "--json-progress", "s3://bucket/d.txt", str(tmp_path / "d"))
    for result in (upload, download):
        lines = [json.loads(line) for line in result.err.splitlines()]
        check(lines, "`--json-progress`")
        assert lines[-1]["event"] == "done"


def commands(group: click.Group, prefix: str = "libcloud") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def test_the_page_describes_the_json_of_every_command() -> None:
    with_json = [
        name
        for name, command in commands(cli)
        if any("--json" in parameter.opts for parameter in command.params)
    ]
    assert len(COMMANDS) > len(with_json) > 5
    assert not [name for name in with_json if f"`{name} --json`" not in PAGE]


STATUSES = [
    (["ls", "s3://bucket"], {}, 0),
    (["mb", "s3://A"], {}, 1),
    (["rm", "s3://bucket/d.txt", "s3://bucket2/x", "s3://bucket3/y"], {}, 1),
    (["put", "/no/such/1", "/no/such/2", "s3://bucket/"], {}, 1),
    (["ls", "--nonsense", "s3://"], {}, 2),
    (["ls", "nowhere://"], {}, 2),
    (["ls", "--profile", "none", "s3://"], {}, 2),
    (["stat", "s3://bucket/none"], {}, 3),
    (["ls", "s3://absent"], {}, 3),
    (["ls", "s3://bucket/none/"], {}, 3),
    (["ls", "s3://"], {"AWS_SECRET_ACCESS_KEY": "wrong"}, 4),
    (["ls", "s3://"], {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, 4),
    (["ls", "s3://"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 5),
    (["put", "--fail-on-empty", "-", "s3://bucket/x"], {}, 6),
    (["put", "--expect-size", "5", "-", "s3://bucket/x"], {}, 6),
    (["put", "s3://bucket/x", "--", "sh", "-c", "exit 42"], {}, 42),
    (["put", "s3://bucket/x", "--", "/no/such/program"], {}, 127),
    (["put", "s3://bucket/x", "--", "/"], {}, 126),
]


@pytest.mark.parametrize(("arguments", "variables", "status"), STATUSES, ids=str)
def test_an_exit_status_is_the_documented_one(
    filled: Shell,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variables: Any,
    status: int,
) -> None:
    monkeypatch.setattr(RetryLoop, "sleep", staticmethod(lambda _: None))
    result = filled(*arguments, **variables)
    assert result.status == status, result.err
    assert bool(result.err) is bool(status)


def test_every_status_of_the_command_is_documented() -> None:
    known = set(re.findall(r"^(\d+|other)\s+\S", main.__doc__ or "", re.M))
    table = PAGE.partition("## Exit statuses")[2].partition("## JSON")[0]
    rows = re.findall(r"^\| ([\d, ]+|other) \|", table, re.M)
    assert known <= {text for row in rows for text in row.split(", ")}


MESSAGES = [
    (["put", "--resume", "", "-", "s3://bucket/x"], 2, "--resume is empty"),
    (["put", "--checksum", "crc99", "-", "s3://bucket/x"], 2, "'--checksum': 'crc99' is not one"),
    (["cp", "--checksum", "x", "s3://bucket/d.txt", "s3://bucket/e"], 2, "'--checksum': 'x'"),
    (["put", "--max-memory", "1", "-", "s3://bucket/x"], 2, "--max-memory"),
    (["rb", "s3://bucket"], 1, "bucket 'bucket' is not empty (status 409"),
]


@pytest.mark.parametrize(("arguments", "status", "text"), MESSAGES, ids=str)
def test_a_message_names_the_option(
    filled: Shell, arguments: list[str], status: int, text: str
) -> None:
    result = filled(*arguments, stdin=b"data")
    assert (result.status, text in result.err) == (status, True), result.err
    assert not re.search(r"ex_|None|overwrite_existing", result.err)


def test_a_file_that_exists_is_kept_by_an_option_and_not_by_a_keyword(
    filled: Shell, tmp_path: Path
) -> None:
    (tmp_path / "d.txt").write_text("mine")
    result = filled("get", "--no-clobber", "s3://bucket/a/b.txt", str(tmp_path / "d.txt"))
    assert result.status == 1
    assert f"{tmp_path}/d.txt: the file exists and was not replaced (--no-clobber)" in result.err
    assert "overwrite_existing" not in result.err
    assert (tmp_path / "d.txt").read_text() == "mine"


def test_a_line_of_the_output_is_not_mixed_with_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []

    class Drawn(Progress):
        def clear(self) -> None:
            drawn.append("cleared")

    with Drawn("x", 1, Settings()) as progress:
        with progress.paused():
            assert drawn == ["cleared"]
        print_stdout("a line")
        assert drawn == ["cleared", "cleared"]
    assert capsys.readouterr().out == "a line\n"
