# SPDX-License-Identifier: Apache-2.0
"""Each fault at each operation, once and for good, in front of several servers: what comes of it.

``python -m libcloud.test.storage.faults.matrix [SERVER ...]`` plays all cells and prints the table.
What has to come of them stands in :mod:`.expected`. A cell says what the caller was told, and what
is left at the store:

``done``       no error, and the right bytes, once
``network``    the error of the network
``malformed``  an answer that cannot be understood
``unknown``    UploadOutcomeUnknownError
``503`` ...    the store's error, by its code, or by its status if there is no code
``+id``        an upload stays behind, and the exception has its id
``+orphan``    an empty upload stays behind, whose id never arrived; ``+orphans``: several
``mismatch``   ObjectHashMismatchError: the store has stored, or has sent, something else

After an error the object that was there before is still there, with all its bytes. Whatever is
worse than that is written in capitals, and stands in no table.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from libcloud.http import LibcloudConnection, is_transient
from libcloud.storage.base import Container
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import S3Profile
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import ObjectHashMismatchError, UploadOutcomeUnknownError
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.conformance.sources import cut
from libcloud.test.storage.fakes import options, routes
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    ErrorIn200,
    FlipBit,
    LoseAnswer,
    Rule,
    Status,
    WrongETag,
)
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    fake_server,
    juicefs_server,
    moto_server,
    rclone_server,
    seaweedfs_server,
)
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.faults.proxy import (
    CloseIdle,
    CutAnswer,
    FaultProxy,
    FlipAnswer,
    Stall,
    WrongETagInBody,
)

OPERATIONS = {
    "put": "PutObject",
    "create": "CreateMultipartUpload",
    "part": "UploadPart",
    "complete": "CompleteMultipartUpload",
    "abort": "AbortMultipartUpload",
    "head": "HeadObject",
    "get": "GetObject",
    "list": "ListObjectsV2",
}
WITH_BODY = ("put", "part", "complete")
WITH_ETAG = ("put", "part", "complete", "head", "get")
WITH_DOCUMENT = ("create", "complete", "list")

FAULTS: dict[str, tuple[Callable[[], Action], tuple[str, ...]]] = {
    "reset-before-body": (lambda: Drop("before_body"), tuple(OPERATIONS)),
    "reset-in-body": (lambda: Drop("in_body"), WITH_BODY),
    "reset-after-body": (lambda: Drop("after_body"), WITH_BODY),
    "stall": (Stall, tuple(OPERATIONS)),
    "500": (lambda: Status(500), tuple(OPERATIONS)),
    "503": (lambda: Status(503, "SlowDown"), tuple(OPERATIONS)),
    "429": (
        lambda: Status(429, "TooManyRequests", headers={"Retry-After": "0.01"}),
        tuple(OPERATIONS),
    ),
    "403": (lambda: Status(403, "AccessDenied"), tuple(OPERATIONS)),
    "cut-answer": (CutAnswer, tuple(OPERATIONS)),
    "lost-answer": (LoseAnswer, tuple(OPERATIONS)),
    "error-in-200": (ErrorIn200, WITH_DOCUMENT),
    "flipped-bit": (lambda: FlipBit(1), WITH_BODY),
    "flipped-answer": (FlipAnswer, ("get",)),
    "wrong-etag": (WrongETag, WITH_ETAG),
    "closed-idle": (CloseIdle, tuple(OPERATIONS)),
}

ATTEMPTS = 3
STALLED_ATTEMPTS = 2
# Of the requests that are stalled only: a busy server takes its time for the others.
STALL_SECONDS = 0.5
LARGEST_PIECE = 256 * 1024
OLD = b"the one before"
BUCKET = "faults"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and how it is used.

    :param concerned: whether a cell is played on it.
    """

    launch: Callable[[], AbstractContextManager[Endpoint]]
    profile: S3Profile
    part_size: int = 1000
    concerned: Callable[[Cell], bool] = lambda cell: True


_FAKE = replace(options.AMAZON, min_part_size=1, any_host=True)

SERVERS = {
    "fake": Server(lambda: fake_server(_FAKE), profiles.AMAZON),
    "rclone": Server(rclone_server, profiles.RCLONE),
    "moto": Server(moto_server, profiles.MOTO, 5 * MIB, lambda cell: _on_moto(cell)),
    "seaweedfs": Server(
        seaweedfs_server, profiles.SEAWEEDFS, 5 * MIB, lambda cell: _on_gateways(cell)
    ),
    "juicefs": Server(juicefs_server, profiles.JUICEFS, 5 * MIB, lambda cell: _on_gateways(cell)),
}

