# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md and of ``docs/`` run, in order, and print what the pages say."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from libcloud.test.docs.pages import ROOT, SILENT, Block, blocks, commands, documents, matches
from libcloud.test.docs.running import CONTAINERS, KEY, SECRET, Session, in_session
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.servers import fake_server, rclone_server
from libcloud.test.storage.fakes.swift import FakeSwift

_STORE = Options(key=KEY, secret=SECRET)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _blocks_of(page: Path) -> list[Block]:
    return blocks(page.read_text(encoding="utf-8"))


def _has_examples(page: Path) -> bool:
    if "engines" in page.parts or page.stem == "pandas":  # run by test/engines and test/frames
        return False
    return any(block.language in ("python", "console") for block in _blocks_of(page))


@pytest.mark.slow
@pytest.mark.parametrize("page", [*filter(_has_examples, documents())], ids=_name)
def test_the_examples_of_a_page_print_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.ExitStack() as stack:
        if page.stem == "azure":
            azure = stack.enter_context(FakeAzure())
            where = f"AccountName={azure.key};AccountKey={azure.secret}"
            where += f";BlobEndpoint={azure.url}/{azure.key}"
            monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", where)
        if page.stem == "swift":
            swift = stack.enter_context(FakeSwift())
            monkeypatch.setenv("ST_AUTH", f"{swift.url}/auth/v1.0")
            monkeypatch.setenv("ST_USER", swift.user)
            monkeypatch.setenv("ST_KEY", swift.key)
        endpoint = stack.enter_context(fake_server(_STORE))
        session = stack.enter_context(in_session(endpoint, tmp_path))
        assert endpoint.fake is not None
        endpoint.fake.create_bucket(*CONTAINERS)
        for block in _blocks_of(page):
            session.run(block)
        session.finish()
        assert not endpoint.fake.unfinished_uploads()
        assert not endpoint.fake.violations


@pytest.mark.slow
def test_the_tutorial_holds_with_rclone_which_it_names(tmp_path: Path) -> None:
    with (
        rclone_server(key=KEY, secret=SECRET) as endpoint,
        in_session(endpoint, tmp_path) as session,
    ):
        for block in _blocks_of(ROOT / "docs" / "tutorial.md"):
            session.run(block)
        session.finish()


@pytest.mark.parametrize("page", documents(), ids=_name)
def test_a_page_shows_nothing_that_could_be_run_and_is_not(page: Path) -> None:
    languages = {block.language for block in _blocks_of(page)}
    of_sphinx = {name for name in languages if re.fullmatch(r"\{[a-z-]+\}", name)}
    assert languages - of_sphinx <= {"python", "console", *SILENT}
    for block in _blocks_of(page):
        if block.language == "sh":
            assert re.match(r"(pip|pipx|uv|make|libcloud completion|rclone serve) ", block.text)


# Whether the above could fail.


@pytest.mark.parametrize(
    "page",
    [
        "```python\nprint(1)\n```\n",
        "```python\nprint(1)\n```\n```text output\n2\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ false\n$ true\n```\n",
    ],
    ids=["unsaid", "wrong", "wrong in a shell", "failed last", "failed before"],
)
def test_an_example_that_does_something_else_is_noticed(page: str, tmp_path: Path) -> None:
    with (
        fake_server(_STORE) as endpoint,
        in_session(endpoint, tmp_path) as session,
        pytest.raises(AssertionError),
    ):
        _run(session, page)


def test_an_example_is_run_with_what_those_before_it_left(tmp_path: Path) -> None:
    page = (
        "```python\nimport pathlib\nn = pathlib.Path('f').write_text('yes')\n```\n"
        "```console\n$ export WORD=oh\n$ echo $WORD; cat f; exit 3\noh\nyes\n$ echo $?\n3\n```\n"
        "```python\nprint(n, 'in 1.3 s')\n```\nwhich prints\n```text output\n3 in 2 s\n```\n"
    )
    with fake_server(_STORE) as endpoint, in_session(endpoint, tmp_path) as session:
        _run(session, page)


def _run(session: Session, page: str) -> None:
    for block in blocks(page):
        session.run(block)
    session.finish()


@pytest.mark.parametrize(
    ("said", "printed", "same"),
    [
        ("a\n", "a", True),
        ("a ... c", "a b\nb c", True),
        ("stored: 3 parts, 1.2 s, 3.0 MiB/s", "stored: 3 parts, 14 s, 17 B/s", True),
        ("stored: 3 parts, 1.2 s, 3.0 MiB/s", "stored: 4 parts, 1.2 s, 3.0 MiB/s", False),
        ("2026-01-02 03:04:05 a", "2027-11-12 13:14:15 a", True),
        ("a.c", "abc", False),
    ],
    ids=["same", "anything", "speeds", "parts", "times", "no pattern"],
)
def test_outputs_are_compared_but_for_times(said: str, printed: str, same: bool) -> None:
    assert matches(said, printed) is same


def test_a_command_can_continue_on_the_next_line() -> None:
    (first, second) = commands("$ echo \\\n>   a\na\n$ true\n")
    assert (first.line, first.output) == ("echo \\\n  a", "a\n")
    assert (second.line, second.output) == ("true", "")
