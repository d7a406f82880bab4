# SPDX-License-Identifier: Apache-2.0
"""Bodies of parts: whatever holds the data, it can be sent again, and is not held in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import IO, Any

from libcloud.storage.transfer.values import Body
from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, Pieces

_IN_MEMORY = 8 * 1024 * 1024  # bytes of an iterable; more of them go to a temporary file
_BLOCK = 1024 * 1024


def body_of(data: Any, size: int | None, files: ExitStack, what: str) -> Body:
    """``data`` as a body that can be sent again.

    :param data: bytes, a binary file, or an iterable of bytes.
    :param size: bytes of a seekable file that count; others must have as many. ``None``: all.
    :param files: closes the temporary file.
    :param what: the part, for messages.
    :raises TypeError: it is not bytes.
    :raises SizeMismatchError: it has another size.
    """
    body: Body
    if isinstance(data, memoryview):
        body = data.cast("B")
    elif isinstance(data, (bytes, bytearray, Pieces)):
        body = data
    else:
        file = data if _is_seekable(data) else _spooled(data, what, files)
        start = file.tell()
        left = file.seek(0, os.SEEK_END) - start
        body = FilePieces(file, start, left if size is None else min(size, left))
    if size not in (None, len(body)):
        text = f"{what} has {len(body)} bytes, and {size} were announced"
        raise SizeMismatchError(text, None, "")
    return body


def _is_seekable(data: Any) -> bool:
    return hasattr(data, "seekable") and bool(data.seekable())


def _spooled(data: Any, what: str, files: ExitStack) -> IO[bytes]:
    """A temporary file with what ``data`` yields."""
    chunks: Iterable[Any] = ()
    if hasattr(data, "read"):
        chunks = iter(lambda: data.read(_BLOCK), b"")
    elif hasattr(data, "__iter__") and not isinstance(data, (str, Mapping)):
        chunks = data
    else:
        raise TypeError(f"{what} must be bytes, not {kind_of(data)}")
    opened: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - files closes it
    file: Any = files.enter_context(opened)
    for chunk in chunks:
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"{what} must be bytes, not {kind_of(chunk)}")
        file.write(chunk)
    file.seek(0)
    return file  # type: ignore[no-any-return]
