# SPDX-License-Identifier: Apache-2.0
"""``libcloud put`` and ``tee``: upload files, directories or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO

import click

from libcloud.cli.errors import error_context, errors_name
from libcloud.cli.failures import (
    Failures,
    note_unfinished_upload,
    report_unfinished_upload,
    run_tasks,
)
from libcloud.cli.meter import Transfer
from libcloud.cli.options import ObjectOptions, value_errors_as_usage, write_options
from libcloud.cli.progress import Progress, discard_output, is_shared_output, print_stderr
from libcloud.cli.selection import filter_options
from libcloud.cli.settings import (
    CommandWithProgram,
    Settings,
    argument,
    follow_symlinks_option,
    job_options,
    option,
    transfer_options,
)
from libcloud.cli.sources import Entry, Walk, plan_uploads, read_pieces, size_of_stream
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO, is_url
from libcloud.cli.text import count, printable
from libcloud.utils.files import guess_file_mime_type


@click.command(cls=CommandWithProgram, options_metavar="[OPTIONS]")
@argument("paths", metavar="SOURCES...", nargs=-1, type=click.Path(readable=False, allow_dash=True))
@argument("url", metavar="URL [-- COMMAND...]")
@option("-r, --recursive", "Upload all files below directories.")
@option("--resume ID", "Resume the upload with this id.", name="upload_id")
@option("--keep", "Keep the parts of a failed upload, for --resume.")
@option("-n, --dry-run", "Print what would be uploaded.")
@follow_symlinks_option
@filter_options
@write_options
@job_options
def put(
    settings: Settings,
    *,
    paths: tuple[str, ...],
    url: str,
    program: tuple[str, ...],
    upload_id: str | None,
    keep: bool,
    object_options: ObjectOptions,
) -> None:
    """Upload SOURCES, which are files, directories or - for standard input, to URL.

    With -- COMMAND, upload what COMMAND writes to its standard output. If it fails, nothing is
    stored, and libcloud exits with its status.

    A URL that ends in a slash or names only a bucket is a directory: objects are named after their
    files. Files in a directory keep their path below it.

    \b
    Examples:
      libcloud put s3://backups/db.sql -- pg_dump db
      tar -c /srv | libcloud put - s3://backups/srv.tar --fail-on-empty
      libcloud put a.jpg b.jpg s3://photos/2026/
      libcloud put --recursive site/ s3://www.example.com

    An object appears only when its upload is complete. A failed or interrupted upload is aborted,
    unless --keep is given: then --resume reads the same input again and sends the missing parts.
    """
    for path in paths:
        if is_url(path):
            raise click.UsageError(f"{path} is not a file: to download it, use libcloud get")
    if program:
        paths = (STDIO,)
    elif not paths:
        missing = "SOURCES: what to upload" if is_url(url) else "URL: where to upload it"
        raise click.UsageError(f"missing {missing}")
    if upload_id == "":
        raise click.UsageError("--resume is empty: libcloud uploads ls prints the ids")
    store = open_store(url, settings)
    object_options.check_supported_by(store)
    walk = Walk(settings.filters, settings.follow_symlinks)
    sources = plan_uploads(paths, store.target, walk, recursive=settings.recursive)
    for name, value in (("--expect-size", object_options.expect_size), ("--resume", upload_id)):
        if value is not None and len(sources) != 1:
            raise click.UsageError(f"{name} can only be used with a single input")
    if (keep or upload_id) and not store.lists_uploads:
        raise click.UsageError(f"{store.driver.name} does not support multipart uploads")
    if settings.dry_run:
        _print_plan(store, sources)
        return
    jobs = 1 if len(sources) == 1 else settings.jobs
    uploader = Uploader(store, settings, object_options, jobs, upload_id=upload_id, keep=keep)
    if program:
        from libcloud.cli.programs import produce

        with produce(program) as output:
            put_stream(uploader, sources[0], output, output.checked)
    elif sources and sources[0].origin == STDIO:
        _put_stdin(uploader, sources[0])
    else:
        _put_files(uploader, sources, jobs)


def _print_plan(store: Store, sources: list[Entry]) -> None:
    failures = Failures()
    for source in sources:
        if source.error is not None:
            failures.add(source.error)
            continue
        target = store.target.with_name(source.name)
        click.echo(printable(f"would upload {source.origin} to {target}"))
    failures.raise_if_any()


def memory_limit(settings: Settings, jobs: int | None) -> Any:
    """The value of ``ex_max_memory``, which parallel uploads share."""
    if jobs == 1:
        return settings.max_memory
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY

    if settings.max_memory:
        return MemoryBudget(settings.max_memory)
    return MemoryBudget(DEFAULT_MEMORY, strict=False)


def _put_stdin(uploader: Uploader, source: Entry) -> None:
    stream = sys.stdin.buffer
    if stream.isatty() and not uploader.settings.quiet:
        print_stderr("libcloud: reading from the terminal; end with Ctrl-D, cancel with Ctrl-C")
    put_stream(uploader, source, stream)


def put_stream(
    uploader: Uploader,
    source: Entry,
    stream: BinaryIO,
    checked: Callable[[Iterator[bytes]], Iterator[bytes]] = iter,
) -> None:
    """Upload ``stream``, the pieces of which pass through ``checked``."""
    known = size_of_stream(stream)
    total = uploader.object_options.expect_size if known is None else known
    target = uploader.store.target
    progress = Progress(str(target), total, uploader.settings)
    with (
        error_context(target),
        progress,
        progress.transfer(str(target)) as transfer,
        report_unfinished_upload(transfer, target, resumable=True),
    ):
        pieces = checked(uploader.read(stream))
        uploader.upload(source._replace(size=known), pieces, progress, transfer)
    progress.finish(f"stored {target}")


def _put_files(uploader: Uploader, sources: list[Entry], jobs: int | None) -> None:
    sizes = [source.size for source in sources]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    single, store = len(sources) == 1, uploader.store
    where = store.target.with_name(sources[0].name) if single else store.target
    failures = Failures(single=single)

    def put_one(task: tuple[int, Entry]) -> None:
        number, source = task
        if source.error is not None:
            raise source.error
        position = "" if single else f"{number}/{len(sources)} "
        transfer = progress.transfer(f"{position}{source.origin}")
        try:
            with transfer, open(source.origin, "rb", buffering=0) as stream:
                pieces = uploader.read(stream, source.size or None)
                uploader.upload(source, pieces, progress, transfer)
        except BaseException as error:
            target = store.target.with_name(source.name)
            note_unfinished_upload(error, transfer, target, resumable=True)
            raise

    def name_of(task: tuple[int, Entry]) -> object:
        _, source = task
        return source.origin if source.error else store.target.with_name(source.name)

    with Progress(str(where), total, uploader.settings) as progress:
        tasks = enumerate(sources, 1)
        run_tasks(
            store.driver,
            put_one,
            tasks,
            failures,
            jobs=jobs,
            size_of=lambda task: task[1].size,
            url_of=name_of,
            can_fork=uploader.settings.can_fork and not single,
            uploads=True,
        )
    stored = count(len(sources) - failures.count, "object")
    progress.finish(f"stored {where}" if single else f"stored {stored} in {where}")
    failures.raise_if_any()


class Uploader:
    """Uploads objects with the command's options.

    :param jobs: how many run at once; ``None``: as many as the worker pool allows.
    :param upload_id: the upload that is resumed; ``None`` if it is a new one.
    :param keep: the parts of a failed upload are kept.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        object_options: ObjectOptions,
        jobs: int | None = 1,
        *,
        upload_id: str | None = None,
        keep: bool = False,
    ) -> None:
        self.store = store
        self.settings = settings
        self.object_options = object_options
        self._upload_id = upload_id
        with error_context(store.target):
            self.container = store.container()
        self._keywords = dict(object_options.write_keywords)
        self._in_parts = store.supports_multipart
        if self._in_parts:
            kept = "keep" if keep or upload_id else None
            memory = memory_limit(settings, jobs)
            self._keywords |= settings.engine_options(ex_max_memory=memory, ex_on_failure=kept)
        if upload_id:  # the storage class was set when the upload was created
            self._keywords.pop("ex_storage_class", None)

    def read(self, stream: BinaryIO, file_size: int | None = None) -> Iterator[bytes]:
        """The pieces of ``stream``, which must match ``--expect-size`` and ``--fail-on-empty``."""
        options = self.object_options
        return read_pieces(
            stream,
            expect=options.expect_size,
            fail_on_empty=options.fail_on_empty,
            file_size=file_size,
        )

    def keywords(self, name: str, progress: Progress, transfer: Transfer) -> dict[str, Any]:
        """Those of the driver, to upload the object ``name``."""
        found = {**self._keywords, **self.object_options.precondition(self.store, name)}
        return {**found, "on_event": progress.listener(transfer)} if self._in_parts else found

    def upload(
        self, source: Entry, pieces: Iterator[bytes], progress: Progress, transfer: Transfer
    ) -> None:
        """Upload ``pieces`` as the object that ``source`` names."""
        options = self.keywords(source.name, progress, transfer)
        if self._in_parts:
            size = self.object_options.expect_size if source.size is None else source.size
            if size is not None:
                # The size of standard input is an estimate, and files in /proc report 0 bytes.
                is_estimate = source.origin == STDIO or not source.size
                options["ex_size_hint" if is_estimate else "ex_size"] = size
        else:
            pieces = progress.count_pieces(pieces, transfer)
        where, headers = (self.container, source.name), self.object_options.headers
        driver = self.store.driver
        with value_errors_as_usage():
            if self._upload_id:
                driver.ex_resume_upload(pieces, *where, self._upload_id, headers, **options)
            else:
                extra = self._extra(source)
                driver.upload_object_via_stream(
                    pieces, *where, extra=extra, headers=headers, **options
                )

    def _extra(self, source: Entry) -> dict[str, Any]:
        """``extra`` with a content type guessed from the file's name, if there is none."""
        extra = self.object_options.extra
        if "content_type" in extra:
            return extra
        path = source.name if source.origin == STDIO else source.origin
        guessed, encoding = guess_file_mime_type(path, strict=False)
        return {**extra, "content_type": guessed} if guessed and not encoding else extra


