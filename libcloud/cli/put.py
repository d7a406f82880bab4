# SPDX-License-Identifier: Apache-2.0
"""``libcloud put``: files, directories or standard input become objects."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from libcloud.cli.crew import Crew
from libcloud.cli.errors import ExistsError, about
from libcloud.cli.failures import Collected, told
from libcloud.cli.meter import Flow
from libcloud.cli.progress import Progress, say
from libcloud.cli.settings import Settings, job_options
from libcloud.cli.sources import Source, pieces_of, plan, size_of_stream
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO
from libcloud.cli.text import count
from libcloud.cli.wishes import Wishes, refusals_told, write_options
from libcloud.storage.types import ObjectDoesNotExistError

if TYPE_CHECKING:
    from libcloud.storage.base import Container

__all__ = ["put"]


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.argument("url")
@click.option("-r", "--recursive", is_flag=True, help="Upload the files below directories.")
@click.option("--resume", "upload_id", metavar="ID", help="Go on with this upload.")
@click.option("--keep", is_flag=True, help="Leave the parts of a failed upload, to --resume it.")
@write_options
@job_options
def put(
    settings: Settings,
    *,
    sources: tuple[str, ...],
    url: str,
    recursive: bool,
    upload_id: str | None,
    keep: bool,
    wishes: Wishes,
) -> None:
    """Upload SOURCES, which are files, directories or - for standard input, to URL.

    A URL that ends in a slash, or names a container alone, is a directory: objects are called after
    their files. The files below a directory keep their path in it.

    \b
    pg_dump db | libcloud put - s3://backups/db.sql --fail-on-empty
    libcloud put a.jpg b.jpg s3://photos/2026/
    libcloud put --recursive site/ s3://www.example.com

    An object appears when it is whole, or not at all. A failed or interrupted upload is removed,
    unless --keep is given; --resume then takes the same input once more, and sends what is missing.
    """
    store = open_store(url, settings)
    wishes.check(store)
    plans = plan(sources, store.target, recursive=recursive)
    for option, given in (("--expect-size", wishes.expect_size), ("--resume", upload_id)):
        if given is not None and len(plans) != 1:
            raise click.UsageError(f"{option} is for one input")
    if (keep or upload_id) and not store.in_parts:
        raise click.UsageError(f"{store.driver.name} has no unfinished uploads")
    with about(store.target):
        container = store.container()
    jobs = min(settings.jobs, len(plans))
    job = _Job(store, container, settings, wishes, upload_id, keep, _memory(settings, jobs))
    if plans and plans[0].path == STDIO:
        _put_stdin(job, plans[0])
    else:
        _put_files(job, plans, Crew(max(1, jobs)))


def _memory(settings: Settings, jobs: int) -> Any:
    """What ``ex_max_memory`` is to be: uploads at the same time share it."""
    if jobs <= 1:
        return settings.max_memory
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY

    if settings.max_memory:
        return MemoryBudget(settings.max_memory)
    return MemoryBudget(DEFAULT_MEMORY, strict=False)


def _put_stdin(job: _Job, source: Source) -> None:
    stream = sys.stdin.buffer
    if stream.isatty() and not job.settings.quiet:
        say("libcloud: reading from the terminal; Ctrl-D ends the input, Ctrl-C stores nothing")
    known = size_of_stream(stream)
    total = job.wishes.expect_size if known is None else known
    target = job.store.target
    progress = Progress(str(target), total, job.settings)
    with (
        about(target),
        progress,
        progress.flow(str(target)) as flow,
        told(flow, target, resumable=True),
    ):
        job.send(replace(source, size=known), job.pieces(stream), progress, flow)
    progress.done(f"stored {target}")


def _put_files(job: _Job, plans: list[Source], crew: Crew) -> None:
    sizes = [source.size for source in plans]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    failed, store = Collected(len(plans)), job.store

    def put_one(number: int, source: Source) -> None:
        place = f"{number}/{len(plans)} " if len(plans) > 1 else ""
        target = store.target.with_name(source.name)
        with (
            about(target),
            progress.flow(f"{place}{source.path}") as flow,
            told(flow, target, resumable=True),
            open(source.path, "rb") as stream,
        ):
            job.send(source, crew.heeding(job.pieces(stream)), progress, flow)

    with Progress("", total, job.settings) as progress:
        crew.do((partial(put_one, *one) for one in enumerate(plans, 1)), failed)
    if len(plans) == 1:
        progress.done(f"stored {store.target.with_name(plans[0].name)}")
    else:
        stored = count(len(plans) - failed.number, "object")
        progress.done(f"stored {stored} in {store.target}")
    failed.finish()


@dataclass(frozen=True, slots=True)
class _Job:
    """How each object is uploaded."""

    store: Store
    container: Container
    settings: Settings
    wishes: Wishes
    upload_id: str | None
    keep: bool
    memory: Any

    def pieces(self, stream: BinaryIO) -> Iterator[bytes]:
        """What is in ``stream``, if it is as the user says that it must be."""
        wishes = self.wishes
        return pieces_of(stream, expect=wishes.expect_size, fail_on_empty=wishes.fail_on_empty)

    def send(self, source: Source, pieces: Iterator[bytes], progress: Progress, flow: Flow) -> None:
        """Upload ``pieces`` as the object that ``source`` names."""
        options = {**self.wishes.keywords, **self._condition(source.name)}
        if self.store.in_parts:
            options.update(self._of_the_engine(source), on_event=progress.listener(flow))
        else:
            pieces = progress.counted(pieces, flow)
        where, headers = (self.container, source.name), self.wishes.headers
        driver = self.store.driver
        with refusals_told():
            if self.upload_id:
                # What the object is to be was said when the upload was begun.
                options.pop("ex_storage_class", None)
                driver.ex_resume_upload(pieces, *where, self.upload_id, headers, **options)
                return
            extra = self._with_type(source)
            driver.upload_object_via_stream(pieces, *where, extra=extra, headers=headers, **options)

    def _of_the_engine(self, source: Source) -> dict[str, Any]:
        # Of standard input only the size to come is guessed; and /proc has files of "0 bytes".
        exact = "ex_size_hint" if source.path == STDIO or not source.size else "ex_size"
        known = {
            exact: self.wishes.expect_size if source.size is None else source.size,
            "ex_window": self.settings.window,
            "ex_part_size": self.settings.part_size,
            "ex_max_memory": self.memory,
            "ex_on_failure": "keep" if self.keep or self.upload_id else None,
        }
        return {name: value for name, value in known.items() if value is not None}

    def _condition(self, name: str) -> dict[str, Any]:
        """What keeps an object that is there.

        :raises ExistsError: there is one.
        """
        if not self.wishes.no_clobber:
            return {}
        if self.store.driver.capabilities.conditional_writes:
            return {"ex_if_none_match": "*"}
        try:
            self.store.object(name)
        except ObjectDoesNotExistError:
            return {}
        raise ExistsError("there is an object of this name, and it was not replaced")

    def _with_type(self, source: Source) -> dict[str, Any]:
        """``extra`` with a content type by the name of the file, if that tells one."""
        if "content_type" in self.wishes.extra:
            return self.wishes.extra
        path = source.name if source.path == STDIO else source.path
        guessed, encoding = mimetypes.guess_type(path, strict=False)
        kind = guessed if not encoding else None
        return {**self.wishes.extra, **({"content_type": kind} if kind else {})}
