# SPDX-License-Identifier: Apache-2.0
"""Bytes of an object, all of one version, in as few requests as possible, and what these cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import copying
from libcloud.storage.base import Container, Object, companion_method
from libcloud.storage.types import (
    IncompleteDownloadError,
    ObjectChangedError,
    ObjectDoesNotExistError,
)

# What distinguishes versions, in addition to hash and size; each driver has some of these.
_MARKS = ("etag", "last_modified", "modify_time", "inode")

# The attribute of drivers whose ``_read_object`` takes a negative offset.
_SUFFIXES = "_reads_last_bytes"

_RANGE_NOT_SATISFIABLE = 416

# Other responses of a store without ranges for the last bytes.
_UNSUPPORTED = (400, 501)

# What is assumed before the first measurements: S3 from a machine in the same region.
_LATENCY = 0.03

# Bytes a second of one connection; counts like a measurement.
# Reference: AWS, "Performance Guidelines for Amazon S3": 85 to 90 MB/s for each request.
_THROUGHPUT = 90e6

# The latest measurements that count.
_KEPT = 5

# Fewer bytes may arrive together with the headers: they say nothing about the throughput.
_ENOUGH = 64 * 1024

# Bytes a second. What is read faster was in the buffers of the operating system: 64 MiB from a
# server on the same machine take 0.2 s.
_FASTEST = 400e6


class RequestCost:
    """Latency and throughput of the requests for one open file; can be used by several threads.

    The latency is the shortest of the last five, so that a retry, a new connection and requests
    that wait for each other do not count. The throughput is the lower median of the last five.

    :param clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._latencies: tuple[float, ...] = ()
        self._throughputs: tuple[float, ...] = (_THROUGHPUT,)

    @property
    def in_bytes(self) -> int:
        """How many bytes one connection delivers in the time until a response begins."""
        throughputs = sorted(self._throughputs)
        median = throughputs[(len(throughputs) - 1) // 2]
        return int(min(self._latencies, default=_LATENCY) * median)

    def read(self, request: Callable[[], Iterator[bytes]]) -> bytes:
        """The bytes of a response, which is measured.

        :param request: returns when the response begins.
        """
        sent = self.clock()
        pieces = request()
        began = self.clock()
        data = b"".join(pieces)
        self.record(began - sent, len(data), self.clock() - began)
        return data

    def record(self, latency: float, size: int = 0, duration: float = 0) -> None:
        """Add a measurement: of a response of ``size`` bytes, which took ``duration`` more."""
        # New tuples, because another thread may be reading the present ones.
        self._latencies = (*self._latencies[1 - _KEPT :], latency)
        if size >= _ENOUGH:
            throughput = min(_FASTEST, size / duration) if duration > 0 else _FASTEST
            self._throughputs = (*self._throughputs[1 - _KEPT :], throughput)


def open_object(
    container: Container, name: str, version_id: str | None = None
) -> tuple[Object, Iterator[bytes]]:
    """An object and its bytes: one GET request if the driver supports it, otherwise HEAD first."""
    if version_id is None:
        return copying.read_object(container, name)
    obj = container.get_object(name, ex_version_id=version_id)
    return obj, obj.as_stream()


def read_object(
    container: Container,
    name: str,
    start: int | None = None,
    end: int | None = None,
    version_id: str | None = None,
) -> tuple[Object, bytes]:
    """An object, and its bytes from ``start`` to before ``end``, as in a slice.

    One GET request if the driver supports it and no offset counts from the end, except for the last
    bytes of an object of a store that has ranges for these, and no version is requested.
    """
    first, last = start or 0, end
    if version_id is None and not first and last is None:
        obj, pieces = open_object(container, name)
        return obj, b"".join(pieces)
    read = None if version_id is not None else copying.reader_of(container.driver)
    is_suffix = first < 0 and last is None and getattr(container.driver, _SUFFIXES, False)
    is_range = first >= 0 and (last is None or last > first)
    if read is not None and (is_range or is_suffix):
        try:
            obj, pieces = read(container, name, first, last)
            return obj, b"".join(pieces)
        except LibcloudError as error:
            status = getattr(error, "status", None)
            unsupported = isinstance(error, MalformedResponseError) or status in _UNSUPPORTED
            if not (is_suffix and unsupported) and status != _RANGE_NOT_SATISFIABLE:
                raise
    obj = container.get_object(name, ex_version_id=version_id)
    first, last, _ = slice(first, last).indices(obj.size)
    return obj, read_version(obj, first, last)


def read_edge(
    container: Container, name: str, length: int, *, last: bool = False
) -> tuple[Object, int, bytes]:
    """An object and its first ``length`` bytes, in one request, with the offset of these.

    A driver that needs a second request for the bytes reads none.

    :param last: the last bytes instead, if the driver supports that.
    """
    if copying.reader_of(container.driver) is None:
        return container.get_object(name), 0, b""
    if last and getattr(container.driver, _SUFFIXES, False):
        obj, data = read_object(container, name, -length)
        return obj, obj.size - len(data), data
    obj, data = read_object(container, name, 0, length)
    return obj, 0, data


def read_version(obj: Object, start: int, end: int, cost: RequestCost | None = None) -> bytes:
    """The bytes from ``start`` to before ``end``, which is not beyond the object.

    :param cost: measures the request, if the driver can request a version.
    :raises ObjectChangedError: the object was replaced or deleted since ``obj`` was requested.
    """
    if start >= end:
        return b""
    pinned = companion_method(obj.driver, "download_object_range_as_stream", "_range_of_version")
    if pinned is not None:
        request = partial(pinned, obj, start, end)
        return b"".join(request()) if cost is None else cost.read(request)
    data = _read(obj, start, end)
    if len(data) != end - start:
        raise IncompleteDownloadError(
            f"{len(data)} bytes were received instead of {end - start}", obj.driver, obj.name
        )
    return data


def same_version(first: Object, second: Object) -> bool:
    """Whether two responses describe the same version of an object, as far as is known."""
    return _marks(first) == _marks(second)


def _read(obj: Object, start: int, end: int) -> bytes:
    """For a driver that cannot request a version: the object is looked up again afterwards."""
    error: Exception | None = None
    try:
        data = b"".join(obj.range_as_stream(start, end))
    except Exception as caught:
        error = caught
    try:
        current = obj.container.get_object(obj.name)
    except ObjectDoesNotExistError as gone:
        raise _changed(obj) from gone
    if not same_version(current, obj):
        raise _changed(obj) from error
    if error is not None:
        raise error
    return data


def _marks(obj: Object) -> tuple[object, ...]:
    return (obj.hash, obj.size, *(obj.extra.get(name) for name in _MARKS))


def _changed(obj: Object) -> ObjectChangedError:
    text = f"{obj.container.name}/{obj.name} was replaced or deleted since it was opened"
    return ObjectChangedError(text, obj.driver, obj.name)
