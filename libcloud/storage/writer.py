# SPDX-License-Identifier: Apache-2.0
"""An object that is written like a file: the writer, and the interface of its sink.

A writer publishes only on ``close()``, or at the end of its ``with`` block.
Unfinished uploads, after an exception, garbage collection or the end of the program, are removed.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import threading
import warnings
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Generic, NoReturn, Protocol, SupportsIndex, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.storage.payload import READ_LIMIT
from libcloud.utils import files
from libcloud.utils.bodies import flat
from libcloud.utils.local import ExitFunctions

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_Result = TypeVar("_Result")
_Published = TypeVar("_Published", covariant=True)


class Sink(Protocol[_Published]):
    """The destination of one writer's bytes. It is used by one thread at a time."""

    @property
    def over(self) -> bool:
        """The object is published, or never will be, and nothing is left to clean up."""

    @property
    def started(self) -> bool:
        """Whether something was sent, so that :meth:`abort` makes requests."""

    def write(self, data: bytes | memoryview) -> None:
        """Accept all of ``data``; a view is copied.

        :raises BaseException: the first error. All is cleaned up, nothing is published.
        """

    def publish(self) -> _Published:
        """Publish what was written, whole, or raise the first error."""

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        """Publish nothing, because of ``error``, and clean up; does nothing after the end.

        ``upload_id`` and ``cleanup_error`` of ``error`` name what could not be cleaned up.

        :param wanted: requested by the caller, so that nothing is kept to be resumed.
        :param quiet: no listener is called: this is not the caller's thread.
        :raises BaseException: only what interrupted the clean-up.
        """


