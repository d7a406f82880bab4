# SPDX-License-Identifier: Apache-2.0
"""Writing a file so that it appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from types import TracebackType
from typing import BinaryIO

__all__ = ["TEMPORARY_PREFIX", "ReplacingFile"]

TEMPORARY_PREFIX = ".libcloud-part-"


class ReplacingFile:
    """A file written beside its final place and moved there by :meth:`commit`.

    Used as a context manager: leaving it without a commit, for whatever reason, removes what was
    written, and a file that stood in the final place is still there. A link is followed, so that
    the file it names is replaced and not the link.

    :param path: the final place; its directory must exist. A device or a pipe, and a file in a
        directory that cannot be written to, are written in place.
    :param mode: permissions; ``None`` means those of the predecessor, or the usual ones.
    :raises OSError: the file cannot be written there.
    """

    def __init__(self, path: str, *, mode: int | None = None) -> None:
        self._mode = mode
        self._final = os.path.realpath(path)
        self._temporary: str | None = None
        self._file = self._open()

    def _open(self) -> BinaryIO:
        if os.path.isdir(self._final):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._final)
        directory = os.path.dirname(self._final)
        if not os.path.isdir(directory):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._final)
        if os.path.exists(self._final) and not os.path.isfile(self._final):
            return open(self._final, "wb")
        temporary = os.path.join(directory, TEMPORARY_PREFIX + secrets.token_hex(8))
        try:
            file = open(temporary, "xb")  # noqa: SIM115 - closed by commit or exit
        except PermissionError:
            if not os.path.isfile(self._final):
                raise
            return open(self._final, "wb")
        self._temporary = temporary
        return file

    @property
    def appears_whole(self) -> bool:
        """Whether it can be written in any order: nobody sees it before :meth:`commit`."""
        return self._temporary is not None

    def fileno(self) -> int:
        """The descriptor, for writing at a position; not together with :meth:`write`."""
        return self._file.fileno()

    def write(self, piece: bytes) -> None:
        """Append ``piece``."""
        self._file.write(piece)

    def commit(self) -> None:
        """Close the file and put it in its final place."""
        self._file.close()
        if self._temporary is None:
            return
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(os.stat(self._final).st_mode) if self._mode is None else self._mode
            os.chmod(self._temporary, mode)
        try:
            os.replace(self._temporary, self._final)
        except OSError as error:
            # A file that is itself a mount point, as in a container, cannot be replaced by another.
            if error.errno != errno.EBUSY:
                raise
            shutil.copyfile(self._temporary, self._final)
            os.unlink(self._temporary)
        self._temporary = None

    def __enter__(self) -> ReplacingFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
            self._temporary = None
