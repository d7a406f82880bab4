# SPDX-License-Identifier: Apache-2.0
"""``libcloud uploads``: uploads that nobody finished, whose parts are stored and paid for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click

from libcloud.cli.errors import about
from libcloud.cli.settings import Settings, age, store_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.text import count, printable, size_text

__all__ = ["uploads"]


@click.group()
def uploads() -> None:
    """Unfinished uploads: their parts are stored, and paid for, until somebody aborts them."""


@uploads.command("ls", short_help="List unfinished uploads.")
@click.argument("url")
@click.option("--sizes", is_flag=True, help="Also how many parts and bytes: a request for each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@store_options
def list_uploads(settings: Settings, *, url: str, sizes: bool, as_json: bool) -> None:
    """List the unfinished uploads of objects whose names begin as URL says."""
    store = _open(url, settings)
    container = store.container()
    with about(store.target):
        for upload in store.driver.ex_iterate_multipart_uploads(
            container, prefix=store.target.name or None
        ):
            facts = _facts(upload)
            if sizes:
                parts = [part.size for part in store.driver.ex_list_parts(container, upload)]
                facts.update(parts=len(parts), size=sum(parts))
            click.echo(json.dumps(facts) if as_json else _line(facts))


@uploads.command(short_help="Abort the uploads of one object.")
@click.argument("url")
@click.option("--id", "upload_id", metavar="ID", help="Only the one with this id.")
@store_options
def abort(settings: Settings, *, url: str, upload_id: str | None) -> None:
    """Abort the unfinished uploads of the object at URL, also those that are being sent."""
    store = _open(url, settings)
    target = store.target.require_object()
    container = store.container()
    with about(target):
        found = [upload_id] if upload_id else _ids(store)
        for one in found:
            store.driver._abort_multipart(container, target.name, one)
            click.echo(f"aborted {printable(str(target))} {printable(one)}")
    if not found:
        click.echo(f"libcloud: {printable(str(target))} has no unfinished upload", err=True)


@uploads.command(short_help="Abort all uploads that are old.")
@click.argument("url")
@click.option(
    "--older-than",
    type=age,
    default="7d",
    show_default=True,
    help="Spare those begun later than this; 0s spares none.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say which.")
@store_options
def clean(settings: Settings, *, url: str, older_than: timedelta, dry_run: bool) -> None:
    """Abort the old unfinished uploads of objects whose names begin as URL says."""
    store = _open(url, settings)
    with about(store.target):
        gone = store.driver.ex_cleanup_multipart_uploads(
            store.container(),
            prefix=store.target.name or None,
            # Zero spares none, also not one that was begun in this very second.
            older_than=older_than or None,
            dry_run=dry_run,
        )
    done = "would abort" if dry_run else "aborted"
    for upload in gone:
        click.echo(f"{done} {_line(_facts(upload))}")
    click.echo(f"{done} {count(len(gone), 'upload')}", err=True)


def _open(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    store.target.require_container()
    if not store.in_parts:
        raise click.UsageError(f"{store.driver.name} has no unfinished uploads")
    return store


def _ids(store: Store) -> list[str]:
    name = store.target.name
    found = store.driver.ex_iterate_multipart_uploads(store.container(), prefix=name)
    return [upload.id for upload in found if upload.key == name]


def _facts(upload: Any) -> dict[str, Any]:
    begun = upload.created_at
    return {
        "name": upload.key,
        "id": upload.id,
        "begun": begun.isoformat() if begun is not None else None,
    }


def _line(facts: dict[str, Any]) -> str:
    held = ""
    if "parts" in facts:
        held = f"{count(facts['parts'], 'part'):>10} {size_text(facts['size']):>11}  "
    return printable(f"{facts['begun'] or '':<25}  {held}{facts['id']}  {facts['name']}")
