# SPDX-License-Identifier: Apache-2.0
"""``libcloud mb`` and ``libcloud rb``: containers come and go."""

from __future__ import annotations

import click

from libcloud.cli.errors import about
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import Store, open_store

__all__ = ["mb", "rb"]


@click.command()
@click.argument("url")
@store_options
def mb(settings: Settings, *, url: str) -> None:
    """Make the container at URL, in the region of the store."""
    store = _of_container(url, settings)
    with about(store.target):
        store.driver.create_container(store.target.container)


@click.command()
@click.argument("url")
@store_options
def rb(settings: Settings, *, url: str) -> None:
    """Remove the container at URL, if it is empty."""
    store = _of_container(url, settings)
    with about(store.target):
        store.driver.delete_container(store.container())


def _of_container(url: str, settings: Settings) -> Store:
    store = open_store(url, settings)
    if store.target.require_container().name:
        raise click.UsageError(f"{url} names an object: write {store.target.with_name('')}")
    return store
