# SPDX-License-Identifier: Apache-2.0
"""Translates errors of a store to those of a file system."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

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


@contextlib.contextmanager
def as_os_errors(path: str, *, exclusive: bool = False) -> Iterator[None]:
    """The error of the store as one of a file system; the original error is the cause.

    :param exclusive: the precondition of the request is that the object does not exist.
    """
    try:
        yield
    except ObjectChangedError as error:
        raise FileExpired(path) from error
    except PreconditionFailedError as error:
        if not exclusive:
            raise
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from error
    except tuple(_CODES) as error:
        code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
        raise OSError(code, os.strerror(code), path) from error
    except LibcloudError as error:
        if getattr(error, "status", None) != 403:
            raise
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path) from error
