# SPDX-License-Identifier: Apache-2.0
"""``libcloud rm``: deletes objects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import FAILED, NoObjectsError, ReportedError, error_context
from libcloud.cli.failures import Failures
from libcloud.cli.patterns import Filters, filter_options
from libcloud.cli.selection import Selection, literal_option
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable
from libcloud.common.types import LibcloudError
from libcloud.storage.types import FailedDeletion

if TYPE_CHECKING:
    from libcloud.storage.base import Object


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("-r", "--recursive", is_flag=True, help="Delete all objects below URL.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be deleted.")
@click.option("-f", "--force", is_flag=True, help="Ignore objects that do not exist.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print the names of deleted objects.")
@filter_options
@literal_option
@store_options
def rm(
    settings: Settings,
    *,
    urls: tuple[str, ...],
    recursive: bool,
    dry_run: bool,
    force: bool,
    filters: Filters,
    literal: bool,
) -> None:
    """Delete the objects at URL...

    A key can contain wildcards: * and ? match any characters except slashes, ** also matches
    slashes. Quote them, and try --dry-run first.

    With --recursive, a URL is a directory, with or without a slash at its end: s3://photos/2026
    deletes 2026/a.jpg but not 2026-draft.jpg. s3://photos deletes everything in the bucket.
    """
    failed = 0
    for url in urls:
        store = open_store(url, settings)
        target = store.target.require_container()
        if not recursive:
            target.require_object()
        selection = Selection(store, recursive, filters, literal)
        with error_context(target):
            objects = _selected(selection, force)
            failed += delete_objects(store, objects, dry_run=dry_run, quiet=settings.quiet)
    if failed:
        raise ReportedError(FAILED)


def _selected(selection: Selection, force: bool) -> Iterator[Object]:
    """The objects to delete. Their existence is checked here, because S3 does not report it."""
    store = selection.store
    if force and selection.is_single:
        from libcloud.storage.base import Object

        yield Object(store.target.name, 0, None, {}, {}, store.container(), store.driver)
        return
    try:
        yield from selection.objects()
    except NoObjectsError:
        if not force:
            raise


def delete_objects(store: Store, objects: Iterator[Object], *, dry_run: bool, quiet: bool) -> int:
    """Delete ``objects`` and print their names; return how many could not be deleted."""
    failures, number = Failures(2), 0
    for name, error in _outcomes(store, objects, dry_run):
        number += 1
        target = store.target.with_name(name)
        if error is not None:
            failures.add(error, target)
        elif not quiet:
            click.echo(f"{'would delete' if dry_run else 'deleted'} {printable(str(target))}")
    if number > 1 and not quiet:
        done = "would be deleted" if dry_run else "deleted"
        click.echo(f"{count(number - failures.count, 'object')} {done}", err=True)
    return failures.count


def _outcomes(
    store: Store, objects: Iterator[Object], dry_run: bool
) -> Iterator[tuple[str, Exception | None]]:
    """Delete the objects; the name of each, with its error or ``None``."""
    first = list(itertools.islice(objects, 2))
    objects = itertools.chain(first, objects)
    if dry_run:
        yield from ((obj.name, None) for obj in objects)
    elif len(first) == 1:
        yield from ((obj.name, _delete_one(obj)) for obj in objects)
    else:
        for result in store.driver.ex_iterate_deletions(objects):
            error = result.error if isinstance(result, FailedDeletion) else None
            yield result.object_name, error


def _delete_one(obj: Object) -> Exception | None:
    try:
        obj.delete()
    except LibcloudError as error:
        return error
    return None
