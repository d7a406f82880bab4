# SPDX-License-Identifier: Apache-2.0
"""``libcloud presign``: a URL that carries its own authorization."""

from __future__ import annotations

from datetime import timedelta

import click

from libcloud.cli.errors import about
from libcloud.cli.settings import Settings, age, store_options
from libcloud.cli.stores import open_store
from libcloud.cli.targets import Target

__all__ = ["presign"]


@click.command()
@click.argument("url")
@click.option(
    "--expires", type=age, default="1h", show_default=True, help="How long it works; up to 7d."
)
@click.option(
    "--method",
    type=click.Choice(["GET", "PUT", "HEAD", "DELETE"], case_sensitive=False),
    default="GET",
    show_default=True,
    help="What it allows.",
)
@store_options
def presign(settings: Settings, *, url: str, expires: timedelta, method: str) -> None:
    """Print a URL by which anybody may fetch the object at URL for a time.

    Nothing is sent: the object need not exist. Whoever has the printed URL has the right.
    """
    from libcloud.storage.base import Object

    store = open_store(url, settings)
    target: Target = store.target.require_object()
    obj = Object(target.name, 0, None, {}, {}, store.container(), store.driver)
    with about(target):
        try:
            signed = store.driver.get_object_cdn_url(
                obj, ex_expiry=expires.total_seconds() / 3600, ex_method=method.upper()
            )
        except ValueError as error:
            raise click.UsageError(f"--expires: {error}") from error
        except (NotImplementedError, TypeError) as error:
            raise click.UsageError(f"{store.driver.name} has no such URLs") from error
    click.echo(signed)
