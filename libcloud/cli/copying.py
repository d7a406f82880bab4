# SPDX-License-Identifier: Apache-2.0
"""``libcloud cp``: the store copies objects by itself; no byte of them comes here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import NothingThereError, about
from libcloud.cli.failures import Collected, told
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings, transfer_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import Target, is_url, parse_target
from libcloud.cli.text import count

if TYPE_CHECKING:
    from libcloud.storage.base import Container, Object

__all__ = ["cp"]


@click.command()
@click.argument("source", metavar="URL")
@click.argument("destination", metavar="URL")
@click.option("-r", "--recursive", is_flag=True, help="Copy all objects below the first URL.")
@transfer_options
def cp(settings: Settings, *, source: str, destination: str, recursive: bool) -> None:
    """Have the store copy the object at the first URL to the second.

    A second URL that ends in a slash, or names a container alone, is a directory. With --recursive
    both are. Between stores, or to a file, use libcloud get and libcloud put.
    """
    for text, other in ((source, "put"), (destination, "get")):
        if not is_url(text):
            raise click.UsageError(f"{text!r} is no URL: for files use libcloud {other}")
    store = open_store(source, settings)
    target = parse_target(destination, settings.provider).require_container()
    store.target.require_container()
    _check(store, target)
    container = store.container(target.container)
    if recursive:
        _copy_all(store, target, container, settings)
        return
    name = store.target.require_object().name
    if target.is_directory:
        target = target.with_name(target.name + name.rpartition("/")[2])
    with about(store.target):
        obj = store.object(name)
    progress = Progress(str(target), int(obj.size), settings)
    with about(target), progress, told(progress, target):
        _copy(store, obj, container, target.name, progress, settings)
    progress.done(f"copied {store.target} to {target}")


def _check(store: Store, target: Target) -> None:
    one, other = store.target, target
    if (one.provider, one.base) != (other.provider, other.base):
        raise click.UsageError(
            f"{other} is in another store: libcloud cat '{one}' | libcloud put - '{other}'"
        )
    if not hasattr(store.driver, "ex_copy_object"):
        raise click.UsageError(
            f"{store.driver.name} does not copy by itself: "
            f"libcloud cat '{one}' | libcloud put - '{other}'"
        )


def _copy_all(store: Store, target: Target, container: Container, settings: Settings) -> None:
    start, goal = store.target.as_directory(), target.as_directory()
    with about(start):
        # All names first: the copies may be below the source.
        objects = list(store.container().iterate_objects(prefix=start.name or None))
    if not objects:
        raise NothingThereError(f"there is no object below {start}")
    failed = Collected(2)
    with Progress("", sum(int(obj.size) for obj in objects), settings) as progress:
        for number, obj in enumerate(objects, 1):
            name = goal.name + obj.name[len(start.name) :]
            progress.meter.begin(f"{number}/{len(objects)} {name}")
            with failed.one(), about(goal.with_name(name)), told(progress, goal.with_name(name)):
                _copy(store, obj, container, name, progress, settings)
                progress.meter.end()
    copied = count(len(objects) - failed.number, "object")
    progress.done(f"copied {copied} from {start} to {goal}")
    failed.finish()


def _copy(
    store: Store,
    obj: Object,
    container: Container,
    name: str,
    progress: Progress,
    settings: Settings,
) -> None:
    options = {"ex_window": settings.window, "ex_part_size": settings.part_size}
    store.driver.ex_copy_object(obj, container, name, on_event=progress.listen, **options)
    if progress.meter.current != obj.size:  # it was one request
        progress.meter.current = int(obj.size)
