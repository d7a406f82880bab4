# SPDX-License-Identifier: Apache-2.0
"""The file system itself: made from options, files opened, what changes the store."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# fsspec has no types.
from fsspec.callbacks import DEFAULT_CALLBACK  # type: ignore[import-untyped]
from fsspec.compression import compr  # type: ignore[import-untyped]
from fsspec.core import get_compression  # type: ignore[import-untyped]

from libcloud.common.credentials import Credentials
from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.destination import FileNames
from libcloud.storage.filesystem.connecting import WITHOUT_ENDPOINT, connect
from libcloud.storage.filesystem.entries import split_path
from libcloud.storage.filesystem.errors import as_os_errors
from libcloud.storage.filesystem.files import (
    CompressedFile,
    LibcloudTransaction,
    ReadFile,
    WriteFile,
)
from libcloud.storage.filesystem.looking import LookingFileSystem
from libcloud.storage.filesystem.reading import read_version
from libcloud.storage.providers import get_driver
from libcloud.storage.types import ObjectTooLargeError, Provider
from libcloud.utils.arguments import unexpected_keyword
from libcloud.utils.files import has_exact_size, read_in_chunks
from libcloud.utils.staging import StagingFile

__all__ = ["LibcloudFileSystem"]

# Bytes of a local file read at once.
_PIECE = 1024 * 1024

# What fsspec itself takes from the options of any file system.
_OF_FSSPEC = frozenset(
    {"asynchronous", "batch_size", "listings_expiry_time", "loop", "max_paths"}
    | {"skip_instance_cache", "use_listings_cache"}
)


# And those that are ours.
_OPTIONS = frozenset(
    {"key", "secret", "driver", "provider", "token", "endpoint_url", "region", "profile", "anon"}
)


class LibcloudFileSystem(LookingFileSystem):
    """Containers and objects of a driver as directories and files.

    Listings are not cached. What the store says is translated: no such object is a
    ``FileNotFoundError``, a refusal a ``PermissionError``; other errors stay ``LibcloudError``.

    :param key: user, or whatever the driver's first argument is.
    :param secret: password of ``key``. Without both: what the environment or ``~/.aws`` says.
    :param driver: an existing driver, in place of all other parameters.
    :param provider: a constant of :class:`~libcloud.storage.types.Provider`.
    :param token: of temporary credentials.
    :param endpoint_url: ``http://HOST:PORT`` or ``https://HOST`` of a store that is not Amazon's.
    :param profile: name of a profile in ``~/.aws``.
    :param anon: use no credentials, for what anybody may read.
    :param storage_options: those that fsspec gives every file system.
    :raises ValueError: there are no credentials, or the endpoint is no URL.
    :raises TypeError: there is no such option.
    """

    # xarray and others take only letters and digits for a protocol: hence the second name.
    protocol = ("libcloud+s3", "libclouds3", "s3")
    transaction_type = LibcloudTransaction

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        *,
        driver: StorageDriver | None = None,
        provider: str = Provider.S3,
        token: str | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        anon: bool = False,
        **storage_options: Any,
    ) -> None:
        for unknown in sorted(set(storage_options) - _OF_FSSPEC):
            raise unexpected_keyword(unknown, _OPTIONS, of="LibcloudFileSystem")
        super().__init__(**storage_options)
        self.driver: Any = driver  # methods with ex_ are not part of StorageDriver
        if driver is None and provider in WITHOUT_ENDPOINT:
            kind: Any = get_driver(provider)
            self.driver = kind(key, secret)
        elif driver is None:
            if bool(key) != bool(secret):
                raise ValueError("key and secret belong together: pass both, or neither")
            credentials = Credentials(key, secret, token) if key and secret else None
            self.driver = connect(
                provider,
                credentials,
                endpoint_url=endpoint_url,
                region=region,
                profile=profile,
                anonymous=anon,
            )

    # Reading.

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """The bytes of a file, or a part of them: one look, one request.

        :param start: as in a slice of the file; negative counts from its end.
        :param end: likewise.
        """
        return self._slice(self._object(path), start, end)

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Ranges of files, all those of one file of one version of it: one look a file.

        :param starts: of each range, or one for all; see :meth:`cat_file`.
        :param ends: likewise.
        :param max_gap: not known here.
        :param on_error: ``"return"`` gives an error in the place of the bytes; ``"raise"`` raises.
        :raises ValueError: the numbers of paths, starts and ends differ.
        """
        if max_gap is not None:
            raise NotImplementedError("max_gap")
        if not isinstance(starts, Iterable):
            starts = [starts] * len(paths)
        if not isinstance(ends, Iterable):
            ends = [ends] * len(paths)
        objects: dict[str, Object] = {}
        found: list[Any] = []
        for path, start, end in zip(paths, starts, ends, strict=True):
            try:
                if path not in objects:
                    objects[path] = self._object(path)
                found.append(self._slice(objects[path], start, end))
            except Exception as error:
                if on_error != "return":
                    raise
                found.append(error)
        return found

    def get(self, rpath: Any, lpath: Any, *args: Any, **kwargs: Any) -> Any:
        """Download files; see fsspec's ``AbstractFileSystem.get``.

        :raises FileExistsError: two of them, such as ``a/b`` and ``a//b``, would become one local
            file. The first was written.
        """
        first = lpath if isinstance(lpath, str | os.PathLike) else next(iter(lpath), "")
        return super().get(rpath, lpath, *args, **kwargs, names=FileNames(os.fspath(first)))

    def get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        names: FileNames | None = None,
        **kwargs: Any,
    ) -> None:
        """Download a file; it appears under its name only when it is whole.

        :param names: of the local files of several downloads, each of which must be another one.
        """
        if outfile is not None or hasattr(lpath, "write"):
            super().get_file(rpath, lpath, callback=callback, outfile=outfile, **kwargs)
            return
        if self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)
            return
        if names is not None and not names.add(os.path.abspath(lpath)):
            raise FileExistsError(
                errno.EEXIST, f"{rpath} and another object would become one file", os.fspath(lpath)
            )
        obj = self._object(rpath)
        os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)
        callback.set_size(obj.size)
        with as_os_errors(rpath), StagingFile(os.fspath(lpath)) as file:
            for piece in obj.as_stream():
                file.write(piece)
                callback.relative_update(len(piece))
            file.commit()

    def put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload a file, which may be a pipe; it appears only when it is whole.

        :param mode: ``"create"`` refuses to replace a file.
        :param kwargs: those of :meth:`_open`.
        """
        if os.path.isdir(lpath):
            self.makedirs(rpath, exist_ok=True)
            return
        with open(lpath, "rb") as source:
            status = os.fstat(source.fileno())
            callback.set_size(status.st_size if has_exact_size(status) else None)
            self.makedirs(self._parent(rpath), exist_ok=True)
            with self.open(rpath, "xb" if mode == "create" else "wb", **kwargs) as target:
                for piece in read_in_chunks(source, chunk_size=_PIECE):
                    target.write(piece)
                    callback.relative_update(len(piece))

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """A file of the store; see fsspec's ``AbstractFileSystem.open``, and :meth:`_open`.

        Closing a file that is written compressed also closes, so publishes, the object.
        """
        shared: Any = {"block_size": block_size, "cache_options": cache_options, **kwargs}
        if compression is None or "b" not in mode or "r" in mode:
            return super().open(path, mode, compression=compression, **shared)
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
        :param kwargs: for reading, those of fsspec's buffered file; for writing ``content_type``,
            ``metadata``, ``headers`` and keywords of the driver's ``ex_open_writer``.
        """
        if mode == "rb":
            kwargs.pop("size", None)  # of fsspec's own files; here the store is asked
            return ReadFile(
                self._object(path),
                fs=self,
                path=path,
                block_size=block_size,
                cache_options=cache_options,
                **kwargs,
            )
        if mode not in ("wb", "xb"):
            raise NotImplementedError(f"{path}: objects cannot be opened in mode {mode!r}")
        headers = dict(kwargs.pop("headers", None) or {})
        if mode == "xb":
            if self.exists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            if self.driver.capabilities.conditional_writes:
                headers["If-None-Match"] = "*"
        extra = {
            "content_type": kwargs.pop("content_type", None),
            "meta_data": dict(kwargs.pop("metadata", None) or {}),
        }
        container, name = self._place(path)
        with as_os_errors(path):
            writer = container.ex_open_writer(name, extra=extra, headers=headers, **kwargs)
        return WriteFile(self, path, mode, writer=writer, autocommit=autocommit)

    # Changing.

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file: within the store where it can, otherwise through this process."""
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        if path1 == path2 or self.isdir(path1):
            return  # directories come with the files that are in them
        obj = self._object(path1)
        container, name = self._place(path2)
        with as_os_errors(path1):
            if hasattr(self.driver, "ex_copy_object"):
                with contextlib.suppress(ObjectTooLargeError):
                    self.driver.ex_copy_object(obj, container, name)
                    return
            extra = {"content_type": obj.extra.get("content_type"), "meta_data": obj.meta_data}
            with container.ex_open_writer(name, extra=extra) as writer:
                for piece in obj.as_stream():
                    writer.write(piece)

    def touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        """Make an empty file, in place of one that is there.

        :param truncate: if false, a file that is there is an error: stores do not set times.
        :raises NotImplementedError: it is. Nothing was changed.
        """
        if not truncate and self.exists(path):
            raise NotImplementedError(f"{path} exists, and a store cannot set its time alone")
        self.pipe_file(path, b"", **kwargs)

    def rm_file(self, path: str) -> None:
        """Delete one file.

        :raises FileNotFoundError: there is none.
        :raises IsADirectoryError: it is a directory. Nothing was deleted.
        """
        path = self._strip_protocol(path)
        if self.info(path)["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with as_os_errors(path):
            self.driver.delete_object(self._object(path))

    def rm(
        self, path: str | Sequence[str], recursive: bool = False, maxdepth: int | None = None
    ) -> None:
        """Delete files; with ``recursive`` also directories, and containers, with all in them.

        :raises FileNotFoundError: nothing is there.
        :raises IsADirectoryError: a directory, without ``recursive``.
        """
        if not recursive or maxdepth is not None:
            for one in self.expand_path(path, recursive=recursive, maxdepth=maxdepth):
                if not recursive or not self.isdir(one):
                    self.rm_file(one)
            return
        doomed: dict[str, Object] = {}
        roots = self.expand_path(path)
        for root in roots:
            found = self._tree(root)
            doomed.update((f"{obj.container.name}/{obj.name}", obj) for obj in found)
        self._delete(list(doomed.values()))
        for root in roots:
            if "/" not in root:
                self.rmdir(root)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a container; a directory in one needs no making, and its container is made.

        :param create_parents: if false, the container of a directory must exist.
        :raises FileExistsError: ``path`` is a container that exists.
        """
        path = self._strip_protocol(path)
        container, name = split_path(path)
        with as_os_errors(path):
            if not name:
                self.driver.create_container(container)
            elif not create_parents:
                self.driver.get_container(container)
            elif not self.exists(container):
                self.driver.create_container(container)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make the container of ``path``, if there is none.

        :raises FileExistsError: ``path`` exists, unless ``exist_ok``.
        """
        path = self._strip_protocol(path)
        if not exist_ok and self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        container, _ = split_path(path)
        if not self.exists(container):
            self.mkdir(container)

    def rmdir(self, path: str) -> None:
        """Delete an empty container; an empty directory in one is gone already.

        :raises OSError: it is not empty. Nothing was deleted.
        """
        path = self._strip_protocol(path)
        container, name = split_path(path)
        with as_os_errors(path):
            if not name:
                self.driver.delete_container(self.driver.get_container(container))
                return
        if self._is_prefix(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)

    # Inside.

    def _slice(self, obj: Object, start: int | None, end: int | None) -> bytes:
        """Bytes of the version of an object that was looked at."""
        first, last, _ = slice(start, end).indices(obj.size)
        with as_os_errors(f"{obj.container.name}/{obj.name}"):
            if not start and end is None:
                return b"".join(obj.as_stream())
            return read_version(obj, first, last)

    def _tree(self, root: str) -> list[Object]:
        """The objects that are at ``root`` or below it.

        :raises FileNotFoundError: there is nothing.
        """
        root = self._strip_protocol(root)
        if not root:
            raise PermissionError(errno.EPERM, "delete containers one by one", root)
        found = list(self._below(root))
        if not split_path(root)[1]:
            return found
        with contextlib.suppress(FileNotFoundError):
            found.append(self._object(root))
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
        return found

    def _delete(self, objects: list[Object]) -> None:
        if hasattr(self.driver, "ex_delete_objects"):
            for done in self.driver.ex_delete_objects(objects):
                if not done.deleted:
                    with as_os_errors(f"{done.container_name}/{done.object_name}"):
                        raise done.error
            return
        for obj in objects:
            with as_os_errors(f"{obj.container.name}/{obj.name}"):
                self.driver.delete_object(obj)
