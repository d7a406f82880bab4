# SPDX-License-Identifier: Apache-2.0
"""Wildcards in URLs, and the options ``--include`` and ``--exclude``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

_WILDCARD = re.compile(r"[*?[]")
_META = "libcloud.filters"


def has_wildcard(text: str) -> bool:
    """Whether ``text`` has one of the characters ``*``, ``?`` and ``[``."""
    return _WILDCARD.search(text) is not None


def literal_prefix(pattern: str) -> str:
    """What all keys that match ``pattern`` begin with."""
    found = _WILDCARD.search(pattern)
    return pattern[: found.start()] if found else pattern


def key_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for whole keys.

    ``*`` and ``?`` match all characters but a slash, ``**`` matches slashes as well, and ``[a-c]``
    or ``[!a-c]`` matches one character. A ``[`` without a ``]`` is literal.
    """
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if pattern.startswith("*", position):
                position += 1
                # "a/**/b" also matches "a/b".
                if pattern.startswith("/", position) and pattern[: position - 2][-1:] in ("", "/"):
                    position += 1
                    parts.append("(?:.*/)?")
                else:
                    parts.append(".*")
            else:
                parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[" and (end := _end_of_set(pattern, position)) >= 0:
            inside = re.sub(r"([\\\[\]])", r"\\\1", pattern[position:end])
            if inside.startswith("!"):
                inside = f"^/{inside[1:]}"
            elif inside.startswith("^"):
                inside = f"\\{inside}"
            parts.append(f"[{inside}]")
            position = end + 1
        else:
            parts.append(re.escape(char))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise click.UsageError(f"{pattern!r} is not a valid pattern: {error}") from error


def _end_of_set(pattern: str, start: int) -> int:
    """Where the ``]`` is that ends a set of characters; negative if there is none."""
    return pattern.find("]", start + 1 + pattern.startswith("!", start))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which paths below a directory are selected.

    :param rules: pairs of whether to include, and a pattern of :mod:`fnmatch`, whose ``*`` also
        matches slashes. The last rule that matches decides; without one, a path is selected. This
        is the rule of the AWS command line.
    """

    rules: tuple[tuple[bool, str], ...] = ()

    def select(self, path: str) -> bool:
        """Whether ``path``, relative to the directory, is selected."""
        for include, pattern in reversed(self.rules):
            if fnmatch.fnmatchcase(path, pattern):
                return include
        return True


class _FilterOption(click.Option):
    """Records its values together with those of the other filter option, in their order."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        include = "--include" in self.opts
        for option in {id(entry): entry for entry in parser._long_opt.values()}.values():
            if option.obj is self:
                append = option.process

                def process(value: str, state: Any, append: Callable[..., Any] = append) -> None:
                    ctx.meta.setdefault(_META, []).append((include, value))
                    append(value, state)

                option.process = process


def _filters(ctx: click.Context, _: click.Parameter, __: object) -> Filters:
    return Filters(tuple(ctx.meta.get(_META, ())))


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--include`` and ``--exclude``, passed as the argument ``filters``."""
    for decorator in (
        click.option(
            "--exclude",
            "_exclude",
            cls=_FilterOption,
            multiple=True,
            metavar="PATTERN",
            expose_value=False,
            help="Exclude paths that match, for example '*.tmp'; repeatable.",
        ),
        click.option(
            "--include",
            "filters",
            cls=_FilterOption,
            multiple=True,
            metavar="PATTERN",
            callback=_filters,
            help="Include paths that match even if an earlier --exclude matches; repeatable. "
            "The last matching option decides.",
        ),
    ):
        command = decorator(command)
    return command
