# SPDX-License-Identifier: Apache-2.0
"""The base class of the file system: paths, times, directories and deletion."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

# fsspec has no types.
from fsspec.asyn import (  # type: ignore[import-untyped]
    AsyncFileSystem,
    _get_batch_size,
    get_loop,
    reset_lock,
    sync,
    sync_wrapper,
)

from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.filesystem.listing import (
    DEFAULT_EXPIRY,
    Info,
    Listing,
    ListingCache,
    by_own_names,
    directory_entry,
    entry_of,
    split_path,
    time_of,
)
from libcloud.storage.filesystem.operations import Operations
from libcloud.storage.filesystem.workers import Calls, containers_of_directories, recorded

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Before version 2025.5, fsspec does not: the child would wait for the event loop of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reset_lock)


def refuse_version(options: Mapping[str, Any]) -> None:
    """:raises TypeError: for an operation that would delete the newest version in its place."""
    if options.get("version_id") is not None:
        raise TypeError("version_id: only whole files can be deleted; see driver.delete_object")


def _check_depth(levels: int | None) -> None:
    if levels is not None and levels < 1:
        raise ValueError(f"maxdepth must be at least 1, not {levels}")


class CopyOptions(TypedDict, total=False):
    """Keywords of ``mv`` that fsspec's interface has.

    :param batch_size: files at a time: not used; the driver's worker pool decides.
    """

    batch_size: int | None


class WalkOptions(TypedDict, total=False):
    """Keywords of ``walk`` that fsspec's interface has. Others have no effect."""

    detail: bool
    refresh: bool


class StorageOptions(TypedDict, total=False):
    """Options that fsspec defines for every file system.

    :param asynchronous: methods are called from a running event loop.
    :param batch_size: files at a time, of one call; ``None``: fsspec's default.
    :param listings_expiry_time: seconds that listings are cached; 60 if not passed.
    :param loop: the event loop to use.
    :param max_paths: number of listings in the cache; ``None``: any.
    :param skip_instance_cache: create a new instance, even if there is one with these options.
    :param use_listings_cache: cache listings.
    """

    asynchronous: bool
    batch_size: int | None
    listings_expiry_time: float | None
    loop: Any
    max_paths: int | None
    skip_instance_cache: bool
    use_listings_cache: bool


