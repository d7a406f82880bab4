# SPDX-License-Identifier: Apache-2.0
"""``libcloud ls``, ``du`` and ``stat``: list buckets and objects, and show their properties."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.reading import modified
from libcloud.cli.selection import Selection, select, selection_options, version_option
from libcloud.cli.settings import Settings, argument, option, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import KIB
from libcloud.utils.headers import parse_time, time_of

if TYPE_CHECKING:
    from libcloud.storage.base import Object


class _Entry(NamedTuple):
    """A line of a listing. ``time`` is a text as the store reports it."""

    name: str
    size: int | None = None
    time: str | None = None
    etag: str | None = None
    version_id: str | None = None
    is_latest: bool | None = None
    type: str = "object"


@click.command()
@argument("url")
@option("-r, --recursive", "List all objects below URL.", name="flat")
@option("--versions", "List all versions of objects, and delete markers.")
@option("-h, --human", "Print sizes like 1.5 MiB.")
@option("--json", "Print one JSON object per line.", name="as_json")
@option("--total", "Print number and total size of the objects to standard error.")
@selection_options
@store_options
def ls(
    settings: Settings, *, url: str, flat: bool, versions: bool, human: bool, total: bool
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

    With --versions, the columns are time, size (DELETED for a delete marker), version id and key;
    keys are not grouped. The newest version of a key comes first.
    """
    store = open_store(url, settings)
    target = store.target
    if versions:
        target.require_container()
        store.require("versions")
    shown = objects = size = 0
    with error_context(target):
        selection = Selection(store)
        if versions:
            entries = _versions(selection)
        else:
            entries = _objects(selection, flat) if target.container else _containers(store)
        for entry in entries:
            facts = {name: fact for name, fact in entry._asdict().items() if fact is not None}
            print_line(json.dumps(facts) if settings.as_json else _as_line(entry, human=human))
            shown += 1
            objects += entry.type == "object"
            size += entry.size or 0
        if target.name and not shown:
            raise NoObjectsError("no objects match")
    if total:
        click.echo(f"{count(objects, 'object')}, {size_text(size)}", err=True)


@click.command()
@argument("url")
@option("--json", "Print a JSON object.", name="as_json")
@version_option
@store_options
def stat(settings: Settings, *, url: str) -> None:
    """Show the properties of the object or bucket at URL, and the tags of an object.

    Times are printed with their time zone, as in 2026-11-29T17:29:53+00:00.
    """
    store = open_store(url, settings)
    target = store.target.require_container()
    if settings.version_id is not None:
        target.require_object()
    with error_context(target.label(settings.version_id)):
        facts = facts_of_object(store) if target.name else facts_of_bucket(store)
    if settings.as_json:
        click.echo(json.dumps(facts, default=str))
        return
    lines = [(f"{escaped(name)}:", escaped(str(value))) for name, value in _flat(facts)]
    width = max(len(name) for name, _ in lines) + 1
    for name, value in lines:
        print_line(f"{name:<{width}}{value}")


def _versions(selection: Selection) -> Iterator[_Entry]:
    for version in selection.versions(is_prefix=True):
        entry, marker = _entry(version), version.is_delete_marker
        yield entry._replace(
            size=None if marker else entry.size,
            version_id=version.version_id,
            is_latest=bool(version.is_latest),
            type="delete_marker" if marker else "version",
        )


def _containers(store: Store) -> Iterator[_Entry]:
    for container in store.driver.iterate_containers():
        created = str(container.extra.get("creation_date") or "")
        yield _Entry(container.name, time=created or None, type="container")


def _objects(selection: Selection, flat: bool) -> Iterator[_Entry]:
    container, prefix = selection.store.container(), selection.store.target.name
    if selection.has_wildcard:
        yield from map(_entry, selection.objects())
        return
    from libcloud.storage.base import iterate_directory

    listed: Iterable[Any] = iterate_directory(container, prefix)
    if flat:
        listed = container.iterate_objects(prefix=prefix or None)
    last = ""
    for found in listed:
        name = found if isinstance(found, str) else found.name
        if not selection.settings.filters.select(name[len(selection.base) :]):
            continue
        if not isinstance(found, str):
            yield _entry(found)
        elif found != last:
            yield _Entry(found, type="directory")
            last = found


def _entry(obj: Object) -> _Entry:
    time = str(obj.extra.get("last_modified") or "")
    if not time.endswith("Z"):  # not in the format of S3
        when = modified(obj)
        time = when.isoformat() if when else time
    return _Entry(obj.name, int(obj.size), time or None, obj.hash)


def _as_line(entry: _Entry, *, human: bool) -> str:
    size = ""
    if entry.size is not None:
        size = size_text(entry.size) if human else str(entry.size)
    elif entry.type != "container":
        size = "DIR" if entry.type == "directory" else "DELETED"
    version = "" if entry.version_id is None else f"{escaped(entry.version_id):<32}  "
    size = f"{size:>{11 if human else 14}}"
    return f"{_local_time(entry.time):<19} {size}  {version}{escaped(entry.name)}"


