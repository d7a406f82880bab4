# SPDX-License-Identifier: Apache-2.0
"""``libcloud mb`` and ``libcloud rb``: create and delete buckets."""

from __future__ import annotations

import click

from libcloud.cli.errors import ReportedError, error_context
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store


@click.command()
@click.argument("url")
@store_options
def mb(settings: Settings, *, url: str) -> None:
    """Create the bucket at URL in the region of the store."""
    store = _open_bucket(url, settings)
    with error_context(store.target):
        store.driver.create_container(store.target.container)


@click.command()
@click.argument("url")
@click.option("--force", is_flag=True, help="Delete its objects and in-progress uploads first.")
@store_options
def rb(settings: Settings, *, url: str, force: bool) -> None:
    """Delete the bucket at URL. It must be empty, unless --force is given."""
    store = _open_bucket(url, settings)
    with error_context(store.target):
        if force:
            _empty(store)
        store.driver.delete_container(store.container())


def _empty(store: Store) -> None:
    """Delete all objects, and abort all in-progress uploads.

    :raises ReportedError: an object could not be deleted. The errors were printed.
    """
    from libcloud.cli.rm import delete_objects

    container = store.container()
    failed = delete_objects(store, container.iterate_objects(), dry_run=False, quiet=True)
    if failed:
        raise ReportedError
    if store.lists_uploads:
        store.driver.ex_cleanup_multipart_uploads(container, older_than=None)


def _open_bucket(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    if store.target.require_container().name:
        raise click.UsageError(
            f"{url} names an object, not a bucket: use {store.target.with_name('')}"
        )
    return store
