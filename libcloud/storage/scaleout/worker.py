# SPDX-License-Identifier: Apache-2.0
"""The tasks that run on workers: each makes the pieces of one part, and sends it.

:func:`send_part` is a function of a module, and its arguments and result are plain values, so that
any engine can run it. It raises nothing: an engine would run it again, or drop its pool.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from libcloud import __version__
from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.parts import (
    UploadReceipt,
    buffer_of,
    is_repeatable,
    is_seekable,
    made_body,
    receipt_of,
    views_of,
)
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.text import anonymous_driver
from libcloud.storage.transfer.cut import PieceRange
from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, source_errors

SHOWN = 1000  # characters of an error

_Content = memoryview | FilePieces | Iterator[memoryview]


class PartTask(NamedTuple):
    """The task of sending one part; its pieces are passed along.

    :param session: its text, or the session for a thread of this process.
    :param sizes: of the pieces, bytes; ``ranges`` of them make the part.
    :param url: presigned, for a worker without credentials.
    """

    session: Any
    number: int
    ranges: tuple[PieceRange, ...]
    sizes: tuple[int, ...]
    connect: Callable[[], Any] | None = None
    url: str = ""
    version: str = __version__

    def __repr__(self) -> str:
        # Engines log their tasks, and a presigned URL is a secret.
        return f"PartTask(number={self.number}, ranges={self.ranges}, session={self.session!r})"


class PartResult(NamedTuple):
    """The result of a task: a receipt, or another value of the task; or the text of an error.

    :param throttled: how often the store requested a lower rate.
    :param piece: position of the piece that could not be made; ``None`` if all were.
    """

    receipt: Any
    worker: str
    throttled: int = 0
    error: str = ""
    code: str | None = None
    status: int | None = None
    piece: int | None = None


class StoredPiece(NamedTuple):
    """A piece that is an object already; its size is in bytes."""

    container: str
    name: str
    etag: str
    size: int

    def read(
        self, driver: Any, headers: Mapping[str, str], start: int, stop: int
    ) -> Iterator[bytes]:
        """The bytes of a range of this version; ``headers`` may have an encryption key."""
        obj, own = self.object(driver), headers_of_pieces(headers)
        read = getattr(driver, "_read_shared_range", None)
        if read is not None:
            return read(obj, start, stop, own)  # type: ignore[no-any-return]
        return driver._range_of_version(obj, start, stop)  # type: ignore[no-any-return]

    def object(self, driver: Any) -> Object:
        container = Container(self.container, {}, driver)
        return Object(self.name, self.size, self.etag or None, {}, {}, container, driver)


_OF_PIECES = ("x-amz-request-payer", "x-amz-expected-bucket-owner", "x-goog-user-project")


def headers_of_pieces(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an upload's headers that its temporary objects need, too: how they are encrypted."""
    return {
        name: value
        for name, value in headers.items()
        if "encryption" in name.lower() or name.lower() in _OF_PIECES
    }


def driver_with(driver: Any, headers: Mapping[str, str]) -> Any:
    """``driver``, whose requests have those of an upload's headers that all requests need."""
    found = getattr(driver, "_with_headers_of", None)
    return driver if found is None else found(headers)


def send_part(task: PartTask, *pieces: Any) -> PartResult:
    """Make the pieces of a part, in order, and send it. Runs on a worker."""
    return guarded(partial(_send, task, pieces), None)


def _send(task: PartTask, pieces: tuple[Any, ...]) -> tuple[UploadReceipt, int]:
    check_version(task.version)
    session = None if task.url else session_of(task.session, task.connect)
    if session is not None and len(pieces) == 1 and isinstance(pieces[0], StoredPiece):
        _, start, stop = task.ranges[0]
        copied = session.copy_part(task.number, pieces[0].object(session.driver), start, stop)
        if copied is not None:
            return copied, 0
    with ExitStack() as files:
        body = _body(task, pieces, session, files)
        if session is not None:
            return session.send_part(task.number, body)
        target = urlsplit(task.url)
        driver = anonymous_driver(f"{target.scheme}://{target.netloc}")
        name = target.path.lstrip("/")
        return receipt_of(driver._put_presigned(task.url, task.number, body, name)), 0


def _body(
    task: PartTask, pieces: tuple[Any, ...], session: UploadSession | None, files: ExitStack
) -> Any:
    source = _PartSource(task, pieces, session)
    if len(pieces) == 1:
        content = source.first()
        if isinstance(content, (memoryview, FilePieces)):
            return content
    size = sum(stop - start for _, start, stop in task.ranges)
    what = f"part {task.number}" if session is None else f"part {task.number} of {session.label}"
    stream = None if session is None else session.stream
    return made_body(source, size, files, what, stream)


