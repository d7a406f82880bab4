# SPDX-License-Identifier: Apache-2.0
"""``libcloud mb``, ``rb``, ``versioning`` and ``undelete``: buckets and their versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.failures import Failures, run_tasks
from libcloud.cli.progress import Report
from libcloud.cli.selection import Filters, Selection, filter_options, literal_option
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.common.types import LibcloudError
from libcloud.storage.types import ObjectDoesNotExistError

if TYPE_CHECKING:
    from libcloud.storage.base import ObjectVersion


@click.command()
@click.argument("url")
@click.argument("state", type=click.Choice(["on", "off"], case_sensitive=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@store_options
def versioning(settings: Settings, *, url: str, state: str | None, as_json: bool) -> None:
    """Print whether the bucket at URL keeps versions of its objects, or change it.

    \b
    Examples:
      libcloud versioning s3://backups
      libcloud versioning s3://backups on

    With "on", a replaced or deleted object is kept as a version, and takes up space until the
    version is deleted. "off" suspends this: existing versions are kept. The output is enabled,
    suspended or disabled; disabled means that versioning never was enabled.
    """
    store = open_bucket(url, settings)
    store.require_versions()
    container = store.container()
    with error_context(store.target):
        if state is not None:
            store.driver.ex_set_versioning(container, state.lower() == "on")
        found = store.driver.ex_get_versioning(container)
    click.echo(json.dumps({"versioning": found}) if as_json else found)


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("-r", "--recursive", is_flag=True, help="Restore all deleted objects below URL.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be restored.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@filter_options
@literal_option
@store_options
def undelete(
    settings: Settings,
    *,
    urls: tuple[str, ...],
    recursive: bool,
    dry_run: bool,
    as_json: bool,
    filters: Filters,
    literal: bool,
) -> None:
    """Restore the deleted objects at URL..., in a bucket with versioning.

    \b
    Examples:
      libcloud undelete s3://photos/2026/a.jpg
      libcloud undelete --recursive --dry-run s3://photos/2026/

    The delete markers that hide an object are deleted, so that its newest version is current again.
    Objects that were not deleted are unchanged. To restore an older version, copy it: libcloud cp
    --version-id. A key can contain wildcards, as with libcloud rm.
    """
    failures, restored = Failures(2), 0
    report = Report(dry_run, as_json, settings.quiet)
    for url in urls:
        store = open_store(url, settings)
        store.target.require_container()
        store.require_versions()
        selection = Selection(store, recursive, filters, literal)
        if selection.is_single:
            store.target.require_object()

        def done(markers: list[ObjectVersion], store: Store = store) -> None:
            nonlocal restored
            restored += 1
            target = str(store.target.with_name(markers[0].name))
            report.step("restore", "restored", target, action="undelete", url=target)

        with error_context(selection):
            if dry_run:
                for markers in _markers(selection):
                    done(markers)
                continue
            restore = partial(_restore, store)
            run_tasks(store.driver, restore, _markers(selection), failures, jobs=None, done=done)
    if len(urls) > 1 or recursive:
        report.total(restored, "object", "restored")
    failures.raise_if_any()


def _restore(store: Store, markers: list[ObjectVersion]) -> None:
    """Delete the delete markers of an object.

    :raises LibcloudError: the object is still missing; some stores ignore the ids of delete
        markers. Or it is there already.
    """
    name = markers[0].name
    with error_context(store.target.with_name(name)):
        # While versioning is suspended, all versions that are made have this id: it may be that of
        # an object which was stored since the listing, and would be lost.
        if any(marker.version_id == "null" for marker in markers) and _exists(store, name):
            raise LibcloudError("not restored: an object of this name was stored meanwhile")
        for marker in markers:
            marker.delete()
        if _exists(store, name) is False:
            raise LibcloudError(
                "its delete marker was deleted, but the store still has no object of this name"
            )


def _exists(store: Store, name: str) -> bool | None:
    """Whether an object exists; ``None``: unknown, such as without a permission."""
    try:
        store.object(name)
    except ObjectDoesNotExistError:
        return False
    except LibcloudError:
        return None
    return True


def _markers(selection: Selection) -> Iterator[list[ObjectVersion]]:
    """For each deleted object, the delete markers that are newer than any of its data.

    :raises NoObjectsError: no object matches, or the only one has no data.
    """
    number = 0
    for _, versions in groupby(selection.versions(), key=lambda version: version.name):
        number += 1
        markers: list[ObjectVersion] = []
        for version in versions:
            if not version.is_delete_marker:
                if markers:
                    yield markers
                break
            markers.append(version)
        else:
            if selection.is_single:
                raise NoObjectsError("no version of the object has data")
    if not number:
        raise NoObjectsError(f"no versions match {selection}")


def open_bucket(url: str, settings: Settings) -> Store:
    """The store of the URL of a bucket.

    :raises click.UsageError: the URL names an object.
    """
    store = open_store(url, settings)
    if store.target.require_container().name:
        raise click.UsageError(
            f"{url} names an object, not a bucket: use {store.target.with_name('')}"
        )
    return store


@click.command()
@click.argument("url")
@store_options
def mb(settings: Settings, *, url: str) -> None:
    """Create the bucket at URL in the region of the store."""
    store = open_bucket(url, settings)
    with error_context(store.target):
        store.driver.create_container(store.target.container)


@click.command()
@click.argument("url")
@click.option("--force", is_flag=True, help="Delete its objects, versions and uploads first.")
@store_options
def rb(settings: Settings, *, url: str, force: bool) -> None:
    """Delete the bucket at URL. It must be empty, unless --force is given."""
    store = open_bucket(url, settings)
    with error_context(store.target):
        if force:
            _empty(store)
        store.driver.delete_container(store.container())


def _empty(store: Store) -> None:
    """Delete all objects and versions, and abort all in-progress uploads.

    :raises ReportedError: an object could not be deleted. The errors were printed.
    """
    from libcloud.cli.rm import delete_objects

    container = store.container()
    report, failures = Report(quiet=True), Failures(2)
    delete_objects(store, container.iterate_objects(), report, failures)
    if store.keeps_versions:
        versions = store.driver.ex_iterate_object_versions(container)
        delete_objects(store, versions, report, failures)
    failures.raise_if_any()
    if store.lists_uploads:
        store.driver.ex_cleanup_multipart_uploads(container, older_than=None)
