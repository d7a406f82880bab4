# SPDX-License-Identifier: Apache-2.0
"""From an object in a store to a file: where it goes, and how it gets there whole."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from libcloud.common.types import LibcloudError
from libcloud.utils import files
from libcloud.utils.staging import TEMPORARY_PREFIX, DestinationExistsError, StagingFile, is_stream


class MissingDirectoryError(LibcloudError, FileNotFoundError):
    """The directory of the destination does not exist; nothing was written.

    Apache Libcloud raises a ``FileNotFoundError`` if the destination is a file.
    """


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an object is written to.

    :param path: the file.
    :param directory: the directory that was given instead of a file, ending in a separator; empty
        if a file was given. The file stays inside of it.
    :param overwrite: replace a file that appears there before the download ends.
    """

    path: str
    directory: str = ""
    driver: object = field(default=None, repr=False)
    overwrite: bool = True


class FileNames:
    """Which files the objects of one run become: two of them must not become the same one.

    ``a/b``, ``a//b`` and ``a/./b`` are three objects and one file; so are ``A`` and ``a`` where the
    file system ignores case. It costs some tens of bytes for each name.

    :param directory: where the files go; it need not exist yet.
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
) -> Destination:
    """The file for an object; nothing is created.

    :param destination_path: a file, or a directory if it ends in a separator: the file is then
        named like the object, with a sub-directory for each ``/`` in the name.
    :param directory_exists: ``False``: it may be created later.
    :raises LibcloudError: there is no such directory, the file exists and must not be overwritten,
        or the name would lead out of the directory.
    """
    path = os.fsdecode(destination_path)
    directory = ""
    if not os.path.basename(path):
        if directory_exists and not os.path.isdir(path):
            raise MissingDirectoryError(f"Path {path} does not exist", driver=driver)
        directory = path
        path = _path_inside(directory, object_name, driver)
    elif not os.path.isdir(os.path.dirname(path) or os.curdir):
        missing = f"Path {os.path.dirname(path)} does not exist: create the directory"
        raise MissingDirectoryError(missing, driver=driver)
    if not overwrite_existing and os.path.exists(path) and not is_stream(path):
        raise DestinationExistsError(path, driver)
    return Destination(path, directory, driver, overwrite_existing)


def save(
    pieces: Iterable[bytes | str],
    destination: Destination,
    *,
    size: int | None = None,
    keep_partial: bool = False,
) -> bool:
    """Write ``pieces`` to a file that appears only when it is whole.

    Whatever ends the download early, also Ctrl-C, an existing file is left as it was and no new one
    appears.

    :param size: bytes to expect; ``None`` if that is not known.
    :param keep_partial: put what came into the final place even if it is not whole.
    :return: ``False`` if the size is another one.
    :raises DestinationExistsError: a file has appeared that must not be overwritten.
    """
    with opened(destination) as file:
        try:
            written = _write(pieces, file)
        except BaseException:
            if keep_partial:
                file.commit()
            raise
        whole = size is None or written == size
        if whole or keep_partial:
            file.commit()
    return whole


@contextlib.contextmanager
def opened(destination: Destination) -> Iterator[StagingFile]:
    """The file of ``destination``, which appears when it is committed.

    Directories that are made for it are removed again if it does not.
    """
    with directories(destination):
        try:
            with StagingFile(destination.path, overwrite=destination.overwrite) as file:
                yield file
        except DestinationExistsError as error:
            error.driver = destination.driver
            raise


class directories:
    """Make those that the file of ``destination`` needs; they go again if it does not appear."""

    __slots__ = ("_created", "_destination")

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def __enter__(self) -> None:
        self._created = _create_directories(self._destination)

    def __exit__(self, *_: object) -> None:
        for path in self._created:
            # A directory that holds the file, or one of another process, is not empty and remains.
            with contextlib.suppress(OSError):
                os.rmdir(path)


def _write(pieces: Iterable[bytes | str], file: StagingFile) -> int:
    written = 0
    for piece in files.read_in_chunks(iter(pieces)):
        file.write(piece)
        written += len(piece)
    return written


def _path_inside(directory: str, object_name: str, driver: object) -> str:
    """The path of an object's file in ``directory``.

    An object's name is untrusted input. It must not select a file elsewhere, whether by ``..``, a
    leading ``/`` or a link in the directory.
    """
    parts = object_name.replace("\\", "/").split("/") if os.sep == "\\" else object_name.split("/")
    path = os.path.join(directory, *parts)
    escapes = (
        not parts[0]
        or os.pardir in parts
        or "\0" in object_name
        or (os.sep == "\\" and ":" in object_name)
    )
    reason = ""
    if escapes or not (_has_no_link(directory, parts) or is_inside(path, directory)):
        reason = f"leads out of {directory}: nothing was written"
    elif parts[-1] in ("", os.curdir):
        reason = f"names no file in {directory}"
    if reason:
        text = f"Object name {object_name!r} {reason}. Give the path of a file instead."
        raise LibcloudError(text, driver=driver)
    return path


def _has_no_link(directory: str, parts: Iterable[str]) -> bool:
    """Whether the path of ``parts`` in ``directory``, none of them ``..``, follows no link."""
    path = directory
    for part in parts:
        path = os.path.join(path, part)
        try:
            if stat.S_ISLNK(os.lstat(path).st_mode):
                return False
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False
    return True


def is_inside(path: str, directory: str) -> bool:
    """Whether ``path``, with all links followed, is ``directory`` or below it."""
    root = os.path.realpath(directory)
    return os.path.commonpath([root, os.path.realpath(path)]) == root


def _create_directories(destination: Destination) -> list[str]:
    """Create the sub-directories of a directory destination; those created, deepest first."""
    if not destination.directory:
        return []
    missing = []
    parent = os.path.dirname(destination.path)
    while parent and not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    try:
        if missing:
            os.makedirs(missing[0], exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise LibcloudError(
            f"A file stands where {destination.path} needs a directory", driver=destination.driver
        ) from error
    return missing


def _ignores_case(directory: str) -> bool:
    """Whether names in ``directory`` that differ in case only are one file."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(os.path.abspath(directory))
    try:
        with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, dir=directory) as probe:
            folder, name = os.path.split(probe.name)
            return os.path.exists(os.path.join(folder, name.upper()))
    except OSError:  # nothing will be written there
        return False
