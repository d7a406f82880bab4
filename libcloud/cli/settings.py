# SPDX-License-Identifier: Apache-2.0
"""The options that all commands share, and the kinds of values that options have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, TypeVar

import click

from libcloud.cli.text import parse_duration, parse_size

__all__ = ["Settings", "age", "job_options", "size", "store_options", "transfer_options"]

_T = TypeVar("_T")


def size(text: str) -> int:
    """Bytes; for the ``type`` of an option."""
    return _parsed(parse_size, text)


def age(text: str) -> timedelta:
    """A duration; for the ``type`` of an option."""
    return _parsed(parse_duration, text)


def _parsed(parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@dataclass(frozen=True, slots=True)
class Settings:
    """What the shared options say; see their help."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    provider: str | None = None
    addressing_style: str | None = None
    no_sign_request: bool = False
    debug: bool = False
    window: int | None = None
    part_size: int | None = None
    max_memory: int | None = None
    jobs: int = 1
    quiet: bool = False
    json_progress: bool = False


_STORE = [
    click.option("--endpoint-url", metavar="URL", help="Where the store is: https://HOST:PORT."),
    click.option("--region", help="Region of the store."),
    click.option("--profile", help="Profile of ~/.aws/config and ~/.aws/credentials."),
    click.option("--provider", help="Driver or kind of store, instead of the URL's scheme: r2."),
    click.option(
        "--addressing-style",
        type=click.Choice(["auto", "path", "virtual"]),
        help="Where the container stands: in the path or in the name of the host.",
    ),
    click.option("--no-sign-request", is_flag=True, help="Use no credentials."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
]

_TRANSFER = [
    click.option(
        "--window",
        "--concurrency",
        "window",
        type=click.IntRange(1),
        metavar="N",
        help="Parts of an object at once.",
    ),
    click.option("--part-size", type=size, help="Size of the first parts, as 16MiB."),
    click.option("--max-memory", type=size, help="Of all parts together, as 64MiB."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("--json-progress", is_flag=True, help="Progress as JSON lines on stderr."),
]

_JOBS = [
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 32),
        default=8,
        show_default=True,
        metavar="N",
        help="Objects at once.",
    ),
]


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that talks to a store; it gets them as its argument ``settings``."""
    return _with(command, _STORE)


def transfer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and those of a command that moves data."""
    return _with(command, _STORE + _TRANSFER)


def job_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and those of a command that moves many objects."""
    return _with(command, _STORE + _JOBS + _TRANSFER)


def _with(command: Callable[..., Any], options: list[Any]) -> Callable[..., Any]:
    names = [field.name for field in fields(Settings)]

    @functools.wraps(command)
    def run(**values: Any) -> Any:
        chosen = {name: values.pop(name) for name in names if name in values}
        return command(settings=Settings(**chosen), **values)

    decorated: Callable[..., Any] = run
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