def _local_time(text: str | None) -> str:
    """A time of the store in the local time zone, without fractions of a second."""
    if not text:
        return ""
    when = parse_time(text)
    if when is None:
        return escaped(text)
    with contextlib.suppress(OverflowError, ValueError, OSError):  # 0001-01-01, west of Greenwich
        when = when.astimezone()
    return when.strftime("%Y-%m-%d %H:%M:%S")


def escaped(text: str) -> str:
    """``text`` for standard output, with control characters escaped on a terminal."""
    return printable(text) if sys.stdout.isatty() else text


def print_line(line: str) -> None:
    """Print a line with names; click would remove escape sequences of names from a pipe."""
    click.echo(line, color=True)


def _flat(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", text) for inner, text in value.items())
        elif name == "size":
            yield name, f"{value} ({size_text(value)})" if value >= KIB else value
        else:
            yield name, value


@click.command()
@argument("url")
@option("-s, --summarize", "Print only the total.")
@option("-h, --human", "Print sizes like 1.5 MiB.")
@option("--json", "Print one JSON object per line.", name="as_json")
@selection_options
@store_options
def du(settings: Settings, *, url: str, summarize: bool, human: bool) -> None:
    """Print the number and total size of the objects below URL, for each directory in it.

    \b
    Examples:
      libcloud du --human s3://backups
      libcloud du --summarize 's3://logs/2026/**/*.gz'

    Versions that were replaced and the parts of in-progress uploads are not included; see
    libcloud uploads ls --sizes.
    """
    selection = select(url, settings._replace(recursive=True))
    totals: dict[str, list[int]] = {}
    with error_context(selection.store.target):
        for obj in selection.objects():
            directory, slash, _ = selection.relative(obj).partition("/")
            name = f"{selection.base}{directory}{slash}" if slash else ""
            total = totals.setdefault(name, [0, 0])
            total[0] += 1
            total[1] += int(obj.size)

    def show(name: str, objects: int, size: int) -> None:
        if settings.as_json:
            click.echo(json.dumps({"name": name, "objects": objects, "size": size}))
            return
        shown = f"{size_text(size):>11}" if human else f"{size:>16}"
        print_line(f"{shown}  {count(objects, 'object'):>16}  {escaped(name)}")

    if not summarize:
        for name, (objects, size) in sorted(totals.items()):
            if name:
                show(name, objects, size)
    show(str(selection), *map(sum, zip(*totals.values(), strict=True)))


# Properties that are times: text of HTTP or XML, or seconds since 1970.
_TIMES = frozenset(
    {
        *("access_time", "created_at", "creation_date", "creation_time"),
        *("expires", "last_modified", "lock_until", "modify_time"),
    }
)


def facts_of_object(store: Store) -> dict[str, Any]:
    obj = _object(store)
    facts: dict[str, Any] = {
        "name": obj.name,
        "container": obj.container.name,
        "size": obj.size,
        "hash": obj.hash,
        "metadata": obj.meta_data,
    }
    for key, value in obj.extra.items():
        if key != "etag":
            facts["version_id" if key == "latest_version_id" else key] = value
    # "rclone serve s3" has no tags: it sends the object in response to a request for them.
    if store.driver.capabilities.tags and int(obj.extra.get("tag_count") or 0):
        facts["tags"] = _optional(lambda: store.driver.ex_get_object_tags(obj))
    return _known(facts)


def facts_of_bucket(store: Store) -> dict[str, Any]:
    driver = store.driver
    container = driver.get_container(store.target.container)
    facts = {"container": container.name, **container.extra}
    if driver.capabilities.versions:
        facts["versioning"] = _optional(lambda: driver.ex_get_versioning(container))
    return _known(facts)


def _object(store: Store) -> Object:
    name, version_id = store.target.name, store.settings.version_id
    if getattr(store.driver, "http_vendor_prefix", "") != "x-amz":
        return store.object(name, version_id)
    try:
        return store.object(name, version_id, ex_checksum_mode=True)
    except LibcloudError as error:
        if getattr(error, "status", None) not in (400, 403, 501):
            raise
        # Without the permission to use the key of the object, there is no checksum.
        return store.object(name, version_id)


def _optional(request: Callable[[], Any]) -> Any:
    """The result of ``request``; ``None`` if the store does not support it, or denies access."""
    try:
        return request()
    except LibcloudError as error:
        if getattr(error, "status", None) is None:
            raise
        return None


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in facts.items() if _is_known(value)}
    for name in _TIMES & known.keys():
        when = time_of(known[name])
        if when is not None:  # Expires can be any text
            known[name] = when.isoformat()
    return known


def _is_known(value: object) -> bool:
    if isinstance(value, dict):
        return any(one is not None for one in value.values())
    return value is not None
