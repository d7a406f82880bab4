# SPDX-License-Identifier: Apache-2.0
"""``libcloud ls`` and ``libcloud stat``: what there is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import NothingThereError, about
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text
from libcloud.storage.capabilities import KIB
from libcloud.storage.s3api.values import parse_time

if TYPE_CHECKING:
    from libcloud.storage.base import Object

__all__ = ["ls", "stat"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a listing.

    :param kind: ``"container"``, ``"directory"`` or ``"object"``.
    :param time: as the store writes it; ``None`` if it says nothing.
    """

    kind: str
    name: str
    size: int | None = None
    time: str | None = None
    etag: str | None = None


@click.command()
@click.argument("url")
@click.option("-r", "--recursive", is_flag=True, help="All objects, not one level.")
@click.option("-h", "--human", is_flag=True, help="Sizes as 1.5 MiB.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--total", is_flag=True, help="End with number and size of the objects, on stderr.")
@store_options
def ls(
    settings: Settings, *, url: str, recursive: bool, human: bool, as_json: bool, total: bool
) -> None:
    """List the containers of a store (s3://), or the objects whose names begin as URL says.

    \b
    libcloud ls s3://
    libcloud ls --human s3://photos/2026/
    libcloud ls --recursive --json s3://photos | jq .name

    What has further slashes in its name is shown as one directory, unless --recursive is given.
    Columns are time, size and name. A terminal gets names without control characters.
    """
    store = open_store(url, settings)
    target = store.target
    shown = objects = size = 0
    with about(target):
        for entry in _objects(store, recursive) if target.container else _containers(store):
            click.echo(_as_json(entry) if as_json else _as_line(entry, human=human))
            shown += 1
            objects += entry.kind == "object"
            size += entry.size or 0
        if target.name and not shown:
            raise NothingThereError("no name begins so")
    if total:
        click.echo(f"{count(objects, 'object')}, {size_text(size)}", err=True)


@click.command()
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@store_options
def stat(settings: Settings, *, url: str, as_json: bool) -> None:
    """Show what the store says of the object, or the container, at URL."""
    store = open_store(url, settings)
    target = store.target.require_container()
    with about(target):
        if target.name:
            facts = _facts(store.object(target.name))
        else:
            container = store.driver.get_container(target.container)
            facts = {"container": container.name, **container.extra}
    if as_json:
        click.echo(json.dumps(facts, default=str))
        return
    for name, value in _flat(facts):
        click.echo(f"{_shown(name) + ':':<15}{_shown(str(value))}")


def _containers(store: Store) -> Iterator[_Entry]:
    for container in store.driver.iterate_containers():
        made = container.extra.get("creation_date")
        yield _Entry("container", container.name, time=str(made) if made else None)


def _objects(store: Store, recursive: bool) -> Iterator[_Entry]:
    """The objects whose names begin as the target's; below the next slash as one entry."""
    container, prefix = store.container(), store.target.name
    if recursive:
        yield from map(_entry, container.iterate_objects(prefix=prefix or None))
        return
    from libcloud.storage.drivers.s3_levels import iterate_level

    last = ""
    for found in iterate_level(container, prefix):
        if not isinstance(found, str):
            yield _entry(found)
        elif found != last:
            yield _Entry("directory", found)
            last = found


def _entry(obj: Object) -> _Entry:
    time = obj.extra.get("last_modified")
    return _Entry("object", obj.name, int(obj.size), str(time) if time else None, obj.hash)


def _as_json(entry: _Entry) -> str:
    facts = asdict(entry)
    facts["type"] = facts.pop("kind")
    return json.dumps({name: value for name, value in facts.items() if value is not None})


def _as_line(entry: _Entry, *, human: bool) -> str:
    size = ""
    if entry.size is not None:
        size = size_text(entry.size) if human else str(entry.size)
    elif entry.kind == "directory":
        size = "DIR"
    return f"{_local_time(entry.time):<19} {size:>{11 if human else 14}}  {_shown(entry.name)}"


def _local_time(text: str | None) -> str:
    """A time of a store's, in this machine's zone and to the second."""
    if not text:
        return ""
    when = parse_time(text)
    if when is None:
        return _shown(text)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _shown(text: str) -> str:
    """``text`` for standard output: a terminal must not obey it."""
    return printable(text) if sys.stdout.isatty() else text


def _facts(obj: Object) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": obj.name,
        "container": obj.container.name,
        "size": obj.size,
        "hash": obj.hash,
        "metadata": obj.meta_data,
    }
    known = {name: value for name, value in obj.extra.items() if name != "etag"}
    return {name: value for name, value in {**facts, **known}.items() if value not in (None, {})}


def _flat(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", text) for inner, text in value.items())
        elif name == "size":
            yield name, f"{value} ({size_text(value)})" if value >= KIB else value
        else:
            yield name, value