class UploadWriter(io.BufferedIOBase, Generic[_Result]):
    """A binary file, to be written once from its start to its end, that becomes one object.

    ::

        with container.ex_open_writer("report.csv.gz") as writer:
            with gzip.open(writer, "wt", newline="") as text:
                csv.writer(text).writerows(rows)
        print(writer.result.size)

    **Publishing.** The complete object appears when the ``with`` block of the writer ends, or on
    :meth:`close` without such a block. Inside the block, ``close()`` only ends the writing. If an
    exception leaves the block, nothing is published, the parts sent so far are removed, and the
    exception propagates unchanged. So use the writer itself as the context manager, not only a
    ``TextIOWrapper`` or ``BufferedWriter`` around it, and close or detach such a wrapper inside the
    block: data that it still buffers afterwards is lost.

    **Without the block,** ``close()`` that is called while an exception propagates (by ``finally``,
    ``contextlib.closing``, or the ``with`` of a wrapper) publishes nothing and raises that
    exception again. This applies to every exception that is being handled, and was not when the
    writer was opened.

    **Dropped** without ``close()``, a writer publishes nothing, also when a dropped wrapper closes
    it, which CPython reports. Its upload is removed by a separate thread, or at the end of the
    program, and a ``ResourceWarning`` is issued. In a forked process, a writer of the parent does
    nothing.

    **At the end of the program,** a writer can be closed by an ``atexit`` function, as ``logging``
    handlers are. Those that are still open afterwards are treated as dropped.

    **Errors.** The :meth:`write` or :meth:`close` that encounters the first error raises it. After
    that nothing is published, and ``close()`` raises it again: when ``close()`` returns, the object
    exists, unless :meth:`abort` or an exception in the ``with`` block ended the upload before.

    Only one thread at a time can use a writer; others wait. A listener or signal handler that uses
    it during one of its methods gets a ``RuntimeError``.

    :param sink: where its bytes go.
    :param label: what is written, for messages: container and object name.
    :ivar result: the published :class:`Object`; ``None`` until then.
    """

    name = None  # what wrappers look at; a text would make tarfile leave out the file of that name

    def __init__(self, sink: Sink[_Result], label: str) -> None:
        self.result: _Result | None = None
        self._sink = sink
        self._label = label
        self._size = 0
        self._empty = 0  # writes of nothing in a row
        self._closed = False  # takes no more bytes
        self._entered = False
        self._wrapper_dropped = False
        self._error: BaseException | None = None
        self._handled_at_opening = sys.exc_info()[1]
        self._busy = False
        self._open_upload = _OpenUpload(sink, label)
        self._finalizer = weakref.finalize(self, self._open_upload.dropped)
        self._finalizer.atexit = False

    def __del__(self) -> None:
        # In place of that of the base class, which calls close(): it would publish.
        pass

    # As a file.

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of ``data``, which the caller may change afterwards. May wait for the store.

        :param data: bytes, or any other buffer.
        :return: the number of bytes in ``data``.
        :raises TypeError: ``data`` is text, or not a buffer; nothing was written, and the writer
            remains open.
        :raises ValueError: the writer is closed.
        :raises BaseException: the first error of the upload; see :class:`UploadWriter`.
        """
        view = _flat(data)
        self._exclusively(self._write, view)
        return len(view)

    def tell(self) -> int:
        """Bytes written so far.

        :raises ValueError: the writer is closed.
        """
        self._check_open()
        return self._size

    def flush(self) -> None:
        """Do nothing: parts are sent when they are full.

        :raises ValueError: the writer is closed.
        """
        self._check_open()

    def writable(self) -> bool:
        """Always true. No error is raised."""
        return True

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """End the writing and publish the object; later calls have no effect.

        :raises BaseException: the first error, and nothing is published; see :class:`UploadWriter`.
        """
        self._exclusively(self._close)

    def abort(self) -> None:
        """Publish nothing and remove the parts sent so far. Does nothing after the end.

        Parts are also removed with ``ex_on_failure="keep"``: this is not a failure.

        :raises LibcloudError: the parts could not be removed: the error has the ``upload_id``.
        """
        self._closed = True
        error = LibcloudError(f"the upload of {self._label} was aborted")
        self._exclusively(self._abort, error, True)
        cause = getattr(error, "cleanup_error", None)
        if cause is not None:
            error.value = f"the aborted upload of {self._label} could not be removed: {cause}"
            raise error from cause

    def discard(self) -> None:
        """The same as :meth:`abort`, which a subclass may extend.

        :raises LibcloudError: the parts could not be removed: the error has the ``upload_id``.
        """
        self.abort()

    def __enter__(self) -> UploadWriter[_Result]:
        self._check_open()
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exclusively(self._leave, error)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"the writer of {self._label} cannot be pickled or copied: its upload belongs to this "
            "process. Pass the driver, and open a writer where the data is"
        )

    def __repr__(self) -> str:
        state = "open"
        if self._closed:
            state = "published" if self.result is not None else "closed"
        return f"<UploadWriter of {self._label}: {state}, {self._size} bytes>"

    # Inside.

    def _dealloc_warn(self, source: object) -> None:
        """Called by CPython's wrappers right before their finalizer closes what they wrap."""
        self._wrapper_dropped = not self._entered and not self._closed

    def _write(self, data: bytes | memoryview) -> None:
        self._check_open()
        if self._wrapper_dropped:  # its close() comes next
            return
        if self._open_upload.error is not None:
            raise self._open_upload.error
        self._empty = 0 if len(data) else self._empty + 1
        try:
            if self._empty > files.MAX_EMPTY_PIECES:
                raise files.endless_source_error()
            self._sink.write(data)
        except BaseException as error:
            self._closed = True
            self._fail(error)
            raise
        self._size += len(data)

    def _close(self) -> None:
        was_closed, self._closed = self._closed, True
        if self._error is not None:
            raise self._error
        if self._entered:
            return
        if self._sink.over:
            if self._open_upload.error is not None and not self._wrapper_dropped:
                raise self._open_upload.error
            return
        if self._wrapper_dropped and not was_closed:
            self._error = ValueError(f"{self._label}: {_DROPPED_WRAPPER}")
            self._finalizer()
            return
        passing = sys.exc_info()[1]
        if passing is not None and passing is not self._handled_at_opening:
            self._error = passing
            self._abort(passing)
            raise passing
        self._publish()

    def _leave(self, error: BaseException | None) -> None:
        self._closed = True
        self._entered = False
        if error is not None:
            self._abort(error)
        elif self._error is not None:
            raise self._error
        elif not self._sink.over:
            self._publish()

    def _publish(self) -> None:
        try:
            self.result = self._sink.publish()
        except BaseException as error:
            self._fail(error)
            raise
        self._settle()

    def _fail(self, error: BaseException) -> None:
        """Remember what the sink raised; it has cleaned up, but for an interrupt before that."""
        self._error = error
        self._abort(error)

    def _abort(self, error: BaseException, wanted: bool = False) -> None:
        try:
            self._sink.abort(error, wanted=wanted)
        finally:
            self._settle()

    def _settle(self) -> None:
        self._handled_at_opening = None
        if self._sink.over:  # not so if an interrupt came in between
            self._finalizer.detach()
            self._open_upload.forget()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("I/O operation on closed file.")

    def _exclusively(self, operation: Callable[..., None], *arguments: object) -> None:
        """Call ``operation`` while no other thread uses the writer."""
        if self._open_upload.foreign:
            raise RuntimeError(f"the writer of {self._label} belongs to another process")
        with self._open_upload.lock:
            if self._busy:
                raise RuntimeError(f"the writer of {self._label} is in another call")
            try:
                self._busy = True
                operation(*arguments)
            finally:
                self._busy = False