@click.command()
@argument("url")
@option(
    "-p, --ignore-closed-output",
    "If the reader of standard output closes it, upload the rest of the input anyway.",
)
@write_options
@transfer_options
def tee(
    settings: Settings, *, url: str, ignore_closed_output: bool, object_options: ObjectOptions
) -> None:
    """Upload standard input to URL, and copy it to standard output.

    \b
    Examples:
      pg_dump db | libcloud tee s3://backups/db.sql | sha256sum
      tar -c /srv | libcloud tee -p s3://backups/srv.tar | tar -t | head

    The object appears only when the input has ended and all of it was uploaded. If the upload
    fails, the output ends early and the exit status is that of libcloud put. If the reader of
    the output closes it before the input ends, nothing is stored and the exit status is 141,
    unless --ignore-closed-output is given.
    """
    store = open_store(url, settings)
    (source,) = plan_uploads((STDIO,), store.target, Walk(), recursive=False)
    object_options.check_supported_by(store)
    output = sys.stdout.buffer
    if is_shared_output(output):
        settings = settings._replace(quiet=True)
    uploader = Uploader(store, settings, object_options)

    def copied(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return _copied(pieces, output, ignore_closed=ignore_closed_output)

    put_stream(uploader, source, sys.stdin.buffer, copied)


def _copied(pieces: Iterator[bytes], output: IO[bytes], *, ignore_closed: bool) -> Iterator[bytes]:
    """Yield ``pieces``, each after it was written to ``output``.

    :raises BrokenPipeError: the output was closed. An upload of these pieces stores nothing.
    """
    is_closed = False
    for piece in pieces:
        if not is_closed:
            try:
                with errors_name("standard output"):
                    output.write(piece)
                    output.flush()
            except BrokenPipeError:
                if not ignore_closed:
                    raise
                is_closed = True
                discard_output(output)
        yield piece
