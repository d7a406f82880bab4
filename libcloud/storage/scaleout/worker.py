# SPDX-License-Identifier: Apache-2.0
"""What runs on a worker: a task makes the pieces of one part, and sends it.

:func:`send_part` is a function of a module, and its arguments and result are plain values, so that
any engine can run it. It raises nothing: an engine would run it again, or drop its pool.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from libcloud import __version__
from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.receipts import UploadReceipt, receipt_of
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.text import anonymous_driver
from libcloud.storage.transfer.cut import PieceRange
from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, Pieces

_SHOWN = 1000  # characters of an error

_Content = memoryview | Pieces


class PartTask(NamedTuple):
    """What a worker has to do for one part; its pieces are passed along.

    :param session: its text, or the session for a thread of this process.
    :param ranges: of the pieces; their positions are those in the whole object.
    :param sizes: of these pieces, bytes.
    :param url: presigned, for a worker without credentials.
    :param version: of the library in the coordinator.
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
    """What a worker returns.

    :param receipt: of the part, or what else the task returns; ``None`` if it failed.
    :param worker: ``host:pid``.
    :param throttled: how often the store asked for fewer requests.
    :param error: text of the error, if there was one; ``code`` and ``status`` of the store's.
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
    """A piece that is an object already.

    :param size: bytes.
    """

    container: str
    name: str
    etag: str
    size: int

    def copy_to(
        self, session: UploadSession, number: int, start: int, stop: int
    ) -> UploadReceipt | None:
        """Have the store copy a range as a part; ``None`` if it cannot."""
        return session.copy_part(number, self._object(session.driver), start, stop)

    def read_with(self, session: UploadSession, start: int, stop: int) -> bytes:
        """The bytes of a range."""
        found = self._object(session.driver)
        return b"".join(session.driver.download_object_range_as_stream(found, start, stop))

    def _object(self, driver: Any) -> Object:
        container = Container(self.container, {}, driver)
        return Object(self.name, self.size, self.etag or None, {}, {}, container, driver)


def send_part(task: PartTask, *pieces: Any) -> PartResult:
    """Make the pieces of a part, and send it. Runs on a worker.

    :param pieces: those of the part, in order: bytes, or functions that return them.
    """
    return guarded(partial(_send, task, pieces), None)


def _send(task: PartTask, pieces: tuple[Any, ...]) -> tuple[UploadReceipt, int]:
    _check_version(task.version)
    session = None if task.url else session_of(task.session, task.connect)
    if session is not None and len(pieces) == 1 and hasattr(pieces[0], "copy_to"):
        _, start, stop = task.ranges[0]
        copied = pieces[0].copy_to(session, task.number, start, stop)
        if copied is not None:
            return copied, 0
    buffers = [
        _read(piece, span, size, session)
        for span, size, piece in zip(task.ranges, task.sizes, pieces, strict=True)
    ]
    body: _Content
    if len(buffers) == 1:
        body = buffers[0]
    else:
        body = Pieces(bytes(one) if isinstance(one, Pieces) else one for one in buffers)
    if session is None:
        return _send_presigned(task, body), 0
    return session.send_part(task.number, body)


def _send_presigned(task: PartTask, body: _Content) -> UploadReceipt:
    target = urlsplit(task.url)
    driver = anonymous_driver(f"{target.scheme}://{target.netloc}")
    return receipt_of(driver._put_presigned(task.url, task.number, body, target.path.lstrip("/")))


class PieceError(Exception):
    """A piece could not be made.

    :param position: of the piece.
    """

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def guarded(work: Callable[[], tuple[Any, int]], position: int | None) -> PartResult:
    """The result of ``work``, or its error.

    :param position: of the piece that it concerns; ``None``: a :class:`PieceError` tells.
    """
    worker = f"{platform.node()}:{os.getpid()}"
    try:
        receipt, throttled = work()
        return PartResult(receipt, worker, throttled)
    except Exception as found:
        error: BaseException = found
        if isinstance(found, PieceError):
            position, error = found.position, found.__cause__ or found
        code, status = getattr(error, "code", None), getattr(error, "status", None)
        return PartResult(
            None,
            worker,
            error=f"{kind_of(error)}: {getattr(error, 'value', error)}"[:_SHOWN],
            code=code if isinstance(code, str) else None,
            status=status if isinstance(status, int) else None,
            piece=position,
        )


def _check_version(version: str) -> None:
    if version != __version__:
        raise RuntimeError(
            f"it has libcloud-storage {__version__}, and this program has {version}: install the "
            "same release everywhere"
        )


def session_of(session: Any, connect: Callable[[], Any] | None) -> UploadSession:
    """The session on a worker; it is kept, because a worker sends many parts.

    :param session: its text, or the session itself for a thread of this process.
    """
    if isinstance(session, UploadSession):
        return session
    if getattr(connect, "__hash__", None) is None:  # a callable object that cannot be a key
        return UploadSession.from_json(session, connect)
    return _connected(session, connect)


@lru_cache(maxsize=8)
def _connected(text: str, connect: Callable[[], Any] | None) -> UploadSession:
    return UploadSession.from_json(text, connect)


def _read(piece: Any, span: PieceRange, size: int, session: UploadSession | None) -> _Content:
    """The bytes of a piece that belong to a part.

    :raises PieceError: it could not be made, or is not what was announced; the cause tells why.
    """
    position, start, stop = span
    try:
        if hasattr(piece, "read_with"):
            piece, size, start = piece.read_with(session, start, stop), stop - start, 0
        elif hasattr(piece, "read_range"):
            piece, size, start = piece.read_range(start, stop), stop - start, 0
        value = value_of(piece)
        if hasattr(value, "seek"):
            found = value.seek(0, os.SEEK_END)
            content: _Content = FilePieces(value, start, stop - span.start)
        else:
            view = bytes_of(value, position)
            found, content = view.nbytes, view[start : start + stop - span.start]
        if found != size:
            raise SizeMismatchError(
                f"piece {position} has {found} bytes, and {size} were announced", None, ""
            )
    except Exception as error:
        raise PieceError(position) from error
    return content


def value_of(piece: Any) -> Any:
    """What a piece is, or what its function returns."""
    if callable(piece):
        return piece()
    # A future, for a thread of this process.
    return piece.result() if hasattr(piece, "add_done_callback") else piece


def bytes_of(value: Any, position: int) -> memoryview:
    """All bytes of the value of a piece.

    :raises TypeError: it is not bytes.
    """
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError(f"piece {position} must be bytes, not {kind_of(value)}") from None
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
