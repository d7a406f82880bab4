# SPDX-License-Identifier: Apache-2.0
"""Translates errors of a store to those of a file system."""

from __future__ import annotations

import errno
import os

from libcloud.common.types import LibcloudError
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)


class FileExpired(OSError):
    """The object was replaced or deleted while the file was open; its ``errno`` is ``EBUSY``.

    Open it again: the bytes of two versions are never mixed.
    """

    def __init__(self, path: str) -> None:
        text = "the object was replaced or deleted while the file was open"
        super().__init__(errno.EBUSY, text, path)

    def __reduce__(self) -> tuple[type[FileExpired], tuple[str], dict[str, object]]:
        return type(self), (str(self.filename),), vars(self)


_CODES: dict[type[Exception], int] = {
    ObjectDoesNotExistError: errno.ENOENT,
    ContainerDoesNotExistError: errno.ENOENT,
    ContainerAlreadyExistsError: errno.EEXIST,
    ContainerIsNotEmptyError: errno.ENOTEMPTY,
}


class as_os_errors:
    """Raises, in its block, the error of the store as one of a file system, caused by it.

    :param exclusive: the precondition of the request is that the object does not exist.
    """

    __slots__ = ("_exclusive", "_path")

    def __init__(self, path: str, *, exclusive: bool = False) -> None:
        self._path = path
        self._exclusive = exclusive

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, LibcloudError):
            return
        if isinstance(error, ObjectChangedError):
            raise FileExpired(self._path) from error
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)
        if isinstance(error, PreconditionFailedError) and self._exclusive:
            code = errno.EEXIST
        elif code is None and getattr(error, "status", None) == 403:
            code = errno.EACCES
        if code is not None:
            raise OSError(code, os.strerror(code), self._path) from error