class SpoolSink(Generic[_Result]):
    """Keeps the data in memory, then in a temporary file, until ``upload`` sends it whole."""

    started = False

    def __init__(self, upload: Callable[[IO[bytes]], _Result]) -> None:
        self._upload = upload
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(READ_LIMIT)  # noqa: SIM115

    @property
    def over(self) -> bool:
        return self._file.closed

    def write(self, data: bytes | memoryview) -> None:
        try:
            self._file.write(data)
        except BaseException:
            self._file.close()
            raise

    def publish(self) -> _Result:
        with self._file as file:
            file.seek(0)
            return self._upload(file)

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        self._file.close()


_ENDED = "the program ended before close(): nothing is published"
_DROPPED = "the writer was dropped without close(): nothing is published"
_DROPPED_WRAPPER = (
    "a wrapper around the writer was dropped without close() or detach(): nothing is published"
)


_exits = ExitFunctions(last=True)


class _OpenUpload:
    """The upload of a writer that was dropped, or is still open at the end of the program.

    A dropped one is aborted by a thread, because the collector can come while this thread holds a
    lock that a request needs; or at the end of ``atexit``, if no thread can be started.

    :ivar error: why the upload was aborted, if that was done here.
    """

    def __init__(self, sink: Sink[object], label: str) -> None:
        self.lock = threading.RLock()
        self.error: LibcloudError | None = None
        self._sink = sink
        self._label = label
        self._pid = os.getpid()
        _exits.register(self._at_exit)

    @property
    def foreign(self) -> bool:
        """Whether this process is a fork of the one that the writer belongs to."""
        return os.getpid() != self._pid

    def forget(self) -> None:
        _exits.unregister(self._at_exit)

    def dropped(self) -> None:
        if self.foreign:
            return
        if not self._sink.started:
            self._abort(_DROPPED)
        elif threading.main_thread().is_alive():
            # Python 3.12 refuses threads some time before that one counts as ended.
            with contextlib.suppress(RuntimeError):
                threading.Thread(
                    target=self._abort, args=(_DROPPED,), name="libcloud-abandoned"
                ).start()
        self._warn(_DROPPED)

    def _at_exit(self) -> None:
        if not (self.foreign or self._sink.over):
            self._abort(_ENDED)
            self._warn(_ENDED)

    def _abort(self, reason: str) -> None:
        with self.lock:
            if not self._sink.over:
                self.error = LibcloudError(f"{self._label}: {reason}")
                self._sink.abort(self.error, quiet=True)
        self.forget()

    def _warn(self, reason: str) -> None:
        warnings.warn(f"{self._label}: {reason}", ResourceWarning, stacklevel=3)


def _flat(data: ReadableBuffer) -> bytes | memoryview:
    """``data`` as bytes that can be counted and cut."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        raise TypeError("a writer takes bytes, not str: wrap it in io.TextIOWrapper to write text")
    return flat(memoryview(data))
