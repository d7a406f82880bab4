# SPDX-License-Identifier: Apache-2.0
"""``libcloud migrate``: copies a bucket to another one, by one machine or by many."""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import FAILED, NoObjectsError, ReportedError, error_context
from libcloud.cli.progress import print_stderr
from libcloud.cli.selection import filter_options
from libcloud.cli.settings import Settings, argument, job_options, option, source_options
from libcloud.cli.stores import Store, connect
from libcloud.cli.targets import Target, is_url, parse_target
from libcloud.cli.text import count, printable, size_text

if TYPE_CHECKING:
    from libcloud.storage.base import Container
    from libcloud.storage.scaleout.migrate import MigrationReport

_OUTCOMES = {
    "copied": "copied",
    "replaced": "copied over other data",
    "changed": "changed since they were listed, copied as they were then",
    "present": "already in the destination",
    "deleted": "deleted since they were listed",
    "failed": "failed",
}


@click.command()
@argument("source", metavar="SOURCE_URL")
@argument("destination", metavar="DESTINATION_URL")
@option("--job NAME", "Name of the job.", required=True)
@option("--resume", "Continue the job; retry failed objects.")
@option("--report", "Only print the report of the job.")
@option(
    "--executor EXECUTOR",
    "Run on dask://HOST:PORT, ray://HOST:PORT, ray, mpi, loky or processes, instead of in "
    "threads of this process.",
)
@option(
    "--verify",
    "Verify what is sent, also what the destination lists, or also read each copy.",
    type=click.Choice(["sent", "stored", "read"]),
    default="stored",
    show_default=True,
)
@option(
    "--shard-size N", "Number of keys per task (100,000).", type=click.IntRange(1), default=100_000
)
@option(
    "--list-whole", "List the source before anything is copied: for stores that do not sort keys."
)
@option("--tasks N", "Number of tasks in flight.", type=click.IntRange(1))
@option("-n, --dry-run", "Only list and compare; write nothing.")
@option("--json", "Print the report as a JSON object.", name="as_json")
@filter_options
@job_options
@source_options
def migrate(
    settings: Settings,
    *,
    source: str,
    destination: str,
    job: str,
    resume: bool,
    report: bool,
    executor: str | None,
    **options: Any,
) -> None:
    """Copy all objects at SOURCE_URL to DESTINATION_URL, and keep a record of it there.

    \b
    Examples:
      libcloud migrate s3://old gs://new --job m1
      libcloud migrate s3://old gs://new --job m1 --resume
      libcloud migrate s3://old az://new --job m1 --executor dask://10.0.0.1:8786 --from-profile old

    Objects that DESTINATION_URL already has are not copied. After an interruption, continue with
    --resume. The record is in the folder .libcloud-migrate/NAME/ of DESTINATION_URL. Workers on
    other machines use the credentials that they find there. The exit status is 1 if an object
    failed.
    """
    from libcloud.storage.scaleout import migrate as library
    from libcloud.storage.scaleout.places import JobFolder, Place

    run = uuid.uuid4().hex
    old, new = _bucket(source, settings.source, run), _bucket(destination, settings, run)
    try:
        JobFolder(Place(new, new.prefix), job)
    except ValueError as error:
        raise click.UsageError(f"--job: {error}") from error
    if not report:
        with error_context(source):  # an error about it names it
            next(old().iterate_objects(prefix=old.prefix or None), None)
    with error_context(destination):
        if report:
            found = library.migration_report(new, job=job, prefix=new.prefix)
        else:
            with _executor(executor) as chosen:
                found = library.migrate(
                    old,
                    new,
                    job=job,
                    source_prefix=old.prefix,
                    destination_prefix=new.prefix,
                    executor=chosen,
                    resume=resume,
                    rules=settings.filters.rules,
                    jobs=settings.jobs,
                    limit_rate=settings.limit_rate,
                    upload_options=settings.engine_options(ex_max_memory=settings.max_memory),
                    dry_run=settings.dry_run,
                    on_report=_on_report(settings),
                    **options,
                )
    _print(found, settings)
    if not found.is_clean:
        raise ReportedError(FAILED)
    if not found.objects and old.prefix:
        raise NoObjectsError(f"no objects match {old.target.as_directory()}")


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Opens a bucket with the credentials of this process; keeps drivers during a ``run``."""

    target: Target
    settings: Settings
    run: str

    def __call__(self) -> Container:
        place = self.target._replace(container="", name="")
        driver = _driver(place, self.settings, self.run)
        return Store(self.target, driver, self.settings).container()

    @property
    def prefix(self) -> str:
        return self.target.as_directory().name


@lru_cache(4)
def _driver(target: Target, settings: Settings, run: str) -> Any:
    """One driver for both buckets if they are in the same store: it copies the data itself."""
    del run
    return connect(target, settings)


def _bucket(text: str, settings: Settings, run: str) -> _Bucket:
    if not is_url(text):
        raise click.UsageError(f"{text!r} is not a valid URL: for files, use libcloud sync")
    return _Bucket(parse_target(text, settings.provider).require_container(), settings, run)


@contextlib.contextmanager
def _executor(url: str | None) -> Iterator[Any]:
    if url is None:
        yield None
        return
    from libcloud.storage.scaleout.executors import executor_for

    try:
        executor = executor_for(url)
    except ValueError as error:
        raise click.UsageError(f"--executor: {error}") from error
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _on_report(settings: Settings) -> Callable[[MigrationReport], None] | None:
    """Prints the progress after each task: as JSON if asked to, otherwise only to a terminal."""

    def print_json(report: MigrationReport) -> None:
        names = ("job", "objects", "bytes", *_OUTCOMES, "copied_bytes", "throttled", "complete")
        counts = {name: getattr(report, name) for name in names}
        print_stderr(json.dumps({"event": "progress", **counts}))

    def print_line(report: MigrationReport) -> None:
        listed = count(report.objects, "object")
        print_stderr(f"{report.job}: {report.tried:,} of {listed} listed so far")

    if settings.json_progress:
        return print_json
    return print_line if sys.stderr.isatty() and not settings.quiet else None


def _print(report: MigrationReport, settings: Settings) -> None:
    """Print the report to standard output; if only errors are wanted, these to standard error."""
    if settings.as_json:
        click.echo(json.dumps({**asdict(report), "clean": report.is_clean}))
        return
    if settings.quiet:
        for record in report.noted:
            if record["outcome"] == "failed":
                print_stderr(f"libcloud: {record['key']}: {record['error']}")
        return
    state = "complete" if report.complete else "incomplete"
    click.echo(f"{report.job}: {'dry run, nothing was written' if report.dry_run else state}")
    click.echo(f"{report.objects:>12,} listed, {size_text(report.bytes)}")
    for name, text in _OUTCOMES.items():
        if number := getattr(report, name):
            known = name == "copied" and not report.dry_run
            size = f", {size_text(report.copied_bytes)}" if known else ""
            click.echo(f"{number:>12,} {text}{size}")
    for name, number in sorted(report.lost.items()):
        click.echo(f"{number:>12,} without their {name}, which the destination does not support")
    if report.throttled:
        click.echo(f"stores throttled {count(report.throttled, 'time')}")
    for record in report.noted:
        click.echo(printable(f"{record['key']}: {record.get('error', record['outcome'])}"))