# It compares nothing, and takes its time for parts, of which 5 MiB are the smallest.
_MOTO_PARTS = frozenset({"lost-answer"})
_NOT_ON_MOTO = frozenset({"flipped-bit", "stall"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one operation.

    :param always: at each request of the operation, and not at one only.
    """

    fault: str
    operation: str
    always: bool

    @property
    def key(self) -> str:
        """The object concerned."""
        return f"{self.fault}.{self.operation}.{'always' if self.always else 'once'}"


def _on_moto(cell: Cell) -> bool:
    in_parts = cell.operation in ("create", "part", "complete", "abort")
    return cell.fault in _MOTO_PARTS if in_parts else cell.fault not in _NOT_ON_MOTO


def _on_gateways(cell: Cell) -> bool:
    """What the server has a part in: the rest is the same on all of them."""
    return cell.fault in ("lost-answer", "flipped-bit")


def cells(server: str) -> Iterator[Cell]:
    """All cells that are played on ``server``, row by row."""
    for cell in _all_cells():
        if SERVERS[server].concerned(cell):
            yield cell


def _all_cells() -> Iterator[Cell]:
    for fault, (_, operations) in FAULTS.items():
        for operation in operations:
            yield Cell(fault, operation, False)
            yield Cell(fault, operation, True)


class _Play:
    """One cell on one server."""

    def __init__(self, server: Server, endpoint: Endpoint, cell: Cell) -> None:
        self.server, self.endpoint, self.cell = server, endpoint, cell
        self.direct = _driver(server, endpoint)
        self.long = pattern(2 * server.part_size + 500)
        # An object sent by one request has an ETag that tells of damage.
        short = cell.operation == "put" or cell.fault == "flipped-answer"
        self.data = self.long[:500] if short else self.long

    def result(self) -> str:
        """What came of it."""
        operation = self.cell.operation
        reads = operation in ("head", "get", "list")
        container = self.direct.get_container(BUCKET)
        before = self.data if reads else OLD
        self.direct.upload_object_via_stream(
            iter([before]), container, self.cell.key, ex_part_size=self.server.part_size
        )
        action = FAULTS[self.cell.fault][0]()
        if isinstance(action, WrongETag) and operation == "complete":
            action = WrongETagInBody()
        with FaultProxy(self.endpoint.host, self.endpoint.port) as proxy:
            if operation == "abort":
                proxy.faults.add("UploadPart", Status(403, "AccessDenied"), part=2, times=None)
            # In the middle of an upload, if it is one in parts.
            part = 2 if operation == "part" and not self.cell.always else None
            name = OPERATIONS[operation]
            if operation == "list" and self.server.profile.list_version == 1:
                name = "ListObjects"
            times = None if self.cell.always else 1
            rule = proxy.faults.add(name, action, times=times, part=part)
            try:
                told, error = self._told(proxy, container, rule)
            finally:
                if isinstance(action, Stall):
                    action.release.set()
        if not rule.fired:
            return "NO FAULT"
        return told + self._left(error) + ("" if reads else self._stored(container, error))

    def _told(
        self, proxy: FaultProxy, container: Container, rule: Rule
    ) -> tuple[str, BaseException | None]:
        endpoint = replace(self.endpoint, host=proxy.host, port=proxy.port)
        driver = _driver(self.server, endpoint, stalls=rule if self.cell.fault == "stall" else None)
        try:
            right = self._act(driver, Container(container.name, {}, driver))
        except Exception as error:
            return _name_of(error), error
        return "done" if right else "WRONG ANSWER", None

    def _act(self, driver: S3StorageDriver, container: Container) -> bool:
        """Do what the cell is about; whether the answer is right, as far as it can be seen."""
        key = self.cell.key
        if self.cell.operation == "head":
            return bool(driver.get_object(container.name, key).size == len(self.data))
        if self.cell.operation == "get":
            found = self.direct.get_object(container.name, key)
            verify = True if self.cell.fault == "flipped-answer" else None
            pieces = driver.download_object_as_stream(found, 700, ex_verify_hash=verify)
            return b"".join(pieces) == self.data
        if self.cell.operation == "list":
            return [found.name for found in driver.list_container_objects(container, key)] == [key]
        stored = driver.upload_object_via_stream(
            cut(self.data, LARGEST_PIECE), container, key, ex_part_size=self.server.part_size
        )
        return bool(stored.size == len(self.data))

    def _stored(self, container: Container, error: BaseException | None) -> str:
        """What is wrong with the bytes that are there."""
        found = self.direct.get_object(container.name, self.cell.key)
        body = b"".join(self.direct.download_object_as_stream(found))
        if isinstance(error, ObjectHashMismatchError) and body == self.data:
            return ""  # that it is stored is what it says, unless it is about a part
        expected = self.data if error is None else OLD
        if body == expected or (isinstance(error, UploadOutcomeUnknownError) and body == self.data):
            return ""
        return " BUT STORED" if body == self.data else " AND DAMAGED"

    def _left(self, error: BaseException | None) -> str:
        """The uploads that were left behind."""
        text, orphans = "", 0
        container = self.direct.get_container(BUCKET)
        for upload in self.direct.ex_iterate_multipart_uploads(container, prefix=self.cell.key):
            if upload.id == getattr(error, "upload_id", None):
                text += "+id"
            elif self._has_parts(upload.id):
                text += " PARTS LEFT"
            else:
                orphans += 1
        return text + ("+orphan" if orphans else "") + ("s" if orphans > 1 else "")

    def _has_parts(self, upload_id: str) -> bool:
        from libcloud.storage.s3 import requests

        path = self.direct._get_object_path(self.direct.get_container(BUCKET), self.cell.key)
        request = requests.list_parts(path, upload_id=upload_id)
        return b"<Part>" in self.direct._client.send(request, "Error listing parts").body.encode()


def _impatient(stalls: Rule) -> type[LibcloudConnection]:
    """A connection class that waits for the answers to all requests but those that are stalled."""

    class Impatient(LibcloudConnection):
        def prepared_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            self._choose_timeout(method, url)
            super().prepared_request(method, url, *args, **kwargs)

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            self._choose_timeout(method, url)
            super().request(method, url, *args, **kwargs)

        def _choose_timeout(self, method: str, url: str) -> None:
            due = replace(stalls).due  # a copy: nothing is counted
            request = Incoming(method, url, ())
            self.session.timeout = (
                STALL_SECONDS if due(routes.operation_of(request), request) else PATIENCE
            )

    return Impatient


def _driver(server: Server, endpoint: Endpoint, *, stalls: Rule | None = None) -> Any:
    """A driver that does not wait between attempts.

    :param stalls: the requests that are not answered.
    """
    limits = replace(server.profile.limits, min_part_size=1)
    members = {
        "profile": replace(server.profile, limits=limits),
        "ex_retry_policy": RetryPolicy(STALLED_ATTEMPTS if stalls else ATTEMPTS, base=0.0),
        "ex_completion_timeout": STALL_SECONDS if stalls else 60.0,
    }
    driver_class: Any = type("Driver", (S3StorageDriver,), members)
    driver = driver_class(
        endpoint.key,
        endpoint.secret,
        secure=False,
        host=endpoint.host,
        port=endpoint.port,
        region=endpoint.region,
        ex_profile=members["profile"],
    )
    if stalls:
        driver.connection.conn_class = _impatient(stalls)
    return driver


def _name_of(error: Exception) -> str:
    if isinstance(error, UploadOutcomeUnknownError):
        return "unknown"
    detail = getattr(error, "detail", None)
    if detail is not None:
        return str(detail.code or detail.status)
    if is_transient(error):
        return "network"
    kind = type(error).__name__
    return {"MalformedResponseError": "malformed", "ObjectHashMismatchError": "mismatch"}.get(
        kind, kind
    )


def play(name: str, endpoint: Endpoint, cell: Cell) -> str:
    """What comes of ``cell`` on the running server ``name``."""
    try:
        return _Play(SERVERS[name], endpoint, cell).result()
    except Exception as error:
        return f"THE TEST FAILED: {error!r}"


@contextlib.contextmanager
def running(name: str) -> Iterator[Endpoint]:
    """The server ``name``, with an empty bucket."""
    server = SERVERS[name]
    with server.launch() as endpoint:
        _driver(server, endpoint).create_container(BUCKET)
        yield endpoint


def play_fault(name: str, endpoint: Endpoint, fault: str) -> dict[Cell, str]:
    """All cells of ``fault`` on the running server ``name``; those that wait, wait together."""
    concerned = [cell for cell in cells(name) if cell.fault == fault]
    with ThreadPoolExecutor(16 if fault == "stall" else 1) as pool:
        results = pool.map(lambda cell: play(name, endpoint, cell), concerned)
        return dict(zip(concerned, results, strict=True))


def printed(found: dict[Cell, str]) -> str:
    """A table: a row for each fault, a column for each operation; "once/always"."""
    rows = [["", *OPERATIONS]]
    for fault in FAULTS:
        row = [fault]
        for operation in OPERATIONS:
            pair = [found.get(Cell(fault, operation, always), "-") for always in (False, True)]
            row.append(pair[0] if pair[0] == pair[1] else "/".join(pair))
        rows.append(row)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


if __name__ == "__main__":
    logging.disable()
    for server_name in sys.argv[1:] or SERVERS:
        table: dict[Cell, str] = {}
        with running(server_name) as started:
            for row in FAULTS:
                table |= play_fault(server_name, started, row)
        print(f"{server_name}\n\n{printed(table)}\n")
