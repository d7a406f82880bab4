# SPDX-License-Identifier: Apache-2.0
"""``libcloud uploads``: in-progress multipart uploads, whose parts are stored and billed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click

from libcloud.cli.errors import error_context
from libcloud.cli.settings import Settings, age, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text


@click.group()
def uploads() -> None:
    """Manage in-progress uploads: their parts are stored and billed until they are aborted."""


@uploads.command("ls", short_help="List in-progress uploads.")
@click.argument("url")
@click.option(
    "--sizes", is_flag=True, help="Show number and size of the parts; takes a request per upload."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@store_options
def list_uploads(settings: Settings, *, url: str, sizes: bool, as_json: bool) -> None:
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
            click.echo(json.dumps(facts) if as_json else _line(facts))


@uploads.command(short_help="Abort the in-progress uploads of an object.")
@click.argument("url")
@click.option("--id", "upload_id", metavar="ID", help="Abort only the upload with this id.")
@store_options
def abort(settings: Settings, *, url: str, upload_id: str | None) -> None:
    """Abort the in-progress uploads of the object at URL, even if data is still being sent."""
    store = _open(url, settings)
    target = store.target.require_object()
    container = store.container()
    with error_context(target):
        found = [upload_id] if upload_id else _ids(store)
        for one in found:
            store.driver._abort_multipart(container, target.name, one)
            click.echo(f"aborted {printable(str(target))} {printable(one)}")
    if not found:
        click.echo(f"libcloud: {printable(str(target))} has no in-progress uploads", err=True)


@uploads.command(short_help="Abort old uploads.")
@click.argument("url")
@click.option(
    "--older-than",
    type=age,
    default="7d",
    show_default=True,
    help="Minimum age of the uploads to abort; 0s aborts all.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be aborted.")
@store_options
def clean(settings: Settings, *, url: str, older_than: timedelta, dry_run: bool) -> None:
    """Abort old in-progress uploads of objects whose keys start with URL."""
    store = _open(url, settings)
    with error_context(store.target):
        aborted = store.driver.ex_cleanup_multipart_uploads(
            store.container(),
            prefix=store.target.name or None,
            # 0s also aborts uploads that were created within the current second.
            older_than=older_than or None,
            dry_run=dry_run,
        )
    done = "would abort" if dry_run else "aborted"
    for upload in aborted:
        click.echo(f"{done} {_line(_facts(upload))}")
    click.echo(f"{done} {count(len(aborted), 'upload')}", err=True)


def _open(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    store.target.require_container()
    if not store.lists_uploads:
        raise click.UsageError(f"{store.driver.name} does not support multipart uploads")
    return store


def _ids(store: Store) -> list[str]:
    name = store.target.name
    found = store.driver.ex_iterate_multipart_uploads(store.container(), prefix=name)
    return [upload.id for upload in found if upload.key == name]


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
