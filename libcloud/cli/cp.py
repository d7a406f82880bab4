# SPDX-License-Identifier: Apache-2.0
"""``libcloud cp`` and ``libcloud mv``: copy and move objects, also from store to store."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import error_context
from libcloud.cli.failures import Failures
from libcloud.cli.options import ObjectOptions, write_options
from libcloud.cli.places import Copier, StoreDirectory
from libcloud.cli.progress import Progress, Report, print_stderr
from libcloud.cli.reading import is_same_version
from libcloud.cli.selection import select, selection_options, version_option
from libcloud.cli.settings import Settings, argument, combined, job_options, option, source_options
from libcloud.cli.sources import Entry
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import is_url
from libcloud.cli.text import count, printable
from libcloud.common.types import LibcloudError
from libcloud.storage.types import ObjectDoesNotExistError

if TYPE_CHECKING:
    from libcloud.storage.base import Object


_options = combined(
    argument("source", metavar="SOURCE_URL"),
    argument("destination", metavar="DESTINATION_URL"),
    option("-r, --recursive", "All objects below SOURCE_URL."),
    option("-n, --dry-run", "Print what would be done."),
    option("--json", "Print one JSON object per line.", name="as_json"),
    *(selection_options, write_options, job_options, source_options),
)


@click.command()
@_options
@version_option
def cp(settings: Settings, **arguments: Any) -> None:
    """Copy the object at SOURCE_URL to DESTINATION_URL.

    \b
    Examples:
      libcloud cp s3://photos/a.jpg s3://photos/b.jpg
      libcloud cp --recursive s3://photos/2026 gs://archive/2026
      libcloud cp 's3://logs/*.gz' s3://logs/old/ --from-profile legacy
      libcloud cp --version-id ID s3://photos/a.jpg s3://photos/a.jpg

    Within a store, the store copies the data; otherwise, or with options such as --tag, --sse and
    --no-clobber, it is streamed through this machine, with its properties and tags. A
    DESTINATION_URL that ends in a slash or names only a bucket is a directory. With --recursive,
    both URLs are directories. For files, use libcloud put and get.
    """
    _Command(settings, **arguments).run()


@click.command()
@_options
def mv(settings: Settings, **arguments: Any) -> None:
    """Move the object at SOURCE_URL to DESTINATION_URL: copy it, then delete the original.

    \b
    Examples:
      libcloud mv s3://photos/a.jpg s3://photos/b.jpg
      libcloud mv --recursive s3://photos/2026 s3://archive/photos/2026

    An object is deleted only after its copy is complete. See libcloud cp for the arguments.
    """
    _Command(settings, move=True, **arguments).run()


class _Command:
    def __init__(
        self,
        settings: Settings,
        *,
        source: str,
        destination: str,
        object_options: ObjectOptions,
        move: bool = False,
    ) -> None:
        for text, other in ((source, "put"), (destination, "get")):
            if not is_url(text):
                raise click.UsageError(
                    f"{text!r} is not a valid URL: for files, use libcloud {other}"
                )
        self._settings, self._move, self._options = settings, move, object_options
        self._printed = Report(settings.dry_run, settings.as_json, quiet=not settings.dry_run)
        self._selection = select(source, settings.source)
        self._source = self._selection.store
        self._target = open_store(destination, settings)
        self._target.target.require_container()
        object_options.check_supported_by(self._target)
        is_several = self._selection.has_wildcard and not settings.recursive
        if is_several and not self._target.target.is_directory:
            raise click.UsageError(
                f"several objects can match: end the URL with a slash: {self._target.target}/"
            )

    def run(self) -> None:
        with error_context(self._selection.label):
            entries = self._entries()
        single = self._selection.is_single
        failures = Failures(single=single)
        total = sum(entry.size or 0 for entry in entries)
        with Progress(self._selection.label, total, self._settings) as progress:
            # Names of entries are whole keys.
            bucket = self._target._replace(target=self._target.target.with_name(""))
            copier = Copier(
                StoreDirectory(self._source),
                StoreDirectory(bucket),
                progress,
                self._settings,
                options=self._options,
                jobs=1 if single else self._settings.jobs,
            )
            copy = functools.partial(self._copy, copier)
            copier.copy_all(entries, failures, self._report, copy)
        if not self._settings.dry_run:
            progress.finish(self._summary(entries, failures.count))
            copier.report_lost()
        failures.raise_if_any()

    def _entries(self) -> list[Entry]:
        """The objects to copy. All are listed first: the copies may be below the source."""
        target, entries = self._target.target, []
        for obj in self._selection.objects():
            if self._selection.is_single:
                name = target.name
                if target.is_directory:
                    name += obj.name.rpartition("/")[2]
            else:
                name = target.as_directory().name + self._selection.relative(obj)
            entries.append(Entry(name, int(obj.size), None, obj))
        # A version that is copied to its own name becomes the newest one.
        stores = self._source, self._target
        # A file can be an object of several local stores.
        is_one = all(store.real_path("") for store in stores) or self._source.is_at(self._target)
        if is_one and self._settings.version_id is None:
            sources = {_place(self._source, entry.origin.name) for entry in entries}
            for entry in entries:
                # In which order they are copied is not known.
                if _place(self._target, entry.name) in sources:
                    url = target.with_name(entry.name)
                    raise click.UsageError(f"{url} is both to be copied and to be replaced")
        return entries

    def _copy(self, copier: Copier, entry: Entry) -> None:
        url = copier.destination.label(entry.name)
        if self._move:
            with error_context(url):
                self._check_other_store(entry)
        copier.copy(entry)
        if self._move:
            with error_context(self._source.target.with_name(entry.origin.name)):
                self._delete_original(entry.origin, url)

    def _delete_original(self, obj: Object, url: str) -> None:
        if not is_same_version(obj, self._source.object(obj.name)):
            raise LibcloudError("copied, but changed during the copy: the original was not deleted")
        try:
            obj.delete()
        except LibcloudError:
            print_stderr(f"libcloud: {printable(url)}: copied, but the original was not deleted")
            raise

    def _check_other_store(self, entry: Entry) -> None:
        """:raises LibcloudError: the object is its own destination, under another host name."""
        source, target = self._source.target, self._target.target
        if (source.container, entry.origin.name) != (target.container, entry.name):
            return
        with contextlib.suppress(ObjectDoesNotExistError):
            if is_same_version(entry.origin, self._target.object(entry.name)):
                raise LibcloudError("the same object is there already: nothing was moved")

    def _report(self, entry: Entry) -> None:
        one = str(self._source.target.with_name(entry.origin.name))
        two = str(self._target.target.with_name(entry.name))
        action = "move" if self._move else "copy"
        facts = {"action": action, "source": one, "destination": two, "size": entry.size}
        self._printed.step(action, action, f"{one} to {two}", **facts)

    def _summary(self, entries: list[Entry], failed: int) -> str:
        done = "moved" if self._move else "copied"
        if self._selection.is_single:
            url = self._target.target.with_name(entries[0].name)
            return f"{done} {self._source.target} to {url}"
        amount = count(len(entries) - failed, "object")
        return f"{done} {amount} from {self._selection} to {self._target.target.as_directory()}"


def _place(store: Store, name: str) -> str | tuple[str, str]:
    """The same for all names of an object in one store, or of a file in any local one."""
    return store.real_path(name) or (store.target.container, name)