class _PartSource:
    """The data of a part. Its pieces are made one after the other, again for each attempt."""

    def __init__(
        self, task: PartTask, pieces: tuple[Any, ...], session: UploadSession | None
    ) -> None:
        self._pieces = list(zip(pieces, task.ranges, task.sizes, strict=True))
        self._session = session
        self._first: list[_Content] = []

    @property
    def repeatable(self) -> bool:
        return all(is_repeatable(piece) for piece, _, _ in self._pieces)

    def first(self) -> _Content:
        """The content of the first piece, which :meth:`pieces` does not make again at first."""
        self._first = [self._content(*self._pieces[0])]
        return self._first[0]

    def pieces(self) -> Iterator[memoryview]:
        """:raises PieceError: one could not be made, or is not what was announced."""
        for piece in self._pieces:
            content = self._first.pop() if self._first else self._content(*piece)
            try:
                with source_errors():
                    for view in (content,) if isinstance(content, memoryview) else content:
                        yield memoryview(view)
            except Exception as error:
                raise PieceError(piece[1].piece) from error

    def _content(self, piece: Any, span: PieceRange, size: int) -> _Content:
        try:
            if not isinstance(piece, StoredPiece):
                return _content_of(value_of(piece), span, size)
            assert self._session is not None
            headers = self._session.fields.headers
            data = piece.read(self._session.driver, headers, span.start, span.stop)
            length = span.stop - span.start
            return _content_of(data, PieceRange(span.piece, 0, length), length)
        except Exception as error:
            raise PieceError(span.piece) from error


class PieceError(Exception):
    """A piece could not be made; the argument is its position."""


def guarded(work: Callable[[], tuple[Any, int]], position: int | None) -> PartResult:
    """The result of ``work``; or its error, which concerns the piece at ``position``."""
    worker = this_worker()
    try:
        receipt, throttled = work()
        return PartResult(receipt, worker, throttled)
    except Exception as found:
        error: BaseException = found
        if isinstance(found, PieceError):
            position, error = found.args[0], found.__cause__ or found
        code, status = getattr(error, "code", None), getattr(error, "status", None)
        return PartResult(
            None,
            worker,
            error=f"{kind_of(error)}: {getattr(error, 'value', error)}"[:SHOWN],
            code=code if isinstance(code, str) else None,
            status=status if isinstance(status, int) else None,
            piece=position,
        )


def this_worker() -> str:
    return f"{platform.node()}:{os.getpid()}"


def check_version(version: str, what: str = "") -> None:
    """:raises RuntimeError: the coordinator has another version of the library."""
    if version != __version__:
        raise RuntimeError(
            f"{what}it has libcloud-storage {__version__}, and this program has {version}: "
            "install the same release everywhere"
        )


def session_of(session: Any, connect: Callable[[], Any] | None) -> UploadSession:
    """The session of a task; it is kept, because a worker sends many parts."""
    if isinstance(session, UploadSession):
        return session
    if getattr(connect, "__hash__", None) is None:  # a callable object that cannot be a key
        return UploadSession.from_json(session, connect)
    return _connected(session, connect)


@lru_cache(maxsize=8)
def _connected(text: str, connect: Callable[[], Any] | None) -> UploadSession:
    return UploadSession.from_json(text, connect)


def _content_of(value: Any, span: PieceRange, size: int) -> _Content:
    """A range of a piece of ``size`` bytes."""
    position, start, stop = span
    view = buffer_of(value)
    if view is not None:
        _check_size(position, view.nbytes, size)
        return view[start:stop]
    if is_seekable(value) and isinstance(value.read(0), bytes):
        _check_size(position, value.seek(0, os.SEEK_END), size)
        return FilePieces(value, start, stop - start)
    return _range_of(views_of(value, f"piece {position}"), span, size)


def _range_of(views: Iterator[memoryview], span: PieceRange, size: int) -> Iterator[memoryview]:
    """A range of what is made; the part with the end of the piece checks its size."""
    position, start, stop = span
    seen = 0
    for view in views:
        begin, seen = seen, seen + view.nbytes
        found = view[max(start - begin, 0) : max(stop - begin, 0)]
        if found.nbytes:
            yield found
        if seen >= stop < size:
            return
        if seen > size:
            break
    _check_size(position, seen, size, "at least " if seen > size else "")


def _check_size(position: int, found: int, size: int, least: str = "") -> None:
    if found != size:
        text = f"piece {position} has {least}{found} bytes, and {size} were announced"
        raise SizeMismatchError(text, None, "")


def value_of(piece: Any) -> Any:
    """The value of a piece, or the result of its function."""
    if callable(piece):
        return piece()
    # A future, for a thread of this process.
    return piece.result() if hasattr(piece, "add_done_callback") else piece
