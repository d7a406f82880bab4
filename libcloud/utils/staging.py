# SPDX-License-Identifier: Apache-2.0
"""Writes a file so that it appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from typing import TypeVar

from libcloud.common.types import LibcloudError

_T = TypeVar("_T")

TEMPORARY_PREFIX = ".libcloud-part-"

# Errors of file systems that cannot sync.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_REPLACE = os.O_WRONLY | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_BUFFER_SIZE = 64 * 1024

_OPEN_FILES = "/proc/self/fd"

_MAX_LINKS = 40  # as many as Linux follows

# How often a directory is created that others remove.
_MAX_ATTEMPTS = 50


class DestinationExistsError(LibcloudError, FileExistsError):
    """The file exists and must not be replaced; it was left unchanged."""

    def __init__(self, path: str, driver: object = None) -> None:
        super().__init__(f"File {path} already exists, but overwrite_existing=False", driver)
        self.args = (path, driver)


class StagingFile:
    """A staging file in the directory of the destination, moved there by :meth:`commit`.

    Used as a context manager: leaving it without a commit, for whatever reason, removes what was
    written, and an existing file at the destination is unchanged. A link is followed, so that
    the file it names is replaced and not the link. The data are on the disk before the file gets
    its name: a crash of the system leaves the old file or the new one, not an empty one.

    Where the system supports it, the staging file has no name until :meth:`commit`, so that nothing
    remains of it if the process is killed.

    A device, a pipe, a descriptor of this process (``/dev/stdout``, ``/dev/fd/3``), and a file in a
    directory that cannot be written to, are written in place.

    :param path: the destination.
    :param mode: permissions; ``None`` means those of the predecessor, or the usual ones. Where that
        is known beforehand, only the owner can read the staging file.
    :param overwrite: replace a file that is there, or that appears before the commit.
    :param make_directories: create the directories of the destination that are missing; they are
        removed again if the file does not appear. Otherwise its directory must exist.
    :param modified: the time of the file, seconds since 1970, if the file system allows it;
        ``None``: that of its last write.
    :param is_new: nothing was at ``path`` just now, not even a dangling link.
    :param driver: of :class:`DestinationExistsError`.
    :ivar appears_whole: it can be written in any order: it is not visible before :meth:`commit`.
    :raises OSError: the file cannot be written there.
    """

    def __init__(
        self,
        path: str,
        *,
        mode: int | None = None,
        overwrite: bool = True,
        make_directories: bool = False,
        modified: float | None = None,
        is_new: bool = False,
        driver: object = None,
    ) -> None:
        self._path = path
        self._given_mode = mode
        self._overwrite = overwrite
        self._make_directories = make_directories
        self._modified = modified
        self._driver = driver
        self._created: list[str] = []  # directories
        self._temporary: str | None = None  # the name of the staging file, if it has one
        self._is_unnamed = False
        self.appears_whole = False
        self._synced = False
        self._collected = bytearray()
        # Without even a dangling link, there is nothing to resolve.
        if not is_new and os.path.lexists(path):
            self._final = os.path.realpath(path)
            self._predecessor = _status(self._final)
            self._descriptor = self._open()
        else:
            self._final = path if path.startswith("/") else os.path.join(os.getcwd(), path)
            self._predecessor = None
            self._descriptor = self._open_staging()

    def _open(self) -> int:
        descriptor = _descriptor_of(self._path)
        if descriptor is not None:
            self._modified = None
            return os.dup(descriptor)
        if os.path.isdir(self._path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)
        if os.path.exists(self._path) and not os.path.isfile(self._final):
            self._modified = None
            return os.open(self._path, _REPLACE)
        return self._open_staging()

    def _open_staging(self) -> int:
        try:
            return self._with_directories(self._create)
        except (FileNotFoundError, NotADirectoryError):
            if self._make_directories:
                raise
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._final)
            raise missing from None
        except PermissionError:
            if not self._overwrite or not os.path.isfile(self._final):
                raise
            return os.open(self._final, _REPLACE)

    def _create(self, directory: str) -> int:
        """Open the staging file, with the final permissions or fewer."""
        is_private = self._given_mode is not None or self._predecessor is not None
        self._mode = 0o600 if is_private else 0o666  # the umask applies
        flag = getattr(os, "O_TMPFILE", 0)
        try:
            # Readable, because where it cannot be given a name, it has to be copied.
            descriptor = os.open(directory, flag | os.O_RDWR, self._mode) if flag else -1
        except FileNotFoundError:  # of the directory, which others may be creating now
            raise
        except OSError:  # the file system does not support it
            descriptor = -1
        self._is_unnamed = descriptor >= 0
        descriptor = descriptor if self._is_unnamed else self._create_named()
        self.appears_whole = True
        return descriptor

    def _create_named(self) -> int:
        temporary = self._new_name()
        descriptor = os.open(temporary, _NEW, self._mode)
        self._temporary = temporary
        return descriptor

    def _with_directories(self, act: Callable[[str], _T]) -> _T:
        """Call ``act`` with the directory of the file; create what is missing of it, if allowed."""
        directory = os.path.dirname(self._final)
        try:
            return act(directory)
        except (FileNotFoundError, NotADirectoryError):
            if not self._make_directories:
                raise
        attempt = 1
        try:
            while True:
                missing = directory
                while not os.path.isdir(missing):
                    self._created.append(missing)
                    missing = os.path.dirname(missing)
                try:
                    os.makedirs(directory, exist_ok=True)
                    return act(directory)
                except (FileExistsError, FileNotFoundError):
                    # Another download that failed removes the directory, which was empty; or there
                    # is a file, or a link that leads nowhere.
                    attempt += 1
                    is_other = os.path.lexists(directory) and not os.path.isdir(directory)
                    if is_other or attempt > _MAX_ATTEMPTS:
                        raise
        except BaseException:
            self._remove_directories()
            raise

    def _new_name(self) -> str:
        name = TEMPORARY_PREFIX + os.urandom(8).hex()
        return os.path.join(os.path.dirname(self._final), name)

    def _remove_directories(self) -> None:
        for path in self._created:
            # A directory that holds the file, or one of another process, is not empty and remains.
            with contextlib.suppress(OSError):
                os.rmdir(path)

    def fileno(self) -> int:
        """The descriptor, for writing at a position; not together with :meth:`write`."""
        return self._descriptor

    def write(self, piece: bytes) -> None:
        """Append ``piece``; small ones are collected."""
        if len(piece) < _BUFFER_SIZE:
            self._collected += piece
            if len(self._collected) >= _BUFFER_SIZE:
                self._flush()
        else:
            self._flush(piece)

    def _flush(self, more: bytes = b"") -> None:
        """Write what was collected, and ``more``."""
        collected, self._collected = self._collected, bytearray()
        for data in (collected, more):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def sync(self) -> None:
        """Flush the data to the disk, if the file system supports it."""
        self._flush()
        if self.appears_whole and not self._synced:
            _sync(self._descriptor)
            self._synced = True

    def commit(self) -> None:
        """Close the file and move it to its destination.

        :raises DestinationExistsError: the destination exists and must not be replaced.
        """
        if not self.appears_whole:
            self._flush()
            self._close()
        elif not self._appears_at_once():
            self.sync()
            if self._is_unnamed:
                self._add_name()
            assert self._temporary is not None
            with contextlib.suppress(OSError):
                self._set_permissions(self._temporary)
            self.sync()
            self._close()
            if self._overwrite:
                self._replace(self._temporary)
            else:
                self._link(self._temporary)
        self.appears_whole, self._temporary = False, None
        self._created.clear()
        if self._modified is not None:
            try:
                os.utime(self._final, (self._modified, self._modified))
            except (OSError, OverflowError):  # the file system does not support it
                self._modified = None

    def _appears_at_once(self) -> bool:
        """Give a new file its final name; false if it needs another one first."""
        is_new = self._predecessor is None and self._given_mode is None
        if not (self._is_unnamed and is_new):
            return False
        self.sync()
        try:
            self._link_unnamed(self._final)
        except OSError:  # a file has appeared there, or links are forbidden
            return False
        self._close()
        return True

    def _link_unnamed(self, path: str) -> None:
        number = self._descriptor
        # Python follows the link to the file only if a descriptor for relative paths is given.
        os.link(f"{_OPEN_FILES}/{number}", path, src_dir_fd=number, follow_symlinks=True)

    def _add_name(self) -> None:
        temporary = self._new_name()
        try:
            try:
                self._link_unnamed(temporary)
            except FileNotFoundError:
                if os.path.isdir(os.path.dirname(temporary)):  # there is no /proc
                    raise
                # A file without a name does not keep others from removing its directory.
                self._with_directories(lambda _: self._link_unnamed(temporary))
            self._temporary = temporary
        except OSError:  # forbidden, for example by AppArmor, or there is no /proc
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            from shutil import copyfileobj

            unnamed, self._descriptor = self._descriptor, -1
            with open(unnamed, "rb") as data:  # which closes it
                self._descriptor = self._with_directories(lambda _: self._create_named())
                copyfileobj(data, self)
            self._synced = False

    def _set_permissions(self, temporary: str) -> None:
        if self._given_mode is not None:
            os.chmod(temporary, self._given_mode)
            return
        before = _status(self._final) or self._predecessor
        if before is None:
            return
        own = os.stat(temporary)
        if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid) and hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(temporary, before.st_uid, before.st_gid)
        os.chmod(temporary, stat.S_IMODE(before.st_mode))

    def _replace(self, temporary: str) -> None:
        try:
            os.replace(temporary, self._final)
        except OSError as error:
            # A file that is itself a mount point, as in a container, cannot be replaced by another.
            if error.errno != errno.EBUSY:
                raise
            from shutil import copyfile

            copyfile(temporary, self._final)
            os.unlink(temporary)

    def _link(self, temporary: str) -> None:
        """Rename the file atomically, unless the destination exists."""
        try:
            os.link(temporary, self._final)
        except FileExistsError:
            raise DestinationExistsError(self._path, self._driver) from None
        except OSError:  # the file system has no hard links
            try:
                os.close(os.open(self._final, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                raise DestinationExistsError(self._path, self._driver) from None
            os.replace(temporary, self._final)
            return
        os.unlink(temporary)

    def __enter__(self) -> StagingFile:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    self._close()
        finally:
            if self._temporary is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._temporary)
                self._temporary = None
            if self._created:
                self._remove_directories()


def is_stream(path: str) -> bool:
    """Whether writing to ``path`` replaces nothing: a pipe, a terminal, a descriptor."""
    try:
        if stat.S_ISREG(os.lstat(path).st_mode):
            return False  # the usual case, and not a link to a descriptor
    except (OSError, ValueError):
        return False
    status = _status(path)
    if status is None:
        return False
    kinds = (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISSOCK)
    return any(kind(status.st_mode) for kind in kinds) or _descriptor_of(path) is not None


def sync_directory(path: str) -> None:
    """Flush the names in a directory to the disk, if the system supports it."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    """Flush a file to the disk, if the file system supports it."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _status(path: str) -> os.stat_result | None:
    """The status of ``path``, following links; ``None`` if it does not exist."""
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _descriptor_of(path: str) -> int | None:
    """The open descriptor of this process that ``path`` names, as ``/dev/stdout`` names 1.

    Opening it fails for a socket, and would write from the beginning of a file opened at its end.
    """
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(os.path.abspath(path))
        folder = os.path.realpath(folder)
        if re.fullmatch(rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd", folder):
            return int(name) if re.fullmatch("[0-9]+", name) else None
        try:
            path = os.path.join(folder, os.readlink(os.path.join(folder, name)))
        except (OSError, ValueError):  # no link
            return None
    return None


def write_private(path: str, text: str) -> None:
    """Replace the file at ``path`` atomically; only its owner can read it."""
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=TEMPORARY_PREFIX)
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
