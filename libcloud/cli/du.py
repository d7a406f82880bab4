# SPDX-License-Identifier: Apache-2.0
"""``libcloud du``: how much is stored, from listings alone."""

from __future__ import annotations

import json

import click

from libcloud.cli.errors import error_context
from libcloud.cli.listing import escaped
from libcloud.cli.patterns import Filters, filter_options
from libcloud.cli.selection import Selection, literal_option
from libcloud.cli.settings import Settings, store_options
from libcloud.cli.stores import open_store
from libcloud.cli.text import count, size_text


@click.command()
@click.argument("url")
@click.option("-s", "--summarize", is_flag=True, help="Print only the total.")
@click.option("-h", "--human", is_flag=True, help="Print sizes like 1.5 MiB.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@filter_options
@literal_option
@store_options
def du(
    settings: Settings,
    *,
    url: str,
    summarize: bool,
    human: bool,
    as_json: bool,
    filters: Filters,
    literal: bool,
) -> None:
    """Print the number and total size of the objects below URL, for each directory in it.

    \b
    Examples:
      libcloud du --human s3://backups
      libcloud du --summarize 's3://logs/2026/**/*.gz'

    Versions that were replaced and the parts of in-progress uploads are not included; see
    libcloud uploads ls --sizes.
    """
    store = open_store(url, settings)
    target = store.target.require_container()
    selection = Selection(store, recursive=True, filters=filters, literal=literal)
    totals: dict[str, list[int]] = {}
    with error_context(target):
        for obj in selection.objects():
            directory, slash, _ = selection.relative(obj).partition("/")
            name = f"{selection.base}{directory}{slash}" if slash else ""
            total = totals.setdefault(name, [0, 0])
            total[0] += 1
            total[1] += int(obj.size)

    def show(name: str, objects: int, size: int) -> None:
        if as_json:
            click.echo(json.dumps({"name": name, "objects": objects, "size": size}))
            return
        shown = f"{size_text(size):>11}" if human else f"{size:>16}"
        click.echo(f"{shown}  {count(objects, 'object'):>16}  {escaped(name)}")

    if not summarize:
        for name, (objects, size) in sorted(totals.items()):
            if name:
                show(name, objects, size)
    show(str(selection), *map(sum, zip(*totals.values(), strict=True)))
