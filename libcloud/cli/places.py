# SPDX-License-Identifier: Apache-2.0
"""Directories that are synchronized or copied: in a store or local, and how two of them differ."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from libcloud.cli.errors import error_context
from libcloud.cli.failures import Failures, report_unfinished_upload, run_tasks
from libcloud.cli.meter import Transfer
from libcloud.cli.options import ObjectOptions, value_errors_as_usage
from libcloud.cli.progress import Progress, print_stderr
from libcloud.cli.put import Uploader
from libcloud.cli.reading import (
    Download,
    ObjectRange,
    is_directory_marker,
    is_same_version,
    modified,
    seconds_of,
)
from libcloud.cli.settings import Settings
from libcloud.cli.sources import Entry, Walk, size_of_stream
from libcloud.cli.stores import Store
from libcloud.cli.targets import Filters
from libcloud.cli.text import count
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.destination import resolve_destination
from libcloud.storage.types import FailedDeletion, Provider
from libcloud.utils.cancellation import interruptible

if TYPE_CHECKING:
    from libcloud.storage.base import Object

_PIECE = MIB
_CHANGED = "not copied: the file changed while it was read"


def difference(
    source: Entry,
    destination: Entry,
    *,
    size_only: bool = False,
    same_content: Callable[[Entry, Entry], bool | None] | None = None,
) -> str:
    """The difference between source and destination; empty if the latter is up to date.

    :param same_content: decides in place of the times, unless it returns ``None``.
    """
    if source.size is None or source.size != destination.size:
        return "size"
    if size_only:
        return ""
    same = None if same_content is None else same_content(source, destination)
    if same is not None:
        return "" if same else "checksum"
    if source.modified is None or destination.modified is None:
        return "time"
    modified = source.modified
    if isinstance(destination.origin, str) and not destination.modified.microsecond:
        # ``libcloud get`` of one object knows no fractions of a second; a listing may.
        modified = modified.replace(microsecond=0)
    # A copy is younger than its original; a younger original was changed after the copy.
    return "time" if modified > destination.modified else ""


def plan_copies(
    source: Iterable[Entry],
    present: dict[str, Entry],
    differs: Callable[[Entry, Entry], str],
    key: Callable[[str], str],
) -> Iterator[Entry]:
    """The entries of ``source`` that the destination needs, with reasons, as they are consumed.

    :param present: the entries of the destination by the ``key`` of their names. Those that the
        source has as well are removed.
    :param key: the same text for all names of a file.
    """
    for entry in source:
        found = present.pop(key(entry.name), None)
        reason = "new" if found is None else differs(entry, found)
        if reason:
            yield entry._replace(reason=reason)


def _unchanged(file: BinaryIO) -> Iterator[bytes]:
    """The data of ``file``. :raises LibcloudError: at the end: it was changed meanwhile.

    What was read is a mixture of two versions, which would seem to be up to date for the next run.
    """
    before = os.fstat(file.fileno())
    while piece := file.read(_PIECE):
        yield piece
    after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise LibcloudError(_CHANGED)


def _unchanged_object(pieces: Iterator[bytes], obj: Object, store: Store) -> Iterator[bytes]:
    """The same for a file that is an object of a local store; others read a single version."""
    yield from pieces
    if store.real_path("") and not is_same_version(obj, store.object(obj.name)):
        raise LibcloudError(_CHANGED)


@dataclass(frozen=True, slots=True)
class LocalDirectory:
    path: str
    follow_symlinks: bool = False
    reports: bool = True

    def entries(self, filters: Filters) -> Iterator[Entry]:
        """The files in it. Links to directories and the like are skipped, and may be reported."""
        walk = Walk(filters, self.follow_symlinks, self.reports)
        return iter(()) if self.is_missing else walk.files(self.path)

    @property
    def real_path(self) -> str:
        return os.path.realpath(self.path)

    @property
    def is_missing(self) -> bool:
        return not os.path.isdir(self.path)

    def label(self, name: str) -> str:
        return os.path.join(self.path, name)

    def delete_all(self, entries: Iterable[Entry]) -> Iterator[Exception | None]:
        """Delete files, and the directories that this leaves empty."""
        for entry in entries:
            try:
                os.remove(entry.origin)
            except OSError as error:
                yield error
                continue
            directory = os.path.dirname(entry.name)
            with contextlib.suppress(OSError):  # it is not empty
                while directory:
                    os.rmdir(os.path.join(self.path, directory))
                    directory = os.path.dirname(directory)
            yield None


@dataclass(frozen=True, slots=True)
class StoreDirectory:
    """The objects of a store whose keys begin with :attr:`prefix`."""

    store: Store

    @property
    def prefix(self) -> str:
        return self.store.target.as_directory().name

    def entries(self, filters: Filters) -> Iterator[Entry]:
        for obj in self.store.container().iterate_objects(prefix=self.prefix or None):
            name = obj.name[len(self.prefix) :]
            if name and not is_directory_marker(obj) and filters.select(name):
                yield Entry(name, int(obj.size), modified(obj), obj)

    @property
    def real_path(self) -> str:
        """Empty if the store is not local."""
        return self.store.real_path(self.prefix)

    @property
    def is_missing(self) -> bool:
        """Whether no key begins with the prefix, which may be mistyped."""
        found = self.store.container().iterate_objects(prefix=self.prefix or None)
        return next(iter(found), None) is None

    def label(self, name: str) -> str:
        return str(self.store.target.with_name(self.prefix + name))

    def delete_all(self, entries: Iterable[Entry]) -> Iterator[Exception | None]:
        for result in self.store.driver.ex_iterate_deletions(entry.origin for entry in entries):
            yield result.error if isinstance(result, FailedDeletion) else None


Place = LocalDirectory | StoreDirectory


class Copier:
    """Copies between places.

    :param options: of the copies in a store.
    :param jobs: how many run at once; ``None``: as many as the worker pool allows.
    :ivar lost: properties that the destination does not support.
    """

    def __init__(
        self,
        source: Place,
        destination: Place,
        progress: Progress,
        settings: Settings,
        *,
        options: ObjectOptions | None = None,
        jobs: int | None,
    ) -> None:
        self.source, self.destination = source, destination
        self.progress, self.settings = progress, settings
        self.options, self.jobs = options or ObjectOptions(), jobs
        self.lost: list[str] = []

    def copy(self, entry: Entry) -> None:
        """Copy ``entry`` under the same name. If it fails, the destination is unchanged."""
        label = self.destination.label(entry.name)
        with (
            value_errors_as_usage(),
            error_context(label),
            self.progress.transfer(entry.name) as transfer,
            report_unfinished_upload(transfer, label),
        ):
            self._copy(entry, transfer)

    def copy_all(
        self,
        entries: Iterable[Entry],
        failures: Failures,
        done: Callable[[Entry], object],
        copy: Callable[[Entry], object] | None = None,
    ) -> None:
        """Copy entries in the worker pool of a store's driver; a dry run only calls ``done``."""
        if self.settings.dry_run:
            for entry in entries:
                done(entry)
            return
        place = self.destination
        if isinstance(place, StoreDirectory):
            self._uploader = Uploader(place.store, self.settings, self.options, self.jobs)
        else:
            place = self.source
            assert isinstance(place, StoreDirectory)
        run_tasks(
            place.store.driver,
            copy or self.copy,
            entries,
            failures,
            jobs=self.jobs,
            size_of=lambda entry: entry.size,
            done=done,
            url_of=lambda entry: self.destination.label(entry.name),
            can_fork=self.settings.can_fork and not self._is_between_stores,
            uploads=isinstance(self.source, LocalDirectory),
        )

    @property
    def _is_between_stores(self) -> bool:
        """Whether copying changes :attr:`lost`."""
        return all(isinstance(place, StoreDirectory) for place in (self.source, self.destination))

    def _copy(self, entry: Entry, transfer: Transfer) -> None:
        self.options.check_size(entry.size or 0)
        if isinstance(self.source, LocalDirectory):
            self._upload(entry, transfer)
        elif isinstance(self.destination, LocalDirectory):
            self._download(entry, self.destination, transfer)
        elif (
            self.source.store.is_same_store(self.destination.store)
            and hasattr(self.destination.store.driver, "ex_copy_object")
            and not self.options.needs_upload
        ):
            self._copy_in_store(entry, transfer)
        else:
            self._stream(entry, self.source, transfer)

    def _upload(self, entry: Entry, transfer: Transfer) -> None:
        with open(entry.origin, "rb") as file:
            entry = self._renamed(entry)._replace(size=size_of_stream(file))
            pieces = interruptible(_unchanged(file))
            self._uploader.upload(entry, pieces, self.progress, transfer)

    def _download(self, entry: Entry, place: LocalDirectory, transfer: Transfer) -> None:
        assert isinstance(self.source, StoreDirectory)
        obj, path = entry.origin, os.path.join(place.path, "")
        destination = resolve_destination(
            path,
            entry.name,
            overwrite_existing=True,
            driver=obj.driver,
            modified=seconds_of(modified(obj)),
        )
        whole = ObjectRange(None, {})
        download = Download(self.source.store, self.settings, self.progress, whole)
        download.save(obj, destination, transfer)
        transfer.complete(int(obj.size))

    def _copy_in_store(self, entry: Entry, transfer: Transfer) -> None:
        extra, headers = self.options.extra, dict(self.options.headers)
        if "acl" in extra:
            headers["x-amz-acl"] = extra["acl"]
        uploader = self._uploader
        uploader.store.driver.ex_copy_object(
            entry.origin,
            uploader.container,
            self._renamed(entry).name,
            metadata=extra.get("meta_data"),
            content_type=extra.get("content_type"),
            headers=headers,
            ex_storage_class=self.options.write_keywords.get("ex_storage_class"),
            **self.settings.engine_options(on_event=self.progress.listener(transfer)),
        )
        transfer.complete(entry.size or 0)  # a copy by a single request sends no events

    def _stream(self, entry: Entry, source: StoreDirectory, transfer: Transfer) -> None:
        from libcloud.storage.copying import properties_of

        # A listing contains neither content type nor metadata.
        version_id = getattr(entry.origin, "version_id", None)
        obj = source.store.object(entry.origin.name, version_id)
        uploader, name = self._uploader, self._renamed(entry).name
        kept = properties_of(obj, uploader.store.driver)
        kept.options.pop("ex_storage_class", None)  # the default, as of a copy within a store
        self.lost.extend(kept.lost)
        keywords = uploader.keywords(name, self.progress, transfer)
        kept.upload(
            obj,
            _unchanged_object(obj.as_stream(_PIECE), obj, source.store),
            uploader.container,
            name,
            extra=self.options.extra,
            headers=self.options.headers,
            **keywords,
        )
        transfer.complete(int(obj.size))

    def _renamed(self, entry: Entry) -> Entry:
        """``entry`` with the whole key of its copy."""
        assert isinstance(self.destination, StoreDirectory)
        return entry._replace(name=self.destination.prefix + entry.name)

    def report_lost(self) -> None:
        """Print which properties the copies do not have; files have none."""
        place = self.destination
        if isinstance(place, LocalDirectory) or place.store.target.provider == Provider.LOCAL:
            return
        for name, number in sorted(Counter(self.lost).items()):
            text = f"{count(number, 'object')} copied without {name}"
            print_stderr(f"libcloud: {text}, which the destination does not support")
