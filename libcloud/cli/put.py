# SPDX-License-Identifier: Apache-2.0
"""``libcloud put``: files, directories or standard input become objects."""

from __future__ import annotations

import mimetypes
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from libcloud.cli.errors import about
from libcloud.cli.failures import Collected, told
from libcloud.cli.progress import Progress, say
from libcloud.cli.settings import Settings, size, transfer_options
from libcloud.cli.sources import Source, pieces_of, plan, size_of_stream
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO
from libcloud.cli.text import count

if TYPE_CHECKING:
    from libcloud.storage.base import Container

__all__ = ["put"]


@dataclass(frozen=True, slots=True)
class _Wishes:
    """How the objects are to be, and what the input must be."""

    extra: dict[str, Any]
    headers: dict[str, str]
    storage_class: str | None = None
    expect_size: int | None = None
    fail_on_empty: bool = False


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.argument("url")
@click.option("-r", "--recursive", is_flag=True, help="Upload the files below directories.")
@click.option("--content-type", metavar="TYPE", help="Instead of one guessed by the name.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Metadata; repeatable.")
@click.option("--acl", help="Canned ACL, as public-read.")
@click.option("--storage-class", help="As standard_ia or glacier.")
@click.option("--no-clobber", is_flag=True, help="Fail if there is an object of the name.")
@click.option("--expect-size", type=size, help="Store nothing unless the input has this size.")
@click.option("--fail-on-empty", is_flag=True, help="Store nothing if the input is empty.")
@transfer_options
def put(
    settings: Settings, *, sources: tuple[str, ...], url: str, recursive: bool, **wishes: Any
) -> None:
    """Upload SOURCES, which are files, directories or - for standard input, to URL.

    A URL that ends in a slash, or names a container alone, is a directory: objects are called after
    their files. The files below a directory keep their path in it.

    \b
    pg_dump db | libcloud put - s3://backups/db.sql --fail-on-empty
    libcloud put a.jpg b.jpg s3://photos/2026/
    libcloud put --recursive site/ s3://www.example.com

    An object appears when it is whole, or not at all. A failed or interrupted upload is removed.
    """
    store = open_store(url, settings)
    chosen = _wishes(**wishes)
    plans = plan(sources, store.target, recursive=recursive)
    if chosen.expect_size is not None and len(plans) != 1:
        raise click.UsageError("--expect-size is for one input")
    with about(store.target):
        container = store.container()
    if plans and plans[0].path == STDIO:
        _put_stdin(store, container, plans[0], settings, chosen)
    else:
        _put_files(store, container, plans, settings, chosen)


def _put_stdin(
    store: Store, container: Container, source: Source, settings: Settings, wishes: _Wishes
) -> None:
    stream = sys.stdin.buffer
    if stream.isatty() and not settings.quiet:
        say("libcloud: reading from the terminal; Ctrl-D ends the input, Ctrl-C stores nothing")
    known = size_of_stream(stream)
    total = wishes.expect_size if known is None else known
    target = store.target
    progress = Progress(str(target), total, settings)
    with about(target), progress, told(progress, target):
        job = _Job(store, container, progress, settings, wishes)
        job.send(replace(source, size=known), stream)
    progress.done(f"stored {target}")


def _put_files(
    store: Store, container: Container, plans: list[Source], settings: Settings, wishes: _Wishes
) -> None:
    sizes = [source.size for source in plans]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    failed = Collected(len(plans))
    with Progress("", total, settings) as progress:
        job = _Job(store, container, progress, settings, wishes)
        for number, source in enumerate(plans, 1):
            place = f"{number}/{len(plans)} " if len(plans) > 1 else ""
            progress.meter.begin(f"{place}{source.path}")
            target = store.target.with_name(source.name)
            with failed.one(), about(target), told(progress, target):
                job.send_file(source)
                progress.meter.end()
    if len(plans) == 1:
        progress.done(f"stored {store.target.with_name(plans[0].name)}")
    else:
        stored = count(len(plans) - failed.number, "object")
        progress.done(f"stored {stored} in {store.target}")
    failed.finish()


@dataclass(frozen=True, slots=True)
class _Job:
    """Uploads one thing after another."""

    store: Store
    container: Container
    progress: Progress
    settings: Settings
    wishes: _Wishes

    def send_file(self, source: Source) -> None:
        """Upload the file of ``source``."""
        with open(source.path, "rb") as stream:
            self.send(source, stream)

    def send(self, source: Source, stream: BinaryIO) -> None:
        """Upload ``stream`` as the object that ``source`` names."""
        wishes = self.wishes
        pieces = pieces_of(stream, expect=wishes.expect_size, fail_on_empty=wishes.fail_on_empty)
        options: dict[str, Any] = {}
        if wishes.storage_class and self.store.speaks_s3:
            options["ex_storage_class"] = wishes.storage_class
        if self.store.in_parts:
            options["on_event"] = self.progress.listen
            # Of standard input only the size to come is guessed; and /proc has files of "0 bytes".
            exact = "ex_size_hint" if source.path == STDIO or not source.size else "ex_size"
            known = {
                exact: wishes.expect_size if source.size is None else source.size,
                "ex_window": self.settings.window,
                "ex_part_size": self.settings.part_size,
            }
            options.update({name: value for name, value in known.items() if value is not None})
        else:
            pieces = self.progress.counted(pieces)
        extra = self._with_type(source)
        driver = self.store.driver
        driver.upload_object_via_stream(
            pieces, self.container, source.name, extra=extra, headers=wishes.headers, **options
        )

    def _with_type(self, source: Source) -> dict[str, Any]:
        """``extra`` with a content type by the name of the file, if that tells one."""
        if "content_type" in self.wishes.extra:
            return self.wishes.extra
        path = source.name if source.path == STDIO else source.path
        guessed, encoding = mimetypes.guess_type(path, strict=False)
        kind = guessed if not encoding else None
        return {**self.wishes.extra, **({"content_type": kind} if kind else {})}


def _wishes(
    *,
    content_type: str | None,
    metadata: tuple[str, ...],
    acl: str | None,
    storage_class: str | None,
    no_clobber: bool,
    expect_size: int | None,
    fail_on_empty: bool,
) -> _Wishes:
    """What the options of the command say."""
    extra: dict[str, Any] = {}
    if content_type:
        extra["content_type"] = content_type
    if acl:
        extra["acl"] = acl
    for pair in metadata:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--metadata {pair!r}: write KEY=VALUE")
        extra.setdefault("meta_data", {})[key] = value
    headers = {"If-None-Match": "*"} if no_clobber else {}
    return _Wishes(extra, headers, storage_class, expect_size, fail_on_empty)
