# SPDX-License-Identifier: Apache-2.0
"""``libcloud mb`` and ``libcloud rb``: create and delete buckets."""

from __future__ import annotations

import click

from libcloud.cli.errors import error_context
from libcloud.cli.failures import Failures
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store
from libcloud.cli.versions import open_bucket


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
    from libcloud.cli.rm import Report, delete_objects

    container = store.container()
    report, failures = Report(quiet=True), Failures(2)
    delete_objects(store, container.iterate_objects(), report, failures)
    if store.keeps_versions:
        versions = store.driver.ex_iterate_object_versions(container)
        delete_objects(store, versions, report, failures)
    failures.raise_if_any()
    if store.lists_uploads:
        store.driver.ex_cleanup_multipart_uploads(container, older_than=None)
