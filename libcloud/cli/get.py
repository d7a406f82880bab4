# SPDX-License-Identifier: Apache-2.0
"""``libcloud get`` and ``libcloud cat``: download objects to files or standard output."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import error_context
from libcloud.cli.failures import Failures, run_tasks
from libcloud.cli.options import ObjectOptions, read_options
from libcloud.cli.progress import Progress
from libcloud.cli.reading import (
    Download,
    ObjectRange,
    find_object,
    is_directory_marker,
    modified,
    parse_byte_range,
    range_option,
    seconds_of,
    to_program,
    to_stdout,
)
from libcloud.cli.selection import Selection, select, selection_options, version_option
from libcloud.cli.settings import (
    CommandWithProgram,
    Settings,
    argument,
    job_options,
    option,
    transfer_options,
)
from libcloud.cli.stores import open_store
from libcloud.cli.targets import STDIO, is_url
from libcloud.cli.text import count, printable
from libcloud.common.types import LibcloudError
from libcloud.storage.destination import Destination, FileNames, resolve_destination

if TYPE_CHECKING:
    from libcloud.storage.base import Object

# Objects that are listed before the first download, if their total size is shown.
_LISTED_FIRST = 10_000


@click.command(cls=CommandWithProgram)
@argument("arguments", metavar="URL... [DESTINATION | -- COMMAND...]", nargs=-1, required=True)
@option("-r, --recursive", "Download all objects below URL.")
@range_option
@option("--no-clobber", "Fail if the file exists.")
@selection_options
@version_option
@option("-n, --dry-run", "Print what would be downloaded.")
@read_options
@job_options
def get(
    settings: Settings,
    *,
    arguments: tuple[str, ...],
    program: tuple[str, ...],
    byte_range: str | None,
    no_clobber: bool,
    object_options: ObjectOptions,
) -> None:
    """Download the objects at URL... to DESTINATION: a file, a directory or - for standard output.

    The default is the current directory. A directory that ends in a slash is created.

    With -- COMMAND, write it to the standard input of COMMAND. If the download fails, COMMAND is
    terminated before its input ends. libcloud exits with the status of COMMAND.

    \b
    Examples:
      libcloud get s3://backups/db.sql
      libcloud get s3://backups/db.sql -- psql db
      libcloud get --recursive s3://photos/2026/ photos/
      libcloud get 's3://logs/2026/*.gz' logs/

    A key can contain wildcards: * and ? match any characters except slashes, ** also matches
    slashes. Quote them.

    With --recursive, URL is a directory, with or without a slash at its end, and the files keep
    their paths below it. No file is written outside DESTINATION. If several keys map to the same
    file (a/b and a//b), only the first is downloaded. A file appears only when it is complete; its
    modification time is that of the object, so that libcloud sync copies nothing after it.
    """
    urls, destination = _split_arguments(arguments)
    selections = []
    for url in urls:
        selected = select(url, settings)
        object_options.check_supported_by(selected.store)
        selections.append(selected)
    several = len(selections) > 1 or not selections[0].is_single
    if several and settings.version_id is not None:
        raise click.UsageError("--version-id needs the URL of a single object")
    if several and (byte_range or program or destination == STDIO):
        raise click.UsageError(
            "several objects can match: --range, standard output or a command need a single one"
        )
    if several and os.path.exists(destination) and not os.path.isdir(destination):
        raise click.UsageError(f"{destination} is not a directory")
    if len(selections) > 1 and not destination.endswith(os.sep):
        destination += os.sep
    output = _Output(destination, overwrite=not no_clobber)
    if several:
        output = replace(output, names=FileNames(destination))
    if settings.dry_run:
        if program or destination == STDIO:
            raise click.UsageError("--dry-run needs a file or a directory as DESTINATION")
        for selection in selections:
            _print_plan(selection, output)
        return
    for selection in selections:
        if selection.is_single:
            _get_one(selection, output, settings, object_options, byte_range, program)
        else:
            _get_all(selection, output, settings, object_options)


def _split_arguments(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The URLs, and the destination."""
    urls, destination = arguments, "."
    if not is_url(arguments[-1]):
        urls, destination = arguments[:-1], arguments[-1]
    if not urls:
        raise click.UsageError("missing URL")
    for url in urls:
        if not is_url(url):
            raise click.UsageError(
                f"{url!r} is not a valid URL: only the last argument is a path. To upload it, use "
                "libcloud put"
            )
    return urls, destination


def _print_plan(selected: Selection, output: _Output) -> None:
    """Print which objects would be downloaded to which files, and which cannot be."""
    target, failures = selected.store.target, Failures(single=selected.is_single)
    output = output.as_directory()
    if not selected.is_single:
        output = replace(output, path=os.path.join(output.path, ""), prefix=selected.base)
    with error_context(selected.label):
        for obj in selected.objects():
            if not selected.is_single and is_directory_marker(obj):
                continue
            url = target.with_name(obj.name)
            with failures.collect(), error_context(url):
                if not output.is_first(obj):
                    raise _same_file(obj)
                path = output.file_for(obj).path
                click.echo(printable(f"would download {url} to {path}"))
    failures.raise_if_any()


def _get_one(
    selected: Selection,
    output: _Output,
    settings: Settings,
    object_options: ObjectOptions,
    byte_range: str | None,
    program: tuple[str, ...],
) -> None:
    store, target = selected.store, selected.store.target
    with error_context(selected.label):
        obj = find_object(store, target.name, object_options, settings.version_id)
        selection = ObjectRange(parse_byte_range(byte_range, obj), object_options.read_keywords)
        if program:
            to_program(obj, selection, settings, program)
            return
        if output.path == STDIO:
            to_stdout(obj, selection, settings)
            return
        if output.path.endswith(os.sep):
            os.makedirs(output.path, exist_ok=True)
        output = output.as_directory()
        if output.path.endswith(os.sep) and not output.name_of(obj):
            raise click.UsageError(f"{target} is a directory: use --recursive")
        if not output.is_first(obj):
            raise _same_file(obj)
        progress = Progress(str(target), selection.size_of(obj), settings)
        with progress, progress.transfer(str(target)) as transfer:
            destination = output.file_for(obj, is_whole=selection.byte_range is None)
            Download(store, settings, progress, selection).save(obj, destination, transfer)
        progress.finish(f"downloaded {destination.path}")


@click.command()
@argument("urls", nargs=-1, required=True, metavar="URL...")
@range_option
@version_option
@read_options
@transfer_options
def cat(
    settings: Settings,
    *,
    urls: tuple[str, ...],
    byte_range: str | None,
    object_options: ObjectOptions,
) -> None:
    """Write the objects at URL... to standard output, one after another."""
    if settings.version_id is not None and len(urls) > 1:
        raise click.UsageError("--version-id needs the URL of a single object")
    for url in urls:
        store = open_store(url, settings)
        object_options.check_supported_by(store)
        with error_context(store.target.label(settings.version_id)):
            name = store.target.require_object().name
            obj = find_object(store, name, object_options, settings.version_id)
            selection = ObjectRange(parse_byte_range(byte_range, obj), object_options.read_keywords)
            to_stdout(obj, selection, settings)


@dataclass(frozen=True, slots=True)
class _Output:
    """Where files are written.

    :param path: a file or a directory.
    :param prefix: removed from the keys; ``None``: everything up to the last slash.
    :param names: of the files so far, if there can be several.
    """

    path: str
    prefix: str | None = None
    overwrite: bool = False
    names: FileNames | None = None

    def as_directory(self) -> _Output:
        """The same with a separator at the end of the path, if that is a directory."""
        if self.path.endswith(os.sep) or not os.path.isdir(self.path):
            return self
        return replace(self, path=self.path + os.sep)

    def as_absolute(self) -> _Output:
        """The same; a relative path would be joined with the current directory for each file."""
        if os.path.isabs(self.path):
            return self
        return replace(self, path=os.path.join(os.getcwd(), self.path))

    def name_of(self, obj: Object) -> str:
        """The path of an object's file in the directory."""
        if self.prefix is not None:
            return str(obj.name[len(self.prefix) :])
        return str(obj.name.rpartition("/")[2])

    def is_first(self, obj: Object) -> bool:
        """Whether no object before maps to the same file; to be called once for each object."""
        return self.names is None or self.names.add(self.name_of(obj))

    def file_for(self, obj: Object, *, is_whole: bool = True) -> Destination:
        """The file for an object. The library's rules keep it inside the directory.

        :param is_whole: the file gets the time of the object.
        """
        return resolve_destination(
            self.path,
            self.name_of(obj),
            overwrite_existing=self.overwrite,
            driver=obj.driver,
            directory_exists=False,
            modified=seconds_of(modified(obj)) if is_whole else None,
        )


def _same_file(obj: Object) -> LibcloudError:
    return LibcloudError(
        "not downloaded: another object maps to the same file; "
        "download this one separately, to a different file",
        obj.driver,
    )


def _listed(selected: Selection, progress: Progress) -> Iterator[Object]:
    """The objects; if their total size is shown, the first of them are listed before that."""
    objects = selected.objects()
    if not progress.shows_total:
        return objects
    first = list(itertools.islice(objects, _LISTED_FIRST))
    if len(first) < _LISTED_FIRST:
        progress.meter.total = sum(obj.size for obj in first)
    return itertools.chain(first, objects)


def _get_all(
    selected: Selection, output: _Output, settings: Settings, object_options: ObjectOptions
) -> None:
    store, target = selected.store, selected.store.target
    progress = Progress(selected.label, None, settings)
    with error_context(target):
        objects = _listed(selected, progress)
    os.makedirs(output.path, exist_ok=True)
    output = output.as_directory()
    files = replace(output.as_absolute(), prefix=selected.base)
    selection = ObjectRange(None, object_options.read_keywords)
    failures, number = Failures(), 0

    def get_one(task: tuple[int, Object, bool]) -> None:
        number, obj, is_first = task
        if not is_first:
            raise _same_file(obj)
        destination = files.file_for(obj)
        with progress.transfer(f"{number} {obj.name}") as transfer:
            download.save(obj, destination, transfer)

    def tasks() -> Iterator[tuple[int, Object, bool]]:
        nonlocal number
        with error_context(target):
            for obj in objects:
                if not is_directory_marker(obj):
                    number += 1
                    yield number, obj, files.is_first(obj)

    download = Download(store, settings, progress, selection)
    with progress:
        run_tasks(
            store.driver,
            get_one,
            tasks(),
            failures,
            jobs=settings.jobs,
            size_of=lambda task: task[1].size,
            url_of=lambda task: target.with_name(task[1].name),
            can_fork=settings.can_fork,
        )
    progress.finish(f"downloaded {count(number - failures.count, 'object')} to {output.path}")
    failures.raise_if_any()
