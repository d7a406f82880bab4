# SPDX-License-Identifier: Apache-2.0
"""``libcloud sync``: makes one directory identical to another; copies only what differs."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from functools import partial

import click

from libcloud.cli.errors import NoObjectsError, error_context
from libcloud.cli.failures import Failures
from libcloud.cli.places import (
    Copier,
    LocalDirectory,
    Place,
    StoreDirectory,
    difference,
    plan_copies,
)
from libcloud.cli.progress import Progress, Report, print_stderr
from libcloud.cli.selection import filter_options
from libcloud.cli.settings import (
    Settings,
    argument,
    follow_symlinks_option,
    job_options,
    option,
    source_options,
)
from libcloud.cli.sources import Entry
from libcloud.cli.stores import open_store
from libcloud.cli.targets import is_url
from libcloud.cli.text import count
from libcloud.common.types import LibcloudError
from libcloud.storage.destination import FileNames

_MD5 = re.compile(r"[0-9a-f]{32}")
_NESTED = "one of SOURCE and DESTINATION is inside the other"


@click.command()
@argument("source")
@argument("destination")
@option("--delete", "Delete what exists only in DESTINATION.")
@option("--size-only", "Ignore times: copy if the sizes differ.")
@option(
    "--checksum", "Compare MD5 instead of times, where the store reports it. Reads local files."
)
@follow_symlinks_option
@option("-n, --dry-run", "Print what would be done.")
@option("--json", "Print one JSON object per line.", name="as_json")
@filter_options
@job_options
@source_options
def sync(
    settings: Settings,
    *,
    source: str,
    destination: str,
    delete: bool,
    size_only: bool,
    checksum: bool,
) -> None:
    """Copy files and objects below SOURCE that are missing from DESTINATION or differ.

    SOURCE and DESTINATION are directories: a local path or a URL. At least one is a URL.

    \b
    Examples:
      libcloud sync site/ s3://www.example.com --delete
      libcloud sync s3://photos/2026 photos/2026 --exclude '*.raw'
      libcloud sync s3://old gs://new --from-profile legacy

    A file is copied if its size differs or it is newer than its copy. Nothing is deleted without
    --delete, after a failure, if --exclude matches it, or if there are no objects at a SOURCE that
    is a URL. A local directory is deleted with its last file. Links to directories in a local
    DESTINATION are not followed.
    """
    if size_only and checksum:
        raise click.UsageError("--size-only cannot be used with --checksum")
    one = _place(source, settings.source, follow_symlinks=settings.follow_symlinks)
    # Below a link there are files that are also elsewhere, and must not be deleted there.
    two = _place(destination, settings, follow_symlinks=False, reports=False)
    _check(one, two)
    names = FileNames(two.path) if isinstance(two, LocalDirectory) else None
    key = str if names is None else names.key
    present = {}
    with error_context(destination):
        for entry in two.entries(settings.filters):
            if entry.error is None:
                present[key(entry.name)] = entry
            elif not os.path.islink(entry.origin):  # a broken link hides no files
                raise entry.error  # the files of a directory would seem to be missing
    same_content = _same_content if checksum else None
    differs = partial(difference, size_only=size_only, same_content=same_content)
    failures, printed = Failures(), Report(settings.dry_run, settings.as_json, settings.quiet)
    with Progress(source, None, settings) as progress:
        copier = Copier(one, two, progress, settings, jobs=settings.jobs)
        runner = _Runner(copier, failures, names, printed)
        with error_context(source):
            found = runner.readable(one.entries(settings.filters))
            copies = plan_copies(found, present, differs, key)
            if delete:
                runner.copy_and_delete(copies, present.values())
            else:
                runner.copy(copies)
    if not settings.dry_run:
        done = count(runner.copied, "object" if isinstance(two, StoreDirectory) else "file")
        progress.finish(f"copied {done} to {destination}, deleted {runner.deleted:,}")
        copier.report_lost()
    failures.raise_if_any()


def _place(text: str, settings: Settings, *, follow_symlinks: bool, reports: bool = True) -> Place:
    if not is_url(text):
        return LocalDirectory(text, follow_symlinks, reports)
    store = open_store(text, settings)
    store.target.require_container()
    return StoreDirectory(store)


def _check(source: Place, destination: Place) -> None:
    """:raises click.UsageError: the two cannot be synchronized. Nothing was sent."""
    if isinstance(source, LocalDirectory):
        if isinstance(destination, LocalDirectory):
            raise click.UsageError("at least one of SOURCE and DESTINATION must be a URL")
        if not os.path.isdir(source.path):
            raise click.UsageError(f"{source.path} is not a directory")
    elif isinstance(destination, LocalDirectory):
        if os.path.exists(destination.path) and not os.path.isdir(destination.path):
            raise click.UsageError(f"{destination.path} is not a directory")
    else:
        one, two = source.store, destination.store
        if one.is_same_store(two) and one.target.container == two.target.container:
            prefixes = sorted((source.prefix, destination.prefix))
            if prefixes[1].startswith(prefixes[0]):
                raise click.UsageError(_NESTED)
    paths = [place.real_path for place in (source, destination)]  # also of a local URL
    if all(paths) and os.path.commonpath(paths) in paths:
        raise click.UsageError(_NESTED)


def _possible(entries: Iterable[Entry], place: Place, blocked: list[Entry]) -> Iterator[Entry]:
    """The entries that no file of another name is in the way of; others go to ``blocked``."""
    root = place.real_path
    for entry in entries:
        if root and _is_blocked(os.path.join(root, entry.name)):
            blocked.append(entry)
        else:
            yield entry


def _is_blocked(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except NotADirectoryError:
        return True
    except (OSError, ValueError):
        return False


def _same_content(source: Entry, destination: Entry) -> bool | None:
    one, two = _md5(source), _md5(destination)
    return None if one is None or two is None else one == two


def _md5(entry: Entry) -> str | None:
    """The MD5 of a file; that of an object if its ETag has the form of one."""
    if isinstance(entry.origin, str):
        digest = hashlib.md5(usedforsecurity=False)
        with open(entry.origin, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        return digest.hexdigest()
    # An encrypted object can have an ETag of this form that is not its MD5. It is copied again.
    etag = str(entry.origin.hash or "")
    return etag if _MD5.fullmatch(etag) else None


class _Runner:
    def __init__(
        self, copier: Copier, failures: Failures, names: FileNames | None, printed: Report
    ) -> None:
        self.copied = self.deleted = 0
        self._copier, self._failures, self._printed = copier, failures, printed
        self._names = names

    def readable(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Those that can be copied, each to its own file; others are failures."""
        for entry in entries:
            if entry.error is not None:
                self._failures.add(entry.error)
            elif self._names is not None and not self._names.add(entry.name):
                text = "not downloaded: another object maps to the same file"
                self._failures.add(LibcloudError(text), self._label(entry))
            else:
                yield entry

    def copy(self, entries: Iterable[Entry]) -> None:
        copier = self._copier
        if isinstance(copier.destination, LocalDirectory) and not copier.settings.dry_run:
            os.makedirs(copier.destination.path, exist_ok=True)
        copier.copy_all(entries, self._failures, self._copied)

    def copy_and_delete(self, copies: Iterator[Entry], deleted: Collection[Entry]) -> None:
        """Delete after everything was copied, except for what the deleted files are in the way of.

        That is where a directory became a file, or a file a directory.
        """
        blocked: list[Entry] = []
        self.copy(_possible(copies, self._copier.destination, blocked))
        self.delete(deleted)
        self.copy(blocked)

    def delete(self, entries: Collection[Entry]) -> None:
        """Delete, if nothing failed. :raises NoObjectsError: the source may be mistyped."""
        if not entries:
            return
        if self._failures.count:
            print_stderr("libcloud: nothing was deleted because of the failures above")
            return
        source = self._copier.source
        if source.is_missing:
            raise NoObjectsError(f"no objects match {source.label('')}: nothing was deleted")
        errors: Iterable[Exception | None] = [None] * len(entries)
        if not self._printed.dry_run:
            errors = self._copier.destination.delete_all(entries)
        for entry, error in zip(entries, errors, strict=True):
            if error is None:
                self.deleted += 1
                self._report("delete", entry)
            else:
                self._failures.add(error, self._label(entry))

    def _copied(self, entry: Entry) -> None:
        self.copied += 1
        self._report("copy", entry)

    def _label(self, entry: Entry) -> str:
        return self._copier.destination.label(entry.name)

    def _report(self, action: str, entry: Entry) -> None:
        url, reason = self._label(entry), entry.reason
        facts = {"action": action, "name": url, "size": entry.size, "reason": reason or None}
        done = {"copy": "copied", "delete": "deleted"}[action]
        self._printed.step(action, done, f"{url} ({reason})" if reason else url, **facts)
