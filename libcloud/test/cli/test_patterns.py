# SPDX-License-Identifier: Apache-2.0
"""Wildcards in URLs, and the order of ``--include`` and ``--exclude``."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from libcloud.cli.selection import filter_options
from libcloud.cli.targets import Filters, has_wildcard, key_pattern, literal_prefix


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("2026/*.gz", ["2026/a.gz", "2026/.gz"], ["2026/b/a.gz", "2026/a.gz.part", "2025/a.gz"]),
        ("**.gz", ["a.gz", "b/a.gz", "b/c/a.gz"], ["a.gzip"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab"]),
        ("**/b", ["b", "x/b"], ["xb"]),
        ("x**/b", ["x/b", "xy/z/b"], ["xb"]),
        ("log-?.txt", ["log-1.txt"], ["log-.txt", "log-/.txt", "log-10.txt"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax", "/x"]),
        ("[^a]x", ["^x", "ax"], ["bx"]),
        ("[]]x", ["]x"], ["x"]),
        ("[!]]x", ["ax"], ["]x"]),
        ("a[!].x", ["a[!].x"], ["ab.x"]),
        ("a[b", ["a[b"], ["ab"]),
        ("a+(b).txt", ["a+(b).txt"], ["aab.txt"]),
        ("*", ["a\nb"], ["a/b"]),
    ],
)
def test_a_wildcard_matches_keys(pattern: str, matching: list[str], others: list[str]) -> None:
    expression = key_pattern(pattern)
    assert [key for key in matching if not expression.fullmatch(key)] == []
    assert [key for key in others if expression.fullmatch(key)] == []


@given(st.text())
def test_a_key_without_wildcards_matches_itself_only(key: str) -> None:
    if not has_wildcard(key):
        assert key_pattern(key).fullmatch(key)
        assert not key_pattern(key).fullmatch(f"{key}x")
        assert literal_prefix(key) == key


@given(st.text(alphabet="ab/*?[]!^-\\"), st.text(alphabet="ab/-"))
def test_a_key_that_matches_begins_with_the_literal_prefix(pattern: str, key: str) -> None:
    try:
        expression = key_pattern(pattern)
    except click.UsageError:
        return
    if expression.fullmatch(key):
        assert key.startswith(literal_prefix(pattern))


def test_a_reversed_range_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match="not a valid pattern"):
        key_pattern("[z-a]")


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        ([], ["a.txt", "b.tmp", "d/c.txt"]),
        (["--exclude", "*.tmp"], ["a.txt", "d/c.txt"]),
        (["--exclude", "*", "--include", "*.txt"], ["a.txt", "d/c.txt"]),
        (["--include", "*.txt", "--exclude", "*"], []),
        (["--exclude", "*", "--include", "*.txt", "--exclude", "d/*"], ["a.txt"]),
        (["--include", "*.txt"], ["a.txt", "b.tmp", "d/c.txt"]),
    ],
)
def test_the_last_filter_that_matches_decides(arguments: list[str], selected: list[str]) -> None:
    found: list[Filters] = []

    @click.command()
    @filter_options
    def command(filters: Filters) -> None:
        found.append(filters)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    paths = ["a.txt", "b.tmp", "d/c.txt"]
    assert [path for path in paths if found[0].select(path)] == selected
