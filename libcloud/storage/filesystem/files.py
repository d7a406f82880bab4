# SPDX-License-Identifier: Apache-2.0
"""Open files, and transactions that publish several of them together."""

from __future__ import annotations

import io
import sys
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex

# fsspec has no types.
from fsspec.spec import AbstractBufferedFile  # type: ignore[import-untyped]
from fsspec.transaction import Transaction  # type: ignore[import-untyped]

from libcloud.storage.base import Container, Object
from libcloud.storage.filesystem.errors import as_os_errors
from libcloud.storage.filesystem.listing import split_path
from libcloud.storage.filesystem.readahead import DEFAULT_RANGE, SMALLEST_RANGE, ReadAhead
from libcloud.storage.filesystem.reading import RequestCost, read_edge, read_version
from libcloud.storage.keywords import AnyUploadKeywords
from libcloud.storage.writer import UploadWriter

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


# Endings of names. Readers of these formats begin at the end of a file.
_INDEX_AT_END = (".parquet", ".parq", ".pq", ".orc", ".zip")


class FileKeywords(AnyUploadKeywords, total=False):
    """Keywords of opened files: the first six for reading, the others for writing.

    :param version_id: open this version of the object; ``None``: the newest.
    :param cache_type: fsspec's cache for reading; ``None``: one that reads ahead in parallel.
    :param encoding: of text; ``None``: UTF-8.
    :param errors: what to do with text that cannot be encoded or decoded; see ``open``.
    :param newline: how ends of lines are translated; see ``open``.
    :param size: not used: the store knows the size.
    :param autocommit: publish the object when the file is closed; otherwise at the end of the
        transaction.
    :param content_type: of the object; ``None``: guessed from its name.
    :param metadata: the user's metadata of the object.
    :param headers: further headers of the upload.
    """

    version_id: str | None
    cache_type: str | None
    encoding: str | None
    errors: str | None
    newline: str | None
    size: int | None
    autocommit: bool
    content_type: str | None
    metadata: Mapping[str, str] | None
    headers: Mapping[str, str] | None


class LibcloudTransaction(Transaction):  # type: ignore[misc]
    """Publishes the files written in its block when the block ends, and nothing after an error.

    Files are sent while they are written. At the end they are published one after the other: if one
    fails, those before it remain, and those after it are removed.
    """

    fs: Any
    files: Any

    def complete(self, commit: bool = True) -> None:
        """Publish all files, or none; after the first error, those that follow are discarded."""
        first: BaseException | None = None
        while self.files:
            file = self.files.popleft()
            try:
                if commit and first is None:
                    file.commit()
                else:
                    file.discard()
            except BaseException as error:
                first = first or error
        self.fs._intrans = False
        self.fs._transaction = None
        self.fs = None
        if first is not None:
            raise first


