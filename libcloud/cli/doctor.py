# SPDX-License-Identifier: Apache-2.0
"""``libcloud doctor``: what a command would use, whether it works, and what to do where not."""

from __future__ import annotations

import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from libcloud import __version__
from libcloud.cli.errors import ReportedError, without_secrets
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.targets import parse_target
from libcloud.cli.text import printable

if TYPE_CHECKING:
    from libcloud.cli.checks import Check

__all__ = ["doctor"]

_MARKS = {"ok": "ok   ", "note": "     ", "warning": "WARN ", "failure": "FAIL "}
_COLORS = {"warning": "yellow", "failure": "red"}
_WIDTH = 14
_NARROW = 20
_UNBOUND = 10_000  # a pipe, where a line is a line


@click.command()
@click.argument("url", default="s3://")
@click.option("--write", is_flag=True, help="Also write, read and delete a small object at URL.")
@store_options
def doctor(settings: Settings, *, url: str, write: bool) -> None:
    """Show credentials, endpoint and region for URL, where each comes from, and whether they work.

    Then the clock, what the store can do, and, if URL names a container, what may be done with it.
    Secrets are not shown. The exit status is that of the first failure.
    """
    from libcloud.cli.checks import Check, checks

    target = parse_target(url, settings.provider)
    if write and not target.container:
        raise click.UsageError("--write needs a container: libcloud doctor --write s3://CONTAINER")
    status = 0
    _show(Check("note", "libcloud", f"{__version__}, Python {platform.python_version()}"))
    for check in checks(target, settings, write=write):
        _show(check)
        status = status or check.status
    if status:
        raise ReportedError(status)


def _show(check: Check) -> None:
    mark = click.style(_MARKS[check.kind], fg=_COLORS.get(check.kind))
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBOUND
    for line in _lines(check, columns - len(_MARKS[check.kind])):
        click.echo(without_secrets(f"{mark}{line}"))
        mark = " " * len(_MARKS[check.kind])


def _lines(check: Check, columns: int) -> Iterator[str]:
    """The text and the hint, each in as many lines as it takes, behind the name."""
    room, name = max(columns - _WIDTH - 1, _NARROW), check.name
    hint = f"-> {printable(check.hint)}" if check.hint else ""
    for text, indent in ((printable(check.text), ""), (hint, "   ")):
        for line in textwrap.wrap(text, room, subsequent_indent=indent, break_on_hyphens=False):
            yield f"{name:<{_WIDTH}}{line}"
            name = ""
