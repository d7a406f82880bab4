# SPDX-License-Identifier: Apache-2.0
"""What runs on a worker: a task makes the pieces of one part, and sends it.

:func:`send_part` is a function of a module, and its arguments and result are plain values, so that
any engine can run it. It raises nothing: an engine would run it again, or drop its pool.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from libcloud import __version__
from libcloud.storage.scaleout.receipts import UploadReceipt
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.transfer.cut import PieceRange
from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import Pieces

_SHOWN = 1000  # characters of an error


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


class PartResult(NamedTuple):
    """What a worker returns.

    :param receipt: ``None`` if it failed.
    :param worker: ``host:pid``.
    :param throttled: how often the store asked for fewer requests.
    :param error: text of the error, if there was one; ``code`` and ``status`` of the store's.
    :param piece: position of the piece that could not be made; ``None`` if all were.
    """

    receipt: UploadReceipt | None
    worker: str
    throttled: int = 0
    error: str = ""
    code: str | None = None
    status: int | None = None
    piece: int | None = None


def send_part(task: PartTask, *pieces: Any) -> PartResult:
    """Make the pieces of a part, and send it. Runs on a worker.

    :param pieces: those of the part, in order: bytes, or functions that return them.
    """
    worker = f"{platform.node()}:{os.getpid()}"
    position: int | None = None
    try:
        _check_version(task.version)
        session = task.session
        if not isinstance(session, UploadSession):
            session = _session_of(session, task.connect)
        if len(pieces) == 1 and hasattr(pieces[0], "copy_to"):
            _, start, stop = task.ranges[0]
            copied = pieces[0].copy_to(session, task.number, start, stop)
            if copied is not None:
                return PartResult(copied, worker)
        buffers = []
        for span, size, piece in zip(task.ranges, task.sizes, pieces, strict=True):
            position = span.piece
            buffers.append(_read(piece, span, size))
        position = None
        body = buffers[0] if len(buffers) == 1 else Pieces(buffers)
        receipt, throttled = session.send_part(task.number, body)
        return PartResult(receipt, worker, throttled)
    except Exception as error:
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


@lru_cache(maxsize=8)  # a worker sends many parts
def _session_of(text: str, connect: Callable[[], Any] | None) -> UploadSession:
    return UploadSession.from_json(text, connect)


def _read(piece: Any, span: PieceRange, size: int) -> memoryview:
    """The bytes of a piece that belong to a part.

    :raises TypeError: it is not bytes.
    :raises SizeMismatchError: it has another size than was announced.
    """
    value, length, start = piece, size, span.start
    if hasattr(piece, "read_range"):
        value, length, start = piece.read_range(span.start, span.stop), span.stop - span.start, 0
    elif callable(piece):
        value = piece()
    elif hasattr(piece, "add_done_callback"):  # a future, for a thread of this process
        value = piece.result()
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError(f"piece {span.piece} must be bytes, not {kind_of(value)}") from None
    view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    if view.nbytes != length:
        raise SizeMismatchError(
            f"piece {span.piece} has {view.nbytes} bytes, and {length} were announced", None, ""
        )
    return view[start : start + span.stop - span.start]
