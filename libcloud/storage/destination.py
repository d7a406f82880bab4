# SPDX-License-Identifier: Apache-2.0
"""The destination of a download: the path of the file, and writing it atomically."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from libcloud.common.types import LibcloudError
from libcloud.utils.files import to_bytes
from libcloud.utils.staging import TEMPORARY_PREFIX, DestinationExistsError, StagingFile, is_stream

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


class MissingDirectoryError(LibcloudError, FileNotFoundError):
    """The directory of the destination does not exist; nothing was written.

    Apache Libcloud raises a ``FileNotFoundError`` if the destination is a file.
    """


class Destination(NamedTuple):
    """The file that an object is written to; a path that the drivers' download methods accept.

    :param path: the file.
    :param directory: the directory that was given instead of a file, ending in a separator; empty
        if a file was given. The file stays inside of it.
    :param driver: of the errors.
    :param overwrite: replace a file that appears there before the download ends.
    :param modified: the time of the file, seconds since 1970; ``None``: that of the download.
    :param is_new: nothing was there when the path was resolved.
    """

    path: str
    directory: str = ""
    driver: object = None
    overwrite: bool = True
    modified: float | None = None
    is_new: bool = False

    def __fspath__(self) -> str:
        return self.path


class FileNames:
    """Which files in ``directory`` the objects of one run become, each its own.

    ``a/b``, ``a//b`` and ``a/./b`` are three objects and one file; so are ``A`` and ``a`` where the
    file system ignores case.
    """

    def __init__(self, directory: str) -> None:
        self._ignores_case = _ignores_case(directory)
        self._hashes: set[int] = set()

    def add(self, name: str) -> bool:
        """Whether ``name``, a path, is a file that no name before it is."""
        known = len(self._hashes)
        self._hashes.add(hash(self.key(name)))
        return len(self._hashes) > known

    def key(self, name: str) -> str:
        """The same text for all names of a file."""
        key = os.path.normpath(name)
        if self._ignores_case:
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).casefold())
        return key


def resolve_destination(
    destination_path: str | os.PathLike[str],
    object_name: str,
    *,
    overwrite_existing: bool,
    driver: object,
    directory_exists: bool = True,
    modified: float | None = None,
) -> Destination:
    """The file for an object; nothing is created.

    :param destination_path: a file, or a directory if it ends in a separator: the file is then
        named like the object, with a sub-directory for each ``/`` in the name. A
        :class:`Destination` is returned as it is.
    :param directory_exists: ``False``: it may be created later.
    :param modified: see :class:`Destination`.
    :raises LibcloudError: there is no such directory, the file exists and must not be overwritten,
        or the name would lead out of the directory.
    """
    if isinstance(destination_path, Destination):
        return destination_path
    directory, is_new = "", False
    path = destination_path if isinstance(destination_path, str) else os.fsdecode(destination_path)
    if not path or path.endswith(_SEPARATORS):
        if directory_exists and not os.path.isdir(path):
            raise MissingDirectoryError(f"Path {path} does not exist", driver=driver)
        directory = path
        path, is_new = _path_inside(directory, object_name, driver)
    elif not os.path.isdir(os.path.dirname(path) or os.curdir):
        missing = f"Path {os.path.dirname(path)} does not exist: create the directory"
        raise MissingDirectoryError(missing, driver=driver)
    if not (overwrite_existing or is_new) and os.path.exists(path) and not is_stream(path):
        raise DestinationExistsError(path, driver)
    return Destination(path, directory, driver, overwrite_existing, modified, is_new)


def save(
    pieces: Iterable[bytes | str],
    destination: Destination,
    *,
    size: int | None = None,
    keep_partial: bool = False,
) -> bool:
    """Write ``pieces`` to a file that appears only when it is whole.

    :param size: bytes to expect; ``None`` if that is not known.
    :param keep_partial: put what came into the final place even if it is not whole.
    :return: ``False`` if the size is another one.
    """
    written = 0
    with opened(destination) as file:
        try:
            for piece in pieces:
                data = piece if isinstance(piece, bytes) else to_bytes(piece)
                file.write(data)
                written += len(data)
        except BaseException:
            if keep_partial:
                file.commit()
            raise
        whole = size is None or written == size
        if whole or keep_partial:
            file.commit()
    return whole


def opened(destination: Destination) -> StagingFile:
    """The file of ``destination``, which appears, as do its directories, when it is committed."""
    path, directory, driver, overwrite, modified, is_new = destination
    try:
        return StagingFile(
            path,
            overwrite=overwrite,
            make_directories=bool(directory),
            modified=modified,
            is_new=is_new,
            driver=driver,
        )
    except (FileExistsError, NotADirectoryError) as error:
        text = f"{path} cannot be created: a file has the name of one of its directories"
        raise LibcloudError(text, driver=driver) from error


def _path_inside(directory: str, object_name: str, driver: object) -> tuple[str, bool]:
    """The path of an object's file in ``directory``, whatever its untrusted name is.

    :return: the path, and whether nothing is there.
    """
    parts = object_name.replace("\\", "/").split("/") if os.sep == "\\" else object_name.split("/")
    inside = list(filter(None, parts))
    path = directory + os.sep.join(inside)
    escapes = (
        not parts[0]
        or os.pardir in parts
        or "\0" in object_name
        or (os.sep == "\\" and ":" in object_name)
    )
    reason = ""
    exists = None if escapes else _exists_without_links(directory, inside)
    if escapes or not (exists is not None or is_inside(path, directory)):
        reason = f"leads out of {directory}: nothing was written"
    elif parts[-1] in ("", os.curdir):
        reason = f"names no file in {directory}"
    if reason:
        text = f"Object name {object_name!r} {reason}. Give the path of a file instead."
        raise LibcloudError(text, driver=driver)
    return path, exists is False


def _exists_without_links(directory: str, parts: Iterable[str]) -> bool | None:
    """Whether the path of ``parts`` in ``directory``, none of them ``..``, exists.

    ``None``: it follows a link, or that cannot be examined.
    """
    path = directory
    for part in parts:
        path += part
        try:
            if stat.S_ISLNK(os.lstat(path).st_mode):
                return None
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return None
        path += os.sep
    return True


def is_inside(path: str, directory: str) -> bool:
    """Whether ``path``, with all links followed, is ``directory`` or below it."""
    root = os.path.realpath(directory)
    return os.path.commonpath([root, os.path.realpath(path)]) == root


def _ignores_case(directory: str) -> bool:
    """Whether names in ``directory`` that differ in case only are one file."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(os.path.abspath(directory))
    name = TEMPORARY_PREFIX + os.urandom(8).hex()
    try:
        os.close(os.open(os.path.join(directory, name), os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:  # nothing will be written there
        return False
    try:
        return os.path.exists(os.path.join(directory, name.upper()))
    finally:
        os.unlink(os.path.join(directory, name))