class DriverFileSystem(AsyncFileSystem):  # type: ignore[misc]
    """The part of a file system on a driver that neither reads nor writes files.

    :param storage_options: those of fsspec's ``AsyncFileSystem``.
    """

    root_marker = ""

    def __init__(
        self,
        driver: StorageDriver,
        *,
        use_listings_cache: bool = False,
        listings_expiry_time: float | None = None,
        **storage_options: Any,
    ) -> None:
        if use_listings_cache and listings_expiry_time is None:
            listings_expiry_time = DEFAULT_EXPIRY
        super().__init__(
            use_listings_cache=use_listings_cache,
            listings_expiry_time=listings_expiry_time,
            **storage_options,
        )
        self.driver: Any = driver  # methods with ex_ are not part of StorageDriver
        self._listings = ListingCache(self.dircache)
        self._listing = Listing(driver)
        self._operations = Operations(driver, self._listing, self)
        self._calls = Calls(driver)
        self._run = self._calls.run

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        if not isinstance(stripped, str):
            return stripped
        stripped = stripped.lstrip("/")
        given = os.fspath(path)
        # Two slashes at the end are a directory with an empty name; a single one has no meaning.
        slashes = len(given) - len(given.rstrip("/"))
        return stripped + "/" * slashes if stripped and slashes > 1 else stripped

    @property
    def loop(self) -> Any:
        """The event loop of blocking methods; a forked process has its own."""
        if self._pid != os.getpid():  # set by fsspec
            self._pid: int = os.getpid()
            self._loop = None if self.asynchronous else get_loop()
        return self._loop

    def invalidate_cache(self, path: str | None = None) -> None:
        """Drop cached listings. No error is raised.

        :param path: only those that may include it; ``None``: all.
        """
        if path is None:
            self._listings.clear()
        else:
            self._listings.invalidate(self._strip_protocol(path))
        super().invalidate_cache(path)

    # Looking.

    async def _info(self, path: str, **kwargs: Any) -> Info:
        """The properties of ``path``: at least ``name``, ``size`` and ``type``.

        The type is ``"file"`` or ``"directory"``; files also have ``etag``,
        ``modified``, ``metadata`` and ``content_type`` (the last two are not part of a listing),
        and ``ETag``, with its quotes, and ``LastModified`` for programs written for s3fs.

        :param kwargs: ``version_id``: of a version of an object.
        :raises FileNotFoundError: it does not exist.
        """
        path = self._strip_protocol(path)
        version_id = kwargs.get("version_id")
        if version_id is not None:
            return entry_of(await self._run(self._listing.object, path, version_id))
        known = self._listings.entry(path)
        return dict(known) if known else await self._run(self._listing.info, path)

    async def _ls(
        self, path: str, detail: bool = True, refresh: bool = False, **kwargs: Any
    ) -> list[Any]:
        """The entries of a directory, or the file at ``path``; sorted by name.

        :param detail: return what :meth:`info` returns, otherwise only the names.
        :param refresh: request the listing, even if it is in the cache.
        :raises FileNotFoundError: neither exists.
        """
        entries = await self._run(self._list, self._strip_protocol(path), refresh)
        if detail:
            return [dict(entry) for entry in entries]
        return list(dict.fromkeys(entry["name"] for entry in entries))

    def _list(self, path: str, refresh: bool = False) -> list[Info]:
        """The same as a blocking call; the entries must not be changed."""
        entries = None if refresh else self._listings.get(path)
        if entries is None:
            version = self._listings.version
            entries = self._listing.directory(path)
            self._listings.store(path, entries, version)
        return entries

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: Any = "omit",
        **kwargs: Unpack[WalkOptions],
    ) -> Iterator[tuple[str, Any, Any]]:
        """Directories, each with the names of its directories and files, as ``os.walk`` does.

        A directory with an empty name (``a//b`` is in one) is ``""`` among the others; the path of
        a file is always ``f"{directory}/{name}"``.

        :param path: where to begin.
        :param maxdepth: levels of directories, at most; ``None``: no limit.
        :param topdown: yield a directory before those in it, of which the caller may remove some
            from the list; if false, after them.
        :param on_error: if ``path`` cannot be listed: ``"omit"`` yields nothing, ``"raise"`` raises
            the error, and a function is called with it.
        :param detail: yield dictionaries of what :meth:`info` returns, by name.
        :param refresh: request the listings, even if they are in the cache.
        :raises ValueError: ``maxdepth`` is less than 1.
        """
        # Before version 2026.6, that of fsspec does not call _walk().
        found = self._walk(path, maxdepth, topdown, on_error, **kwargs)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield sync(self.loop, found.__anext__)

    async def _walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: Any = "omit",
        **kwargs: Any,
    ) -> AsyncIterator[tuple[str, Any, Any]]:
        _check_depth(maxdepth)
        path, detail = self._strip_protocol(path), kwargs.pop("detail", False)
        try:
            listing = await self._ls(path, detail=True, **kwargs)
        except OSError as error:
            if on_error == "raise":
                raise
            if callable(on_error):
                on_error(error)
            return
        shown = path[:-1] if path.endswith("//") else path
        dirs, files = by_own_names(listing, path)
        paths = {name: entry["name"] for name, entry in dirs.items()}
        found = (dirs, files) if detail else (list(dirs), list(files))
        if topdown:
            yield shown, *found
        if maxdepth is None or maxdepth > 1:
            deeper = None if maxdepth is None else maxdepth - 1
            shared = {"topdown": topdown, "detail": detail, **kwargs}
            for name in found[0]:  # of which the caller may have taken some
                async for below in self._walk(paths[name], maxdepth=deeper, **shared):
                    yield below
        if not topdown:
            yield shown, *found

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        prefix: str = "",
        **kwargs: Any,
    ) -> Any:
        """All files below ``path``: by one listing of the store if ``maxdepth`` is ``None``,
        otherwise by one listing per directory, in parallel for each level.

        :param prefix: only files and directories in ``path`` whose own names begin with it.
        :return: names, sorted; with ``detail``, a dictionary of what :meth:`info` returns.
        """
        _check_depth(maxdepth)
        path = self._strip_protocol(path)
        found: dict[str, Info]
        if maxdepth is None and path:
            found = await self._run(self._listing.below, path, prefix, withdirs)
        else:
            found = await self._find_by_level(path, maxdepth, prefix, withdirs)
        if not found and path and not prefix:
            with contextlib.suppress(FileNotFoundError):
                here = await self._info(path)
                found = {path: here} if withdirs or here["type"] == "file" else {}
        seen = recorded.get()
        if seen is not None:
            inner = (name for name, entry in found.items() if entry["type"] == "directory")
            seen.update(name for name in inner if name != path)
        names = sorted(found)
        return {name: found[name] for name in names} if detail else names

    async def _find_by_level(
        self, path: str, maxdepth: int | None, prefix: str, withdirs: bool
    ) -> dict[str, Info]:
        found: dict[str, Info] = {}
        directories, depth = [path], 0
        while directories and (maxdepth is None or depth < maxdepth):
            stem = "" if depth else prefix
            listings: list[Any] = await self._in_parallel(partial(self._level, stem), directories)
            entries = [entry for listing in listings for entry in listing]
            if withdirs and path and entries and not depth:
                found[path] = directory_entry(path)
            found.update((entry["name"], entry) for entry in entries if entry["type"] == "file")
            inner = [entry for entry in entries if entry["type"] == "directory"]
            if withdirs:
                found.update({entry["name"]: entry for entry in inner} | found)
            directories = [entry["name"] for entry in inner]
            depth += 1
        return found

    def _level(self, stem: str, path: str) -> list[Info]:
        """The listing of a directory; empty if it does not exist."""
        try:
            return self._listing.directory(path, stem) if stem else self._list(path)
        except FileNotFoundError:
            return []

    async def _du(
        self,
        path: str,
        total: bool = True,
        maxdepth: int | None = None,
        withdirs: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Sizes of files, from listings only; see fsspec's ``AbstractFileSystem.du``."""
        found = await self._find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True)
        sizes = {name: entry["size"] for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    def created(self, path: str) -> datetime:
        """When the file was created; if the store does not report that, the same as
        :meth:`modified`, because objects are replaced as a whole.

        :param path: of the file.
        :raises FileNotFoundError: it does not exist.
        :raises NotImplementedError: the store does not report it, or it is a directory.
        """
        entry = self._listing.info(self._strip_protocol(path))
        return time_of(entry, "created" if entry.get("created") else "modified")

    def modified(self, path: str) -> datetime:
        """When the file was written, an aware time.

        :param path: of the file.
        :raises FileNotFoundError: it does not exist.
        :raises NotImplementedError: the store does not report it, or it is a directory.
        """
        return time_of(self._listing.info(self._strip_protocol(path)), "modified")

    # Containers.

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Create a container; for a directory, which exists implicitly, its container is created.

        :param create_parents: if false, the container of a directory must exist.
        :raises FileExistsError: ``path`` is a container that exists.
        """
        path = self._strip_protocol(path)
        await self._change(path, self._operations.make_directory, path, create_parents)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create the container of ``path`` if it does not exist.

        :raises FileExistsError: ``path`` exists, unless ``exist_ok``.
        """
        path, containers = self._strip_protocol(path), containers_of_directories.get()
        if containers is not None and exist_ok:
            containers.add(split_path(path)[0])
        else:
            await self._change(path, self._operations.make_directories, path, exist_ok)

    async def _rmdir(self, path: str) -> None:
        """Delete an empty container; empty directories in a container do not exist.

        :param path: of the container.
        :raises OSError: it is not empty. Nothing was deleted.
        """
        path = self._strip_protocol(path)
        await self._change(path, self._operations.remove_directory, path)

    rmdir = sync_wrapper(_rmdir)

    # Deleting.

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Delete one file.

        :raises FileNotFoundError: the path does not exist.
        :raises IsADirectoryError: it is a directory. Nothing was deleted.
        """
        refuse_version(kwargs)
        await self._delete(await self._files_to_delete([path]))

    async def _rm(
        self,
        path: str | Sequence[str],
        recursive: bool = False,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Delete files; with ``recursive`` also directories and containers with their contents.

        :raises FileNotFoundError: a path does not exist.
        :raises IsADirectoryError: a directory, without ``recursive``.
        """
        refuse_version(kwargs)
        if recursive and maxdepth is None:
            await self._rm_trees(await self._expand_path(path))
            return
        paths = await self._expand_path(path, recursive=recursive, maxdepth=maxdepth)
        await self._delete(await self._files_to_delete(paths, skip=recursive))

    async def _rm_trees(self, roots: Sequence[str], copied: Collection[str] | None = None) -> None:
        """Delete all objects at ``roots`` and below them.

        :param copied: files that are deleted, because they were copied; ``None``: any.
        :raises FileNotFoundError: one of them does not exist. Nothing was deleted.
        :raises OSError: there is another one than those that were ``copied``. Nothing was deleted.
        """
        roots = [self._strip_protocol(root) for root in roots]
        if "" in roots:
            raise PermissionError(errno.EPERM, "delete containers one by one", "")
        lookups = (self._listing.objects, self._listing.file)
        found = await self._in_parallel(
            lambda lookup: list(lookup()), [partial(one, root) for root in roots for one in lookups]
        )
        for root, below, here in zip(roots, found[::2], found[1::2], strict=True):
            if not below and not here and "/" in root:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
        objects = {f"{obj.container.name}/{obj.name}": obj for some in found for obj in some}
        self._operations.check_copied(objects, copied)
        await self._delete(list(objects.values()))
        for root in roots:
            if "/" not in root:
                await self._rmdir(root)

    # Inside.

    async def _change(self, path: str, function: Callable[..., object], *args: Any) -> None:
        """Call ``function``, which changes what is at ``path``, in the driver's worker pool."""
        try:
            await self._run(function, *args)
        finally:  # a change whose response was lost may have been made
            self._listings.invalidate(path)

    async def _transfer(
        self,
        transfer: Callable[..., None],
        pairs: list[tuple[Any, Any]],
        callback: Any,
        batch_size: int | None,
    ) -> list[Any]:
        """Call ``transfer`` for pairs of paths in parallel, with a child of ``callback`` each."""

        def transfer_one(pair: tuple[Any, Any]) -> None:
            with callback.branched(*pair) as child:
                transfer(*pair, child)

        callback.set_size(len(pairs))
        options = {"jobs": self._jobs(batch_size), "finished": callback.relative_update}
        return await self._calls.map(transfer_one, pairs, **options)

    def _jobs(self, batch_size: int | None, nofiles: bool = False) -> int:
        """The maximum number of files that a call works on at a time: fsspec's own limit."""
        size: int = batch_size or self.batch_size or _get_batch_size(nofiles=nofiles)
        return size

    async def _in_parallel(
        self, function: Callable[[Any], Any], items: Sequence[Any], **options: Any
    ) -> list[Any]:
        """The results of ``function``, which does not open files."""
        jobs = self._jobs(options.pop("batch_size", None), nofiles=True)
        return await self._calls.map(function, items, jobs=jobs, **options)

    async def _files_to_delete(self, paths: Sequence[str], *, skip: bool = False) -> list[Object]:
        """The objects of files; with ``skip`` without directories."""
        find = partial(self._operations.file_to_delete, skip=skip)
        found = await self._in_parallel(find, [*map(self._strip_protocol, paths)])
        return [obj for objects in found for obj in objects]

    async def _delete(self, objects: Sequence[Object]) -> None:
        try:
            await self._run(self._operations.delete, objects)
        finally:
            self._listings.invalidate(*(f"{obj.container.name}/{obj.name}" for obj in objects))
