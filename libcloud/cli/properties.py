# SPDX-License-Identifier: Apache-2.0
"""``libcloud tags``, ``legal-hold``, ``retention`` and ``presign``: properties of an object."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click

from libcloud.cli.errors import error_context
from libcloud.cli.listing import escaped, print_line
from libcloud.cli.options import parse_pairs, parse_time_option
from libcloud.cli.selection import version_option
from libcloud.cli.settings import Settings, age, argument, option, store_options
from libcloud.cli.stores import open_store

_json_option = option("--json", "Print a JSON object.", name="as_json")


@contextlib.contextmanager
def _object(url: str, settings: Settings, feature: str = "") -> Iterator[tuple[Any, Any]]:
    """The driver of ``url``, which must support ``feature``, and the object; sends nothing."""
    store = open_store(url, settings)
    target = store.target.require_object()
    if feature:
        store.require(feature)
    with error_context(target.label(settings.version_id)):
        yield store.driver, store.reference(target.name, settings.version_id)


@click.command()
@argument("url")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE...]")
@option("--delete KEY", "Remove a tag; repeatable.", name="deleted", multiple=True)
@option("--replace", "Remove all other tags.")
@version_option
@_json_option
@store_options
def tags(
    settings: Settings, *, url: str, tags: tuple[str, ...], deleted: tuple[str, ...], replace: bool
) -> None:
    """Print the tags of the object at URL, or change them.

    \b
    Examples:
      libcloud tags s3://photos/a.jpg
      libcloud tags s3://photos/a.jpg project=apollo stage=raw
      libcloud tags s3://photos/a.jpg --delete stage
      libcloud tags s3://photos/a.jpg --replace

    Tags that are not named are kept, unless --replace is given. The tags that the object has then
    are printed.
    """
    given = dict(parse_pairs("KEY=VALUE", tags))
    both = sorted(given.keys() & set(deleted))
    if both:
        raise click.UsageError(f"{both[0]!r} is both to be set and to be removed")
    with _object(url, settings, "tags") as (driver, obj):
        known = {} if replace else driver.ex_get_object_tags(obj)
        if given or deleted or replace:
            known = {**known, **given}
            known = {key: value for key, value in known.items() if key not in deleted}
            try:
                driver.ex_set_object_tags(obj, known)
            except ValueError as error:  # it names the argument, as the command is called
                raise click.UsageError(str(error).removeprefix("tags: ")) from error
    if settings.as_json:
        click.echo(json.dumps(known))
        return
    for key, value in known.items():
        print_line(f"{escaped(key)}={escaped(value)}")


@click.command("legal-hold")
@argument("url")
@click.argument("state", type=click.Choice(["on", "off"], case_sensitive=False), required=False)
@version_option
@_json_option
@store_options
def legal_hold(settings: Settings, *, url: str, state: str | None) -> None:
    """Print whether there is a legal hold on the object at URL, or place or remove one.

    A version with a legal hold cannot be deleted. The bucket needs object lock.
    """
    with _object(url, settings, "object_lock") as (driver, obj):
        if state is not None:
            driver.ex_set_legal_hold(obj, state.lower() == "on")
        found = driver.ex_get_legal_hold(obj)
    click.echo(json.dumps({"legal_hold": found}) if settings.as_json else "on" if found else "off")


@click.command()
@argument("url")
@option(
    "--mode",
    "Retention mode. In COMPLIANCE mode, no user can shorten it.",
    type=click.Choice(["GOVERNANCE", "COMPLIANCE"], case_sensitive=False),
)
@option("--until TIME", "End of the retention, such as 2030-01-31T00:00Z.")
@option("--clear", "Remove a retention in GOVERNANCE mode.")
@option("--bypass-governance", "Shorten or remove a GOVERNANCE retention.")
@version_option
@_json_option
@store_options
def retention(
    settings: Settings,
    *,
    url: str,
    mode: str | None,
    until: str | None,
    clear: bool,
    bypass_governance: bool,
) -> None:
    """Print until when the object at URL cannot be deleted, or set it.

    \b
    Example:
      libcloud retention s3://backups/db.sql --mode governance --until 2030-01-31T00:00Z

    The bucket needs object lock.
    """
    if (mode is None) != (until is None):
        raise click.UsageError("--mode and --until go together")
    if clear and mode is not None:
        raise click.UsageError("--clear cannot be combined with --mode")
    when: datetime | None = parse_time_option("--until", until)
    with _object(url, settings, "object_lock") as (driver, obj):
        if clear or mode is not None:
            name = None if mode is None else mode.upper()
            driver.ex_set_retention(obj, name, when, ex_bypass_governance=bypass_governance)
        found = driver.ex_get_retention(obj)
    if settings.as_json:
        facts = {} if found is None else {"mode": found.mode, "until": found.until.isoformat()}
        click.echo(json.dumps(facts))
    else:
        click.echo("none" if found is None else f"{found.mode} until {found.until.isoformat()}")


@click.command()
@argument("url")
@option(
    "--expires AGE",
    "Lifetime of the presigned URL, at most 7d.",
    type=age,
    default="1h",
    show_default=True,
)
@option(
    "--method",
    "HTTP method that the URL allows.",
    type=click.Choice(["GET", "PUT", "HEAD", "DELETE"], case_sensitive=False),
    default="GET",
    show_default=True,
)
@version_option
@store_options
def presign(settings: Settings, *, url: str, expires: timedelta, method: str) -> None:
    """Print a presigned URL that gives anyone access to the object at URL for a limited time.

    No request is sent, and the object does not have to exist. Treat the printed URL as a secret.
    """
    with _object(url, settings) as (driver, obj):
        try:
            signed = driver.get_object_cdn_url(
                obj, ex_expiry=expires.total_seconds() / 3600, ex_method=method.upper()
            )
        except ValueError as error:
            option = "--method" if "ex_method" in str(error) else "--expires"
            raise click.UsageError(f"{option}: {error}") from error
        except (NotImplementedError, TypeError) as error:
            raise click.UsageError(f"{driver.name} does not support presigned URLs") from error
    click.echo(signed)
