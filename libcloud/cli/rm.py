# SPDX-License-Identifier: Apache-2.0
"""``libcloud rm``: deletes objects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.failures import Failures
from libcloud.cli.progress import Report
from libcloud.cli.selection import Selection, select, selection_options, version_option
from libcloud.cli.settings import Settings, argument, option, store_options
from libcloud.cli.stores import Store
from libcloud.storage.types import DeletedObject, Deletion, FailedDeletion

if TYPE_CHECKING:
    from libcloud.storage.base import Object


@click.command()
@argument("urls", nargs=-1, required=True, metavar="URL...")
@option("-r, --recursive", "Delete all objects below URL.")
@option("-n, --dry-run", "Print what would be deleted.")
@option("-f, --force", "Ignore objects that do not exist.")
@option("-q, --quiet", "Do not print the names of deleted objects.")
@option("--json", "Print one JSON object per line.", name="as_json")
@option("--versions", "Delete all versions and delete markers, permanently.")
@version_option
@selection_options
@store_options
def rm(settings: Settings, *, urls: tuple[str, ...], force: bool, versions: bool) -> None:
    """Delete the objects at URL...

    A key can contain wildcards: * and ? match any characters except slashes, ** also matches
    slashes. Quote them, and try --dry-run first.

    With --recursive, a URL is a directory, with or without a slash at its end: s3://photos/2026
    deletes 2026/a.jpg but not 2026-draft.jpg. s3://photos deletes everything in the bucket.

    A bucket with versioning keeps the versions of deleted objects: libcloud undelete restores them.
    --version-id and --versions delete versions permanently.
    """
    has_version = settings.version_id is not None
    if has_version and (len(urls) > 1 or settings.recursive or versions):
        raise click.UsageError("--version-id needs the URL of a single object")
    report = Report(settings.dry_run, settings.as_json, settings.quiet)
    failures = Failures(single=len(urls) == 1)
    for url in urls:
        selection = select(url, settings)
        if versions or has_version:
            selection.store.require("versions")
        with failures.collect(), error_context(selection.label):
            objects = _selected(selection, force, versions)
            delete_objects(selection.store, objects, report, failures)
    failures.raise_if_any()


def _selected(selection: Selection, force: bool, versions: bool) -> Iterator[Object]:
    """The objects to delete. Their existence is checked here, because S3 does not report it."""
    store = selection.store
    of_versions = versions or store.settings.version_id is not None
    if force and selection.is_single and not of_versions:
        yield store.reference(store.target.name)
        return
    try:
        yield from selection.versions() if of_versions else selection.objects()
    except NoObjectsError:
        if not force:
            raise


def delete_objects(
    store: Store, objects: Iterator[Object], report: Report, failures: Failures
) -> None:
    number, failed, kind = 0, failures.count, "object"
    for result in _outcomes(store, objects, report.dry_run):
        number += 1
        version_id, url = result.version_id, store.target.with_name(result.object_name)
        label = url.label(version_id)
        if isinstance(result, FailedDeletion):
            failures.add(result.error, label)
        else:
            facts = {"action": "delete", "url": str(url), "version_id": version_id}
            report.step("delete", "deleted", label, **facts)
        kind = "object" if version_id is None else "version"
    if number > 1 and not report.quiet:
        report.total(number - (failures.count - failed), kind, "deleted")


def _outcomes(store: Store, objects: Iterator[Object], dry_run: bool) -> Iterator[Deletion]:
    """Delete the objects, a single one without DeleteObjects; the outcome for each."""
    driver, first = store.driver, list(itertools.islice(objects, 2))
    objects = itertools.chain(first, objects)
    if dry_run:
        for obj in objects:
            version_id = getattr(obj, "version_id", None)
            yield DeletedObject(obj.container.name, obj.name, version_id)
    elif len(first) == 1:
        yield driver._delete_place(driver._place_of(first[0], None))
    else:
        yield from driver.ex_iterate_deletions(objects)
