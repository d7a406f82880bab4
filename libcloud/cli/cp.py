# SPDX-License-Identifier: Apache-2.0
"""``libcloud cp``: server-side copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.failures import Failures, report_unfinished_upload
from libcloud.cli.meter import Transfer
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings, job_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import Target, is_url, parse_target
from libcloud.cli.text import count
from libcloud.cli.worker_pool import WorkerPool

if TYPE_CHECKING:
    from libcloud.storage.base import Container, Object

__all__ = ["cp"]


@click.command()
@click.argument("source", metavar="SOURCE_URL")
@click.argument("destination", metavar="DESTINATION_URL")
@click.option("-r", "--recursive", is_flag=True, help="Copy all objects below SOURCE_URL.")
@job_options
def cp(settings: Settings, *, source: str, destination: str, recursive: bool) -> None:
    """Copy the object at SOURCE_URL to DESTINATION_URL within a store.

    The store copies the data; it is not downloaded. A DESTINATION_URL that ends in a slash or names
    only a bucket is a directory. With --recursive, both URLs are directories. To copy between
    stores or to a file, use libcloud get and libcloud put.
    """
    for text, other in ((source, "put"), (destination, "get")):
        if not is_url(text):
            raise click.UsageError(f"{text!r} is not a valid URL: for files, use libcloud {other}")
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
    with error_context(store.target):
        obj = store.object(name)
    progress = Progress(str(target), int(obj.size), settings)
    with (
        error_context(target),
        progress,
        progress.transfer(str(target)) as transfer,
        report_unfinished_upload(transfer, target),
    ):
        _Copier(store, container, progress, settings).copy(obj, target.name, transfer)
    progress.finish(f"copied {store.target} to {target}")


def _check(store: Store, target: Target) -> None:
    source = store.target
    pipeline = f"libcloud cat '{source}' | libcloud put - '{target}'"
    if (source.provider, source.base) != (target.provider, target.base):
        raise click.UsageError(f"{target} is in a different store: use {pipeline}")
    if not hasattr(store.driver, "ex_copy_object"):
        raise click.UsageError(
            f"{store.driver.name} does not support server-side copies: use {pipeline}"
        )


def _copy_all(store: Store, target: Target, container: Container, settings: Settings) -> None:
    source, destination = store.target.as_directory(), target.as_directory()
    with error_context(source):
        # List everything first: the copies may be below the source.
        objects = list(store.container().iterate_objects(prefix=source.name or None))
    if not objects:
        raise NoObjectsError(f"no objects match {source}")
    failures, pool = Failures(2), WorkerPool(min(settings.jobs, len(objects)))

    def copy_one(number: int, obj: Object) -> None:
        name = destination.name + obj.name[len(source.name) :]
        url = destination.with_name(name)
        with (
            error_context(url),
            progress.transfer(f"{number}/{len(objects)} {name}") as transfer,
            report_unfinished_upload(transfer, url),
        ):
            copier.copy(obj, name, transfer)

    with Progress("", sum(int(obj.size) for obj in objects), settings) as progress:
        copier = _Copier(store, container, progress, settings)
        pool.run((partial(copy_one, *one) for one in enumerate(objects, 1)), failures)
    copied = count(len(objects) - failures.count, "object")
    progress.finish(f"copied {copied} from {source} to {destination}")
    failures.raise_if_any()


@dataclass(frozen=True, slots=True)
class _Copier:
    """Copies objects to one container."""

    store: Store
    container: Container
    progress: Progress
    settings: Settings

    def copy(self, obj: Object, name: str, transfer: Transfer) -> None:
        self.store.driver.ex_copy_object(
            obj,
            self.container,
            name,
            on_event=self.progress.listener(transfer),
            ex_window=self.settings.window,
            ex_part_size=self.settings.part_size,
        )
        transfer.complete(int(obj.size))  # a copy by a single request sends no events
