# SPDX-License-Identifier: Apache-2.0
"""Generates the reference of the command from its click definitions."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

import click

from libcloud.cli.main import COMMANDS, cli


def command_list() -> str:
    """A table of the commands and their descriptions."""
    lines = ["| command | what it does |", "|---|---|"]
    lines += [
        f"| [`libcloud {name}`](#libcloud-{name}) | {COMMANDS[name][1]} |" for name in COMMANDS
    ]
    return "\n".join(lines) + "\n"


def shared_options() -> str:
    """A table of the options that most commands share."""
    return _table(_shared().values())


def command_reference() -> str:
    """A section for each command, with the options that are not shared."""
    context = click.Context(cli, info_name="libcloud", **cli.context_settings)
    return "\n".join(line for name in COMMANDS for line in _section(context, name))


def _section(parent: click.Context, name: str) -> Iterator[str]:
    assert isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent)
    depth = len(context.command_path.split())
    yield f"{'#' * (depth + 1)} `{context.command_path}`\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```\n"
    yield _prose(command.help or "")
    own = [option for option in _options(command) if option.name not in _shared()]
    if own:
        yield _table(own)
    if len(own) < len(_options(command)):
        yield "And the [shared options](#shared-options).\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _section(context, inner)


def _prose(text: str) -> str:
    r"""The help of a command; paragraphs that ``\b`` protects from wrapping are code blocks."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        verbatim = paragraph.lstrip().startswith("\b")
        body = textwrap.dedent(paragraph.replace("\b", "")).strip("\n")
        paragraphs.append(f"```text\n{body}\n```" if verbatim else _options_as_code(body))
    return "\n\n".join(paragraphs) + "\n"


def _shared() -> dict[str, click.Option]:
    """Options that at least half of the commands have."""
    context = click.Context(cli, **cli.context_settings)
    every = [cli.get_command(context, name) for name in COMMANDS]
    found: dict[str, list[click.Option]] = {}
    for command in every:
        for option in _options(command) if command is not None else ():
            found.setdefault(str(option.name), []).append(option)
    return {name: same[0] for name, same in found.items() if len(same) * 2 >= len(every)}


def _options(command: click.Command) -> list[click.Option]:
    return [
        param for param in command.params if isinstance(param, click.Option) and not param.hidden
    ]


def _table(options: object) -> str:
    lines = ["| option | |", "|---|---|"]
    for option in options:  # type: ignore[attr-defined]  # contrib is not checked
        names, text = option.get_help_record(click.Context(cli, **cli.context_settings))
        # A vertical bar ends a cell, even in code.
        lines.append("| `{}` | {} |".format(names.replace("|", r"\|"), _cell(text)))
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return _options_as_code(re.sub(r"([|<>\[\]_*~])", r"\\\1", text))


def _options_as_code(text: str) -> str:
    return re.sub(r"(?<![\w`-])(--[a-z][\w-]*)", r"`\1`", " ".join(text.split()))
