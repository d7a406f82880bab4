# SPDX-License-Identifier: Apache-2.0
"""``libcloud ls`` and ``libcloud stat``: list buckets and objects, and show their properties."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.patterns import Filters, filter_options
from libcloud.cli.selection import Selection, literal_option
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text
from libcloud.storage.capabilities import KIB
from libcloud.storage.s3.values import parse_time

if TYPE_CHECKING:
    from libcloud.storage.base import Object


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a listing.

    :param kind: ``"container"``, ``"directory"`` or ``"object"``.
    :param time: as the store reports it; ``None`` if it does not.
    """

    kind: str
    name: str
    size: int | None = None
    time: str | None = None
    etag: str | None = None


@click.command()
@click.argument("url")
@click.option("-r", "--recursive", is_flag=True, help="List all objects below URL.")
@click.option("-h", "--human", is_flag=True, help="Print sizes like 1.5 MiB.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--total", is_flag=True, help="Print number and total size of the objects to standard error."
)
@filter_options
@literal_option
@store_options
def ls(
    settings: Settings,
    *,
    url: str,
    recursive: bool,
    human: bool,
    as_json: bool,
    total: bool,
    filters: Filters,
    literal: bool,
) -> None:
    """List the buckets of a store (s3://), or the objects whose keys start with URL.

    \b
    Examples:
      libcloud ls s3://
      libcloud ls --human s3://photos/2026/
      libcloud ls --recursive --json s3://photos | jq .name
      libcloud ls 's3://photos/2026/**/*.jpg'

    Keys with further slashes are grouped into directories, unless --recursive is given or URL has
    wildcards: * and ? match any characters except slashes, ** also matches slashes. The columns are
    time, size and key. On a terminal, control characters are escaped.
    """
    store = open_store(url, settings)
    target = store.target
    shown = objects = size = 0
    with error_context(target):
        selection = Selection(store, filters=filters, literal=literal)
        for entry in _objects(selection, recursive) if target.container else _containers(store):
            click.echo(_as_json(entry) if as_json else _as_line(entry, human=human))
            shown += 1
            objects += entry.kind == "object"
            size += entry.size or 0
        if target.name and not shown:
            raise NoObjectsError("no objects match")
    if total:
        click.echo(f"{count(objects, 'object')}, {size_text(size)}", err=True)


@click.command()
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@store_options
def stat(settings: Settings, *, url: str, as_json: bool) -> None:
    """Show the properties of the object or bucket at URL."""
    store = open_store(url, settings)
    target = store.target.require_container()
    with error_context(target):
        if target.name:
            facts = _facts(store.object(target.name))
        else:
            container = store.driver.get_container(target.container)
            facts = {"container": container.name, **container.extra}
    if as_json:
        click.echo(json.dumps(facts, default=str))
        return
    for name, value in _flat(facts):
        click.echo(f"{escaped(name) + ':':<15}{escaped(str(value))}")


def _containers(store: Store) -> Iterator[_Entry]:
    for container in store.driver.iterate_containers():
        created = container.extra.get("creation_date")
        yield _Entry("container", container.name, time=str(created) if created else None)


def _objects(selection: Selection, recursive: bool) -> Iterator[_Entry]:
    """The objects that match the target, grouped at the next slash unless ``recursive``."""
    store, filters = selection.store, selection.filters
    container, prefix = store.container(), store.target.name
    if selection.has_wildcard:
        yield from map(_entry, selection.objects())
        return
    if recursive:
        for obj in container.iterate_objects(prefix=prefix or None):
            if filters.select(selection.relative(obj)):
                yield _entry(obj)
        return
    from libcloud.storage.base import iterate_directory

    last = ""
    for found in iterate_directory(container, prefix):
        name = found if isinstance(found, str) else found.name
        if not filters.select(name[len(selection.base) :]):
            continue
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
    return f"{_local_time(entry.time):<19} {size:>{11 if human else 14}}  {escaped(entry.name)}"


def _local_time(text: str | None) -> str:
    """The time that a store reported, in the local time zone, without fractions of a second."""
    if not text:
        return ""
    when = parse_time(text)
    if when is None:
        return escaped(text)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def escaped(text: str) -> str:
    """``text`` for standard output, with control characters escaped on a terminal."""
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
