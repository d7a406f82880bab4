# SPDX-License-Identifier: Apache-2.0
"""Helper methods that storage drivers inherit and may override, for uploads and downloads."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from libcloud import storage
from libcloud.common.base import BaseDriver, Connection
from libcloud.common.types import LibcloudError
from libcloud.storage.types import InvalidSourceError, ObjectDoesNotExistError
from libcloud.utils import files
from libcloud.utils.arguments import size_of, whole_number

if TYPE_CHECKING:
    from libcloud.storage.payload import Hasher, Payload
    from libcloud.storage.scheduler import Limiter
    from libcloud.storage.worker_pool import WorkerPool

CHUNK_SIZE = 8096
DEFAULT_CONTENT_TYPE = "application/octet-stream"

_T = TypeVar("_T")
_Path = str | os.PathLike[str]


class _Object(Protocol):
    """The attributes of an :class:`~libcloud.storage.base.Object` that the helpers use."""

    name: str
    size: int


_ObjectT = TypeVar("_ObjectT", bound=_Object)


class StorageDriverHelpers(BaseDriver):
    """Methods to send, to save and to check, which a driver may override."""

    hash_type = "md5"
    supports_chunked_encoding = False
    strict_mode = False

    # Whether a file whose position is its end is sent from its start, as in Apache Libcloud;
    # otherwise nothing is sent of it.
    _rewinds_finished_streams = True
    # Whether objects with the same hash hold the same data.
    _hash_is_of_data = True
    # Keys of an object's ``extra`` whose values an upload can set by headers.
    _kept_properties: tuple[str, ...] = ()
    # Names of metadata that the store accepts: a regular expression.
    _metadata_names = "(?s).+"

    @property
    def _pool(self) -> WorkerPool:
        """The worker pool that all operations on many objects share; created at first use."""
        pool: WorkerPool | None = vars(self).get("_worker_pool")
        if pool is None:
            kind, limit = storage.worker_pool.WorkerPool, self._max_concurrency()
            most = storage.scheduler.MAX_WORKERS if limit is None else limit
            pool = vars(self).setdefault(
                "_worker_pool", kind(self._concurrency_limiter(), max_workers=most)
            )
        return pool

    def _concurrency_limiter(self) -> Limiter | None:
        """Hook: what narrows the worker pool when the store throttles; ``None``: nothing."""
        return None

    def _max_concurrency(self) -> int | None:
        """Hook: requests that the driver can make at once; ``None``: no limit."""
        return concurrency_of(getattr(self, "connection", None))

    def _normalize_prefix_argument(self, prefix: str | None, ex_prefix: str | None) -> str | None:
        """The prefix to use: that under the old name wins, with a warning."""
        if not ex_prefix:
            return prefix
        warnings.warn(
            "The argument ``ex_prefix`` is deprecated, use ``prefix``",
            DeprecationWarning,
            stacklevel=3,
        )
        return ex_prefix

    def _filter_listed_container_objects(
        self, objects: Iterable[_ObjectT], prefix: str | None
    ) -> Iterator[_ObjectT]:
        """Those whose names start with ``prefix``, for a store that cannot filter."""
        if prefix is not None:
            warnings.warn(
                f"Driver {type(self).__name__} cannot ask its store for a prefix; all objects are "
                "listed, and filtered here.",
                stacklevel=2,
            )
        return (obj for obj in objects if prefix is None or obj.name.startswith(prefix))

    def _get_object(
        self,
        obj: _Object,
        callback: Callable[..., _T],
        callback_kwargs: Mapping[str, Any],
        response: Any,
        success_status_code: int | Iterable[int] | None = None,
    ) -> _T:
        """The result of ``callback(**callback_kwargs)``, if ``response`` is a success.

        :param success_status_code: one or several; ``None`` means 200.
        """
        expected = 200 if success_status_code is None else success_status_code
        codes = {expected} if isinstance(expected, int) else set(expected)
        if response.status in codes:
            return callback(**callback_kwargs)
        if response.status == 404:
            raise ObjectDoesNotExistError(object_name=obj.name, value="", driver=self)
        raise LibcloudError(f"Unexpected status code: {response.status}", driver=self)

    def _save_object(
        self,
        response: Any,
        obj: _Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        chunk_size: int | None = None,
        partial_download: bool = False,
    ) -> bool:
        """Write the body of ``response`` to a file; see :meth:`download_object`.

        :param partial_download: the body is a part of the object, its size is not compared.
        """
        destination = storage.destination.resolve_destination(
            destination_path, obj.name, overwrite_existing=overwrite_existing, driver=self
        )
        pieces = response._response.iter_content(chunk_size or CHUNK_SIZE)
        size = None if partial_download else size_of(obj)
        return storage.destination.save(
            pieces, destination, size=size, keep_partial=not delete_on_failure
        )

    def _upload_object(
        self,
        object_name: str,
        content_type: str | None,
        request_path: str,
        request_method: str = "PUT",
        headers: Mapping[str, str] | None = None,
        file_path: _Path | None = None,
        stream: Any = None,
        chunked: bool = False,
        multipart: bool = False,
    ) -> dict[str, Any]:
        """Send a file, or a stream, as the body of one request.

        More than 8 MiB are sent as they are read, with a length if there is one; without one they
        go through a temporary file, unless the store takes chunked encoding.

        :param stream: what :meth:`upload_object_via_stream` takes; it wins over ``file_path``.
        :param chunked: the store takes chunked encoding, whatever the driver says.
        :param multipart: not used; kept for callers.
        :return: ``response``, ``bytes_transferred`` and ``data_hash`` (hexadecimal).
        """
        headers = self._with_content_type(headers, content_type, object_name, file_path)
        with self._payload(file_path, stream, chunked=chunked) as payload:
            with payload.attempt() as body:
                response = self.connection.request(
                    request_path, method=request_method, data=body, headers=headers, raw=True
                )
            return {
                "response": response,
                "data_hash": payload.digest(),
                "bytes_transferred": payload.size,
            }

    @contextmanager
    def _payload(
        self, file_path: _Path | None, stream: Any, *, chunked: bool = False
    ) -> Iterator[Payload]:
        """The body of one request, for :meth:`_upload_object`."""
        if stream is not None:
            storage.payload.check_source(stream)
        elif file_path is None:
            raise InvalidSourceError("There is neither a file nor a stream to send", driver=self)
        elif not os.path.exists(file_path):
            raise FileNotFoundError(errno.ENOENT, f"File {file_path} does not exist")
        with storage.payload.Payload(
            self._get_hash_function, chunked=chunked or self.supports_chunked_encoding
        ) as payload:
            if stream is not None:
                payload.take_stream(stream, rewind_finished=self._rewinds_finished_streams)
            elif file_path is not None:
                payload.take_file(file_path)
            yield payload

    def _with_content_type(
        self,
        headers: Mapping[str, str] | None,
        content_type: str | None,
        object_name: str,
        file_path: _Path | None,
    ) -> dict[str, str]:
        """A copy of ``headers`` with one content type: the one given, or else the header's own."""
        sent = dict(headers or {})
        for name in (*sent,):
            if name.lower() == "content-type":
                content_type = content_type or sent[name]
                del sent[name]
        sent["Content-Type"] = self._determine_content_type(
            content_type, object_name, file_path=file_path
        )
        return sent

    def _determine_content_type(
        self, content_type: str | None, object_name: str, file_path: _Path | None = None
    ) -> str:
        """The type given, or the one that the name of the file, or of the object, suggests."""
        if content_type:
            return content_type
        guessed, _ = files.guess_file_mime_type(file_path if file_path is not None else object_name)
        if guessed:
            return guessed
        if self.strict_mode:
            raise AttributeError(
                f'File content-type could not be guessed for "{object_name}" and no content_type '
                "value is provided"
            )
        return DEFAULT_CONTENT_TYPE

    def _hash_buffered_stream(
        self, stream: Any, hasher: Hasher, blocksize: int = 65536
    ) -> tuple[str, int]:
        """Read all of ``stream``, from its start if it can be rewound: its hash and its length."""
        total = 0
        is_iterator = hasattr(stream, "__next__") or hasattr(stream, "next")
        if is_iterator and hasattr(stream, "seek"):
            try:
                stream.seek(0)
            except OSError as error:
                if error.errno != errno.ESPIPE:
                    raise
        source = stream if is_iterator or hasattr(stream, "read") else iter(stream)
        for piece in files.read_in_chunks(source, chunk_size=blocksize):
            hasher.update(piece)
            total += len(piece)
        return hasher.hexdigest(), total

    def _get_hash_function(self) -> Hasher:
        """A fresh hash of ``hash_type``; it guards against accidents, not against attackers."""
        import hashlib

        try:
            return hashlib.new(self.hash_type, usedforsecurity=False)
        except ValueError as error:
            raise RuntimeError(f"Invalid or unsupported hash type: {self.hash_type}") from error

    def _validate_start_and_end_bytes(self, start_bytes: int, end_bytes: int | None = None) -> bool:
        """``True``, or an error if that is not a range."""
        for name, value in (("start_bytes", start_bytes), ("end_bytes", end_bytes)):
            if value is not None and type(value) is not int:
                whole_number(name, value, least=0, example="1024")
        if start_bytes is None:
            raise TypeError("start_bytes must be a whole number, such as 0, not None")
        if start_bytes < 0:
            raise ValueError("start_bytes must be greater than 0")
        if end_bytes is not None:
            if start_bytes > end_bytes:
                raise ValueError("start_bytes must be smaller than end_bytes")
            if start_bytes == end_bytes:
                raise ValueError(
                    "start_bytes and end_bytes can't be the same. end_bytes is non-inclusive"
                )
        return True

    def _get_standard_range_str(
        self, start_bytes: int, end_bytes: int | None = None, end_bytes_inclusive: bool = False
    ) -> str:
        """The value of an HTTP ``Range`` header, of which ``end_bytes`` may be inclusive."""
        if end_bytes is None:
            return f"bytes={start_bytes}-"
        return f"bytes={start_bytes}-{end_bytes if end_bytes_inclusive else end_bytes - 1}"


def concurrency_of(connection: object, *, overrides: bool = False) -> int | None:
    """Requests that ``connection`` can make at once; ``None``: no limit.

    A connection that others have written or replaced is not assumed to be thread-safe.

    :param overrides: the class of the library's own connection has a ``request`` of its own.
    """
    if not isinstance(connection, Connection) or "request" in connection.__dict__:
        return 1
    if not overrides and type(connection).request is not Connection.request:
        return 1
    import libcloud.http as http  # without ``from``, which searches the names at each call

    return http.allowed_concurrency(type(connection.connection))


def is_replaced(connection: Any) -> bool:
    """Return whether something other than this library sends the requests, as mocks do."""
    import libcloud.http as http

    limit = concurrency_of(connection, overrides=True)
    return limit == 1 or http.is_replaced(type(connection.connection))
