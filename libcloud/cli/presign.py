# SPDX-License-Identifier: Apache-2.0
"""``libcloud presign``: prints a URL that contains its authorization."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from libcloud.cli.errors import error_context
from libcloud.cli.selection import version_option
from libcloud.cli.settings import Settings, age, store_options
from libcloud.cli.stores import open_store
from libcloud.cli.targets import Target


@click.command()
@click.argument("url")
@click.option(
    "--expires",
    type=age,
    default="1h",
    show_default=True,
    help="Lifetime of the presigned URL, at most 7d.",
)
@click.option(
    "--method",
    type=click.Choice(["GET", "PUT", "HEAD", "DELETE"], case_sensitive=False),
    default="GET",
    show_default=True,
    help="HTTP method that the URL allows.",
)
@version_option
@store_options
def presign(
    settings: Settings, *, url: str, expires: timedelta, method: str, version_id: str | None
) -> None:
    """Print a presigned URL that gives anyone access to the object at URL for a limited time.

    No request is sent, and the object does not have to exist. Treat the printed URL as a secret.
    """
    from libcloud.storage.base import Object, ObjectVersion

    store = open_store(url, settings)
    target: Target = store.target.require_object()
    properties: Any = (target.name, 0, None, {}, {}, store.container(), store.driver)
    obj = Object(*properties)
    if version_id is not None:
        store.require_versions()
        obj = ObjectVersion(*properties, version_id=version_id)
    with error_context(target):
        try:
            signed = store.driver.get_object_cdn_url(
                obj, ex_expiry=expires.total_seconds() / 3600, ex_method=method.upper()
            )
        except ValueError as error:
            option = "--method" if "ex_method" in str(error) else "--expires"
            raise click.UsageError(f"{option}: {error}") from error
        except (NotImplementedError, TypeError) as error:
            raise click.UsageError(
                f"{store.driver.name} does not support presigned URLs"
            ) from error
    click.echo(signed)