class ReadFile(AbstractBufferedFile):  # type: ignore[misc]
    """An object that is read in ranges, with read-ahead for sequential readers.

    All bytes are from the version that was opened: once the object is replaced or deleted, reading
    raises :class:`~libcloud.storage.filesystem.errors.FileExpired`.

    :param cache_type: an fsspec cache to use instead of :class:`.readahead.ReadAhead`.
    :param block_size: maximum size of a range, bytes.
    :param known: some bytes of the object, and their offset.
    :param cost: of a request, as far as it was measured.
    :param options: further options of fsspec's ``AbstractBufferedFile``.
    """

    def __init__(
        self,
        obj: Object,
        *,
        cache_type: str | None = None,
        block_size: int | None = None,
        known: tuple[int, bytes] = (0, b""),
        cost: RequestCost | None = None,
        **options: Any,
    ) -> None:
        self._object = obj
        self._cost = cost or RequestCost()
        reads_ahead = cache_type in (None, ReadAhead.name)
        super().__init__(
            mode="rb",
            size=obj.size,
            cache_type="none" if reads_ahead else cache_type,
            block_size=block_size or (DEFAULT_RANGE if reads_ahead else "default"),
            **options,
        )
        if reads_ahead:
            driver: Any = obj.driver
            self.cache = ReadAhead(
                self.blocksize,
                self._fetch_range,
                self.size,
                submit=driver._pool.submit,
                cost=self._cost,
                known=known,
            )

    @classmethod
    def open(
        cls,
        container: Container,
        name: str,
        *,
        version_id: str | None = None,
        cache_type: str | None = None,
        block_size: int | None = None,
        **options: Any,
    ) -> ReadFile:
        """Open an object with one request, which also reads its first bytes into the cache, or the
        last ones for a format whose index is there.

        :param version_id: of one version, for which the request reads no bytes; ``None``: the
            newest.
        :raises ObjectDoesNotExistError: the object does not exist.
        """
        shared: Any = {"cache_type": cache_type, "block_size": block_size, **options}
        if version_id is not None or cache_type not in (None, ReadAhead.name):
            return cls(container.get_object(name, ex_version_id=version_id), **shared)
        length = min(block_size or DEFAULT_RANGE, SMALLEST_RANGE)
        last = name.endswith(_INDEX_AT_END)
        cost = RequestCost()
        sent = cost.clock()
        obj, offset, data = read_edge(container, name, length, last=last)
        cost.record(cost.clock() - sent)
        return cls(obj, known=(offset, data), cost=cost, **shared)

    # That of fsspec adds an empty line at the end of the file.
    readlines = io.IOBase.readlines

    def close(self) -> None:
        """Drop what was read ahead."""
        cache = getattr(self, "cache", None)  # missing if opening failed
        if isinstance(cache, ReadAhead):
            cache.clear()
        super().close()

    def __reduce__(self) -> tuple[Any, ...]:
        """The same version of the object, at the same position, with the same kind of cache."""
        options = {"block_size": self.blocksize, "cache_type": self.cache.name, **self.kwargs}
        obj = self._object  # without its driver: that of the file system takes its place
        known = (obj.name, obj.size, obj.hash, obj.extra, obj.meta_data)
        return _open_again, (self.fs, self.path, known, self.loc, options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        with as_os_errors(self.path):
            return read_version(self._object, start, min(end, self._object.size), self._cost)


def _open_again(
    fs: Any, path: str, known: tuple[Any, ...], position: int, options: dict[str, Any]
) -> ReadFile:
    """The file that was pickled; nothing is sent."""
    container = Container(split_path(path)[0], {}, fs.driver)
    properties: Any = (*known, container, fs.driver)
    file = ReadFile(Object(*properties), fs=fs, path=path, **options)
    file.seek(position)
    return file


class OpenForWritingError(TypeError, RuntimeError):
    """A file that is being written cannot be pickled or copied, like those of fsspec."""


def _not_picklable(path: str) -> OpenForWritingError:
    return OpenForWritingError(
        f"{path} is open for writing, and cannot be pickled or copied: its upload belongs to this "
        "process. Pass the file system, and open the file where the data is"
    )


class WriteFile(io.BufferedIOBase):
    """An object that is written; see :class:`~libcloud.storage.writer.UploadWriter`.

    It is published when it is closed, or by :meth:`commit` in a transaction, with what a wrapper
    of this module or for text still holds. If an exception leaves its ``with`` block, or a wrapper
    is dropped without ``close()``, nothing is published.
    """

    def __init__(
        self, fs: Any, path: str, mode: str, *, writer: UploadWriter[Object], autocommit: bool
    ) -> None:
        self.fs = fs
        self.path = path
        self.mode = mode
        self.autocommit = autocommit
        self._writer = writer
        self._written = False  # closed, and waits for commit()
        self._wrapper: Callable[[], Any] | None = None
        self._wrapper_dropped = False
        self._handled_at_opening = sys.exc_info()[1]

    @classmethod
    def open(
        cls,
        container: Container,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Any,
    ) -> WriteFile:
        """Open an object, which must not exist in mode ``"xb"``, if the store can check that."""
        own = {key: options.pop(key) for key in ("fs", "path", "mode", "autocommit")}
        headers = dict(headers or {})
        if own["mode"] == "xb" and own["fs"].driver.capabilities.conditional_writes:
            headers["If-None-Match"] = "*"
        extra = {"content_type": content_type, "meta_data": dict(metadata or {})}
        with as_os_errors(own["path"]):
            writer = container.ex_open_writer(name, extra=extra, headers=headers, **options)
        return cls(**own, writer=writer)

    def __del__(self) -> None:
        # In place of that of the base class, which calls close(): it would publish.
        pass

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise _not_picklable(self.path)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of ``data``."""
        if self._written:
            raise ValueError("I/O operation on closed file.")
        with as_os_errors(self.path):
            return self._writer.write(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._writer.tell()

    def flush(self) -> None:
        """Do nothing: parts are sent when they are full."""

    def writable(self) -> bool:
        """True."""
        return True

    @property
    def closed(self) -> bool:
        """Whether it accepts no more bytes."""
        return self._written or self._writer.closed

    def close(self) -> None:
        """Publish the object; in a transaction, :meth:`commit` does that.

        :raises BaseException: the first error. Nothing was published.
        """
        if self.autocommit:
            self._end(self._writer.close)
        elif not self._written:
            self._written = True
            passing = sys.exc_info()[1]
            if passing is not None and passing is not self._handled_at_opening:
                self.discard()

    def commit(self) -> None:
        """Publish the object, unless it was discarded.

        :raises ValueError: a wrapper was dropped with data of the object. Nothing was published.
        """
        try:
            if self._wrapper is not None and not self._written:
                wrapper = self._wrapper()
                if wrapper is None:
                    self._wrapper_dropped = True
                else:
                    wrapper.close()
            if self._wrapper_dropped:
                raise ValueError(f"{self.path} was dropped without close(): nothing is published")
        except BaseException:
            self.discard()
            raise
        self._end(self._writer.close)

    def wrapped_by(self, wrapper: Any) -> None:
        """Note who holds data of this file until it is closed."""
        self._wrapper = weakref.ref(wrapper)

    def _end(self, end: Callable[..., None], *args: object) -> None:
        self._written = True
        try:
            with as_os_errors(self.path, exclusive=self.mode == "xb"):
                end(*args)
        finally:
            self.fs.invalidate_cache(self.path)

    def discard(self) -> None:
        """Publish nothing, and remove the parts sent so far."""
        self._written = True
        self._writer.abort()

    def __enter__(self) -> WriteFile:
        if self.autocommit:
            self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.autocommit:
            self._end(self._writer.__exit__, kind, error, traceback)
        elif error is not None:
            self.discard()
        else:
            self._written = True

    def _dealloc_warn(self, source: object) -> None:
        self._wrapper_dropped = not self._written
        self._writer._dealloc_warn(source)


class CompressedFile(io.BufferedIOBase):
    """Writes compressed data, and closes the file that it writes to, as the compressor does not."""

    def __init__(self, compressor: Any, file: WriteFile) -> None:
        self._compressor = compressor
        self._file = file
        file.wrapped_by(self)

    def __del__(self) -> None:
        # As in WriteFile.
        pass

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise _not_picklable(self._file.path)

    def write(self, data: ReadableBuffer, /) -> int:
        self._compressor.write(data)
        return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def wrapped_by(self, wrapper: Any) -> None:
        self._file.wrapped_by(wrapper)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        try:
            self._compressor.close()
        except BaseException:
            self._file.discard()
            raise
        self._file.close()

    def _dealloc_warn(self, source: object) -> None:
        self._file._dealloc_warn(source)
