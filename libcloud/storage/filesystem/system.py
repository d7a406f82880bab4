# SPDX-License-Identifier: Apache-2.0
"""The file system: fsspec's asynchronous base class on a driver with blocking calls."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

# fsspec has no types.
from fsspec.asyn import sync  # type: ignore[import-untyped]
from fsspec.callbacks import DEFAULT_CALLBACK  # type: ignore[import-untyped]
from fsspec.compression import compr  # type: ignore[import-untyped]
from fsspec.core import get_compression  # type: ignore[import-untyped]

from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.filesystem.base import (
    CopyOptions,
    DriverFileSystem,
    StorageOptions,
    refuse_version,
)
from libcloud.storage.filesystem.connecting import make_driver
from libcloud.storage.filesystem.errors import FileExpired, as_os_errors
from libcloud.storage.filesystem.files import (
    CompressedFile,
    FileKeywords,
    LibcloudTransaction,
    ReadFile,
    WriteFile,
)
from libcloud.storage.filesystem.listing import split_path
from libcloud.storage.filesystem.reading import same_version
from libcloud.storage.filesystem.workers import (
    Batch,
    check_targets,
    collected,
    containers_of_directories,
    planned_copies,
    recorded,
)
from libcloud.storage.keywords import complete_help
from libcloud.storage.types import Provider
from libcloud.utils.arguments import unexpected_keyword

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Options of any file system that fsspec itself handles.
_OF_FSSPEC = frozenset(StorageOptions.__annotations__)

# The options of this file system.
_OPTIONS = frozenset("key secret driver provider token endpoint_url region profile anon".split())


class LibcloudFileSystem(DriverFileSystem):
    """Containers and objects of a driver as directories and files.

    Operations on many files (``cat``, ``get``, ``put``, ``rm``, ``cp``, ...) run in parallel in
    the worker pool of the driver. Every method has a coroutine of the same name with a leading
    underscore, for use with ``asynchronous=True``.

    Errors of the store are translated: a missing object raises ``FileNotFoundError``, denied
    access ``PermissionError``; other errors stay ``LibcloudError``.

    :param key: user, or the meaning of the driver's first argument.
    :param secret: password of ``key``. Without both, the environment or ``~/.aws`` is used.
    :param driver: an existing driver, instead of all other parameters.
    :param provider: a constant of :class:`~libcloud.storage.types.Provider`.
    :param token: session token of temporary credentials.
    :param endpoint_url: ``http://HOST:PORT`` or ``https://HOST`` of a store that is not Amazon's.
    :param profile: name of a profile in ``~/.aws``.
    :param anon: use no credentials, for public data.
    :param region: to sign for; ``None``: that of the environment or of the provider.
    :param use_listings_cache: cache listings for ``listings_expiry_time`` seconds (60); writes of
        this file system are visible at once, those of others only after that time.
    :raises ValueError: there are no credentials, or the endpoint is not a valid URL.
    :raises TypeError: there is no such option.
    """

    # xarray and others allow only letters and digits in a protocol: hence the second name.
    protocol: tuple[str, ...] = ("libcloud+s3", "libclouds3", "s3")
    transaction_type = LibcloudTransaction

    default_provider: ClassVar[str] = Provider.S3
    """The default provider; a subclass with another one has another ``protocol``."""

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        *,
        driver: StorageDriver | None = None,
        provider: str | None = None,
        token: str | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        anon: bool = False,
        **storage_options: Unpack[StorageOptions],
    ) -> None:
        for unknown in sorted(set(storage_options) - _OF_FSSPEC):
            raise unexpected_keyword(unknown, _OPTIONS, of="LibcloudFileSystem")
        if driver is None:
            driver = make_driver(
                provider or self.default_provider,
                key,
                secret,
                token=token,
                endpoint_url=endpoint_url,
                region=region,
                profile=profile,
                anonymous=anon,
            )
        super().__init__(driver, **storage_options)

    # Reading.

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """The bytes of a file, or a range of them: one request.

        :param start: as in a slice of the file; negative offsets count from its end. They require
            a second request, except for the last bytes of an object in an S3 store.
        :param end: likewise.
        :param kwargs: ``version_id``: of a version of the object.
        """
        where = (self._strip_protocol(path), start, end, kwargs.get("version_id"))
        _, data = await self._run(self._operations.read, *where)
        return data

    async def _cat(
        self,
        path: Any,
        recursive: bool = False,
        on_error: str = "raise",
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The bytes of files, in parallel; see fsspec's ``AbstractFileSystem.cat``.

        :param kwargs: those of :meth:`_cat_file`.
        """
        if type(self)._cat_file is not LibcloudFileSystem._cat_file:
            return await super()._cat(path, recursive, on_error, batch_size, **kwargs)
        paths = await self._expand_path(path, recursive=recursive)
        start, end = kwargs.pop("start", None), kwargs.pop("end", None)
        shared: Any = {
            "batch_size": batch_size,
            "on_error": on_error if on_error == "raise" else "return",
        }
        results = await self._cat_ranges(paths, start, end, **shared, **kwargs)
        if not isinstance(path, list) and paths == [self._strip_protocol(path)]:
            return results[0]
        omitted: Any = Exception if on_error == "omit" else ()
        found = zip(paths, results, strict=True)
        return {one: data for one, data in found if not isinstance(data, omitted)}

    async def _cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Ranges of files, in parallel; all ranges of one file are of the same version.

        :param starts: of each range, or one for all; see :meth:`cat_file`.
        :param ends: likewise.
        :param max_gap: not supported.
        :param on_error: ``"return"`` returns an error instead of the bytes; ``"raise"`` raises it.
        :param kwargs: ``version_id``: of a version of the object.
        :raises ValueError: the numbers of paths, starts and ends differ.
        """
        if max_gap is not None:
            raise NotImplementedError("max_gap")
        paths = [self._strip_protocol(path) for path in paths]
        starts = starts if isinstance(starts, Iterable) else [starts] * len(paths)
        ends = ends if isinstance(ends, Iterable) else [ends] * len(paths)
        version = kwargs.get("version_id")
        ranges: Any = [(*one, version) for one in zip(paths, starts, ends, strict=True)]
        results = await self._in_parallel(
            lambda one: self._operations.read(*one),
            ranges,
            batch_size=batch_size,
            fail_fast=on_error != "return",
        )
        first: dict[str, Object] = {}
        for number, (path, result) in enumerate(zip(paths, results, strict=True)):
            if isinstance(result, tuple):
                obj, results[number] = result
                known = first.setdefault(path, obj)
                if known is not obj and not same_version(known, obj):
                    if on_error != "return":
                        raise FileExpired(path)
                    results[number] = FileExpired(path)
        return results

    async def _get(
        self,
        rpath: Any,
        lpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Download files; see fsspec's ``AbstractFileSystem.get``.

        :raises FileExistsError: two of them, such as ``a/b`` and ``a//b``, would become the same
            local file. Nothing was downloaded.
        :raises ValueError: the name of one of them leads out of ``lpath``. Nothing was downloaded.
        """
        if type(self)._get_file is not LibcloudFileSystem._get_file:
            return await super()._get(rpath, lpath, recursive, callback, maxdepth, **kwargs)
        batch, version_id = Batch(), kwargs.get("version_id")
        with collected(recorded, set()) as directories:
            await super()._get(rpath, lpath, recursive, batch, maxdepth, **kwargs)
        pairs = [(self._strip_protocol(path), local) for path, local in batch.pairs]
        check_targets(pairs, directories, lpath)

        def download(path: str, local: str, child: Any) -> None:
            if path in directories:
                os.makedirs(local, exist_ok=True)
            else:
                self._operations.download(path, local, child, version_id)

        return await self._transfer(download, pairs, callback, kwargs.get("batch_size"))

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        **kwargs: Any,
    ) -> None:
        """Download a file; it appears under its name only when it is complete.

        :param kwargs: ``version_id``: of a version of the object.
        """
        where = (self._strip_protocol(rpath), lpath if outfile is None else outfile)
        await self._run(self._operations.download, *where, callback, kwargs.get("version_id"))

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Unpack[FileKeywords],
    ) -> Any:
        """A file of the store; see fsspec's ``AbstractFileSystem.open``, and :meth:`_open`.

        Closing a file that is written compressed also closes, and so publishes, the object.

        :param path: of the file: ``container/name``, with or without the protocol.
        :param mode: ``"rb"``, ``"wb"``, ``"xb"`` (it must not exist), or the same without ``b``.
        :param block_size: bytes to read ahead, or bytes of a part to write; ``None``: the default.
        :param cache_options: of fsspec's cache for reading.
        :param compression: of the data, such as ``"gzip"``; ``"infer"``: by the name.
        :raises FileNotFoundError: it does not exist, for reading.
        :raises FileExistsError: it exists, with ``"xb"``.
        """
        shared: Any = {"block_size": block_size, "cache_options": cache_options, **kwargs}
        if compression is None or "b" not in mode or "r" in mode:
            found = super().open(path, mode, compression=compression, **shared)
            if isinstance(found, io.TextIOWrapper) and "r" not in mode:
                found.buffer.wrapped_by(found)
            return found
        kind = get_compression(path, compression)
        file = super().open(path, mode, **shared)
        return file if kind is None else CompressedFile(compr[kind](file, mode="w"), file)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A file of the store.

        :param block_size: bytes of a range, for reading.
        :param kwargs: for reading, those of fsspec's buffered file; for writing, ``content_type``,
            ``metadata``, ``headers`` and keywords of the driver's ``ex_open_writer``.
        """
        if mode == "rb":
            kwargs.pop("size", None)  # of fsspec's own files; here the store checks it
            container, name = self._listing.locate(path)
            shared: Any = {"block_size": block_size, "cache_options": cache_options, **kwargs}
            with as_os_errors(path):
                return ReadFile.open(container, name, fs=self, path=path, **shared)
        if mode not in ("wb", "xb"):
            raise NotImplementedError(f"{path}: objects cannot be opened in mode {mode!r}")
        if mode == "xb" and self._listing.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        where = self._listing.locate(path)
        return WriteFile.open(
            *where, fs=self, path=path, mode=mode, autocommit=autocommit, **kwargs
        )

    # Changing.

    async def _put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Upload files; see fsspec's ``AbstractFileSystem.put``."""
        where = (lpath, rpath, recursive)
        if type(self)._put_file is not LibcloudFileSystem._put_file:
            return await super()._put(*where, callback, batch_size, maxdepth, **kwargs)
        batch, mode = Batch(), kwargs.pop("mode", "overwrite")
        with collected(containers_of_directories, set()) as containers:
            await super()._put(*where, batch, batch_size, maxdepth)
        pairs = [(local, self._strip_protocol(path)) for local, path in batch.pairs]
        # An upload creates its container on a 404; in a transaction, that comes too late.
        uploaded = {split_path(path)[0] for _, path in pairs if not self._intrans}
        for container in containers - uploaded:
            await self._makedirs(container, exist_ok=True)

        def upload(local: Any, path: str, child: Any) -> None:
            self._operations.upload(local, path, child, mode, kwargs)

        try:
            return await self._transfer(upload, pairs, callback, batch_size)
        finally:
            self._listings.invalidate(*(path for _, path in pairs))

    async def _put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload a file, which may be a pipe; it appears only when it is complete.

        :param mode: ``"create"`` refuses to replace a file.
        :param kwargs: those of :meth:`_open`.
        """
        path = self._strip_protocol(rpath)
        await self._change(path, self._operations.upload, lpath, path, callback, mode, kwargs)

    async def _pipe_file(
        self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any
    ) -> None:
        """Create a file from bytes.

        :param mode: ``"create"`` refuses to replace a file.
        :param kwargs: those of :meth:`_open`.
        """
        path = self._strip_protocol(path)
        await self._change(path, self._operations.write, path, value, mode, kwargs)

    async def _copy(self, *args: Any, **kwargs: Any) -> Any:
        with collected(recorded, set()):
            return await super()._copy(*args, **kwargs)

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file: within the store if possible, otherwise through this process.

        :param kwargs: ``version_id``: of a version of the object, which may replace the newest.
        """
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        version_id, planned = kwargs.get("version_id"), planned_copies.get()
        if source in (recorded.get() or ()):
            return
        if planned is not None:
            planned.append((source, target))
        elif source != target or version_id is not None:
            await self._change(target, self._operations.copy, source, target, version_id)

    def mv(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        **kwargs: Unpack[CopyOptions],
    ) -> None:
        """Move files: copy them, then delete the originals; see :meth:`copy` for the names.

        :param path1: of a file or directory, with wildcards; or a list of them.
        :param path2: the destination; or a list as long.
        :param recursive: directories, too.
        :param maxdepth: levels of directories, at most; ``None``: no limit.
        :raises OSError: a copy would replace another original, or would be in a directory that is
            deleted afterwards. Nothing was changed.
        :raises OSError: an original was replaced, or a file was added to a directory, before the
            originals were to be deleted. All were copied, and nothing was deleted.
        """
        refuse_version(kwargs)
        sync(self.loop, self._mv, path1, path2, recursive, maxdepth)

    async def _mv(
        self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None
    ) -> None:
        # fsspec's own copies a file onto itself, or a directory into itself, and then deletes it.
        with collected(planned_copies, []) as planned:
            await self._copy(path1, path2, recursive=recursive, maxdepth=maxdepth)
        if planned and all(source == target for source, target in planned):
            return
        originals = {source for source, _ in planned}
        deleted = await self._expand_path(path1) if recursive else []
        trees = tuple(f"{self._strip_protocol(path).rstrip('/')}/" for path in deleted)
        for _, target in planned:
            if target in originals or target.startswith(trees):
                text = "a file or directory cannot be moved into itself"
                raise OSError(errno.EINVAL, text, target)
        try:
            if type(self)._cp_file is LibcloudFileSystem._cp_file:
                copy = self._operations.copy
                results = await self._in_parallel(lambda one: copy(*one), planned, fail_fast=False)
            else:
                copies = (self._cp_file(*pair) for pair in planned)
                results = await asyncio.gather(*copies, return_exceptions=True)
        finally:
            self._listings.invalidate(*(target for _, target in planned))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        copied = {source: obj for (source, _), obj in zip(planned, results, strict=True)}
        find = self._operations.file_to_delete
        found = await self._in_parallel(lambda one: find(*one, skip=recursive), [*copied.items()])
        if recursive and maxdepth is None:
            await self._rm_trees(deleted, copied)
        else:
            await self._delete([obj for objects in found for obj in objects])

    def touch(self, path: str, truncate: bool = True, **kwargs: Unpack[FileKeywords]) -> None:
        """Create an empty file; an existing one is replaced.

        :param path: of the file.
        :param truncate: if false, the file must not exist: stores cannot update times.
        :raises NotImplementedError: it exists. Nothing was changed.
        """
        path = self._strip_protocol(path)
        if not truncate and self._listing.exists(path):
            raise NotImplementedError(f"{path} exists, and a store cannot update only its time")
        self._operations.write(path, b"", "overwrite", kwargs)
        self._listings.invalidate(path)

    def sign(self, path: str, expiration: float = 100, method: str = "GET") -> str:
        """A presigned URL with which anyone can read the file. No request is sent.

        :param path: of the file, which need not exist.
        :param expiration: seconds.
        :param method: ``"PUT"``: a URL to write the file with.
        :raises NotImplementedError: the store has no such URLs.
        :raises ValueError: ``expiration`` is too long for the store.
        """
        return self._operations.sign(self._strip_protocol(path), expiration, method)


complete_help(LibcloudFileSystem)
