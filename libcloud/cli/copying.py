# SPDX-License-Identifier: Apache-2.0
"""``libcloud cp``: the store copies objects by itself; no byte of them comes here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from libcloud.cli.crew import Crew
from libcloud.cli.errors import NothingThereError, about
from libcloud.cli.failures import Collected, told
from libcloud.cli.meter import Flow
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings, job_options
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
@job_options
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
    with about(target), progress, progress.flow(str(target)) as flow, told(flow, target):
        _copy(_Copy(store, container, progress, settings), obj, target.name, flow)
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
    failed, crew = Collected(2), Crew(min(settings.jobs, len(objects)))

    def copy_one(number: int, obj: Object) -> None:
        name = goal.name + obj.name[len(start.name) :]
        where = goal.with_name(name)
        with (
            about(where),
            progress.flow(f"{number}/{len(objects)} {name}") as flow,
            told(flow, where),
        ):
            _copy(how, obj, name, flow)

    with Progress("", sum(int(obj.size) for obj in objects), settings) as progress:
        how = _Copy(store, container, progress, settings)
        crew.do((partial(copy_one, *one) for one in enumerate(objects, 1)), failed)
    copied = count(len(objects) - failed.number, "object")
    progress.done(f"copied {copied} from {start} to {goal}")
    failed.finish()


@dataclass(frozen=True, slots=True)
class _Copy:
    """How objects are copied, and where to."""

    store: Store
    container: Container
    progress: Progress
    settings: Settings


def _copy(how: _Copy, obj: Object, name: str, flow: Flow) -> None:
    options = {"ex_window": how.settings.window, "ex_part_size": how.settings.part_size}
    listener = how.progress.listener(flow)
    how.store.driver.ex_copy_object(obj, how.container, name, on_event=listener, **options)
    flow.complete(int(obj.size))  # it may have been one request
