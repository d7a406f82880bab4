# SPDX-License-Identifier: Apache-2.0
"""Commands for buckets, and for what they hold besides objects: versions and unfinished uploads.

``libcloud mb``, ``rb``, ``versioning``, ``undelete``, ``uploads`` and ``lifecycle``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.failures import Failures, run_tasks
from libcloud.cli.progress import Report
from libcloud.cli.selection import Selection, select, selection_options
from libcloud.cli.settings import Settings, age, argument, option, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text
from libcloud.common.types import LibcloudError
from libcloud.storage.types import ObjectDoesNotExistError, Provider

if TYPE_CHECKING:
    from libcloud.storage.base import ObjectVersion


def open_bucket(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    if store.target.require_container().name:
        is_local = store.target.provider == Provider.LOCAL  # a directory is a bucket
        bucket = store.target.as_directory() if is_local else store.target.with_name("")
        raise click.UsageError(f"{url} names an object, not a bucket: use {bucket}")
    return store


@click.command()
@argument("url")
@store_options
def mb(settings: Settings, *, url: str) -> None:
    """Create the bucket at URL in the region of the store."""
    store = open_bucket(url, settings)
    with error_context(store.target):
        store.driver.create_container(store.target.container)


@click.command()
@argument("url")
@option("--force", "Delete its objects, versions and uploads first.")
@store_options
def rb(settings: Settings, *, url: str, force: bool) -> None:
    """Delete the bucket at URL. It must be empty, unless --force is given."""
    store = open_bucket(url, settings)
    with error_context(store.target):
        if force:
            _empty(store)
        store.driver.delete_container(store.container())


def _empty(store: Store) -> None:
    from libcloud.cli.rm import delete_objects

    container = store.container()
    report, failures = Report(quiet=True), Failures()
    delete_objects(store, container.iterate_objects(), report, failures)
    if store.keeps_versions:
        versions = store.driver.ex_iterate_object_versions(container)
        delete_objects(store, versions, report, failures)
    failures.raise_if_any()
    if store.lists_uploads:
        store.driver.ex_cleanup_multipart_uploads(container, older_than=None)


@click.command()
@argument("url")
@click.argument("state", type=click.Choice(["on", "off"], case_sensitive=False), required=False)
@option("--json", "Print a JSON object.", name="as_json")
@store_options
def versioning(settings: Settings, *, url: str, state: str | None) -> None:
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
    store.require("versions")
    container = store.container()
    with error_context(store.target):
        if state is not None:
            store.driver.ex_set_versioning(container, state.lower() == "on")
        found = store.driver.ex_get_versioning(container)
    click.echo(json.dumps({"versioning": found}) if settings.as_json else found)


@click.command()
@argument("urls", nargs=-1, required=True, metavar="URL...")
@option("-r, --recursive", "Restore all deleted objects below URL.")
@option("-n, --dry-run", "Print what would be restored.")
@option("--json", "Print one JSON object per line.", name="as_json")
@selection_options
@store_options
def undelete(settings: Settings, *, urls: tuple[str, ...]) -> None:
    """Restore the deleted objects at URL..., in a bucket with versioning.

    \b
    Examples:
      libcloud undelete s3://photos/2026/a.jpg
      libcloud undelete --recursive --dry-run s3://photos/2026/

    The delete markers that hide an object are deleted, so that its newest version is current again.
    Objects that were not deleted are unchanged. To restore an older version, copy it: libcloud cp
    --version-id. A key can contain wildcards, as with libcloud rm.
    """
    failures, restored = Failures(), 0
    report = Report(settings.dry_run, settings.as_json, settings.quiet)
    for url in urls:
        selection = select(url, settings)
        store = selection.store
        store.require("versions")

        def done(markers: list[ObjectVersion], store: Store = store) -> None:
            nonlocal restored
            restored += 1
            target = str(store.target.with_name(markers[0].name))
            report.step("restore", "restored", target, action="undelete", url=target)

        with error_context(selection):
            if settings.dry_run:
                for markers in _markers(selection):
                    done(markers)
                continue
            restore = partial(_restore, store)
            run_tasks(store.driver, restore, _markers(selection), failures, jobs=None, done=done)
    if len(urls) > 1 or settings.recursive:
        report.total(restored, "object", "restored")
    failures.raise_if_any()


def _restore(store: Store, markers: list[ObjectVersion]) -> None:
    """Delete delete markers. :raises LibcloudError: the object exists, or is still missing."""
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
    try:
        store.object(name)
    except ObjectDoesNotExistError:
        return False
    except LibcloudError:
        return None
    return True


def _markers(selection: Selection) -> Iterator[list[ObjectVersion]]:
    """For each deleted object, the delete markers that are newer than any of its data."""
    for _, versions in groupby(selection.versions(), key=lambda version: version.name):
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


@click.group()
def uploads() -> None:
    """Manage in-progress uploads: their parts are stored and billed until they are aborted."""


@uploads.command("ls", short_help="List in-progress uploads.")
@argument("url")
@option("--sizes", "Show number and size of the parts; takes a request per upload.")
@option("--json", "Print one JSON object per line.", name="as_json")
@store_options
def list_uploads(settings: Settings, *, url: str, sizes: bool) -> None:
    """List the in-progress uploads of objects whose keys start with URL."""
    store = _open(url, settings)
    container = store.container()
    with error_context(store.target):
        for upload in store.driver.ex_iterate_multipart_uploads(
            container, prefix=store.target.name or None
        ):
            facts = _facts(upload)
            if sizes:
                parts = [part.size for part in store.driver.ex_list_parts(container, upload)]
                facts.update(parts=len(parts), size=sum(parts))
            click.echo(json.dumps(facts) if settings.as_json else _line(facts))


@uploads.command(short_help="Abort the in-progress uploads of an object.")
@argument("url")
@option("--id ID", "Abort only the upload with this id.", name="upload_id")
@store_options
def abort(settings: Settings, *, url: str, upload_id: str | None) -> None:
    """Abort the in-progress uploads of the object at URL, even if data is still being sent."""
    store = _open(url, settings)
    target = store.target.require_object()
    container = store.container()
    with error_context(target):
        if upload_id:
            found = [upload_id]
        else:
            listed = store.driver.ex_iterate_multipart_uploads(container, prefix=target.name)
            found = [upload.id for upload in listed if upload.key == target.name]
        for one in found:
            store.driver._abort_multipart(container, target.name, one)
            click.echo(f"aborted {printable(str(target))} {printable(one)}")
    if not found:
        click.echo(f"libcloud: {printable(str(target))} has no in-progress uploads", err=True)


@uploads.command(short_help="Abort old uploads.")
@argument("url")
@option(
    "--older-than AGE",
    "Minimum age of the uploads to abort; 0s aborts all.",
    type=age,
    default="7d",
    show_default=True,
)
@option("-n, --dry-run", "Print what would be aborted.")
@store_options
def clean(settings: Settings, *, url: str, older_than: timedelta) -> None:
    """Abort old in-progress uploads of objects whose keys start with URL."""
    store = _open(url, settings)
    with error_context(store.target):
        aborted = store.driver.ex_cleanup_multipart_uploads(
            store.container(),
            prefix=store.target.name or None,
            # 0s also aborts uploads that were created within the current second.
            older_than=older_than or None,
            dry_run=settings.dry_run,
        )
    done = "would abort" if settings.dry_run else "aborted"
    for upload in aborted:
        click.echo(f"{done} {_line(_facts(upload))}")
    click.echo(f"{done} {count(len(aborted), 'upload')}", err=True)


def _open(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    store.target.require_container()
    if not store.lists_uploads:
        raise click.UsageError(f"{store.driver.name} does not support multipart uploads")
    return store


def _facts(upload: Any) -> dict[str, Any]:
    created = upload.created_at
    return {
        "name": upload.key,
        "id": upload.id,
        "created_at": created.isoformat() if created is not None else None,
    }


def _line(facts: dict[str, Any]) -> str:
    size = ""
    if "parts" in facts:
        size = f"{count(facts['parts'], 'part'):>10} {size_text(facts['size']):>11}  "
    return printable(f"{facts['created_at'] or '':<25}  {size}{facts['id']}  {facts['name']}")


@click.command()
@argument("url")
@option(
    "--abort-uploads DAYS",
    "Abort unfinished uploads after this many days, such as 7d, or never.",
)
@option("--json", "Print a JSON object.", name="as_json")
@store_options
def lifecycle(settings: Settings, *, url: str, abort_uploads: str | None) -> None:
    """Print after how many days the store aborts unfinished uploads to the bucket, or set it.

    \b
    Examples:
      libcloud lifecycle s3://backups
      libcloud lifecycle s3://backups --abort-uploads 7d

    The parts of an unfinished upload are stored, and billed, until it is aborted. All other
    lifecycle rules of the bucket are kept.
    """
    days = _days(abort_uploads)
    store = open_bucket(url, settings)
    store.require("lifecycle")
    container = store.container()
    with error_context(store.target):
        if abort_uploads is not None:
            store.driver.ex_set_upload_expiry(container, days)
        found = store.driver.ex_get_upload_expiry(container)
    if settings.as_json:
        click.echo(json.dumps({"abort_uploads_days": found}))
    elif found is None:
        click.echo("unfinished uploads are kept")
    else:
        click.echo(f"unfinished uploads are aborted after {found} day{'s' if found > 1 else ''}")


def _days(text: str | None) -> int | None:
    if text is None or text.lower() == "never":
        return None
    match = re.fullmatch(r"0*([1-9][0-9]{0,4})d?", text.strip().lower())
    if not match:
        raise click.UsageError(f"--abort-uploads {text!r} is not a number of days, such as 7d")
    return int(match[1])
