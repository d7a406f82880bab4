# SPDX-License-Identifier: Apache-2.0
"""Each fault at each operation, once and for good, in front of several servers: what comes of it.

``python -m libcloud.test.storage.faults.matrix [SERVER ...]`` plays all cells and prints the table.
The expected results are in :mod:`.expected`. A cell says what was reported to the caller, and what
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

from libcloud.http import is_transient
from libcloud.storage.base import Container
from libcloud.storage.capabilities import MIB
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import S3Profile
from libcloud.storage.types import ObjectHashMismatchError, UploadOutcomeUnknownError
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.conformance.sources import cut
from libcloud.test.storage.fakes import options
from libcloud.test.storage.fakes.azurite import azurite_server
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
    fake_azure_server,
    fake_server,
    fake_swift_server,
    juicefs_server,
    moto_server,
    rclone_server,
    seaweedfs_server,
)
from libcloud.test.storage.fakes.swift_server import swift_server
from libcloud.test.storage.faults.protocols import (
    AZURE,
    NO_PROFILE,
    S3,
    SWIFT,
    Protocol,
    connected,
)
from libcloud.test.storage.faults.proxy import (
    CloseIdle,
    CutAnswer,
    FaultProxy,
    FlipAnswer,
    Stall,
    WrongETagInBody,
)

OPERATIONS = tuple({**S3.operations, **AZURE.operations, **SWIFT.operations})
WITH_BODY = ("put", "part", "complete")
WITH_ETAG = ("put", "part", "complete", "head", "get")
WITH_DOCUMENT = ("create", "complete", "list", "confirm")

FAULTS: dict[str, tuple[Callable[[], Action], tuple[str, ...]]] = {
    "reset-before-body": (lambda: Drop("before_body"), OPERATIONS),
    "reset-in-body": (lambda: Drop("in_body"), WITH_BODY),
    "reset-after-body": (lambda: Drop("after_body"), WITH_BODY),
    "stall": (Stall, OPERATIONS),
    "500": (lambda: Status(500), OPERATIONS),
    "503": (lambda: Status(503, "SlowDown"), OPERATIONS),
    "429": (
        lambda: Status(429, "TooManyRequests", headers={"Retry-After": "0.01"}),
        OPERATIONS,
    ),
    "403": (lambda: Status(403, "AccessDenied"), OPERATIONS),
    "cut-answer": (CutAnswer, OPERATIONS),
    "lost-answer": (LoseAnswer, OPERATIONS),
    "error-in-200": (ErrorIn200, WITH_DOCUMENT),
    "flipped-bit": (lambda: FlipBit(1), WITH_BODY),
    "flipped-answer": (FlipAnswer, ("get",)),
    "wrong-etag": (WrongETag, WITH_ETAG),
    "closed-idle": (CloseIdle, OPERATIONS),
}

LARGEST_PIECE = 256 * 1024
OLD = b"the one before"
BUCKET = "faults"


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and how it is used.

    :param concerned: whether a cell is played on it.
    """

    launch: Callable[[], AbstractContextManager[Endpoint]]
    profile: S3Profile = NO_PROFILE
    part_size: int = 1000
    concerned: Callable[[Cell], bool] = lambda cell: True
    protocol: Protocol = S3

    def connect(self, endpoint: Endpoint, stalls: Rule | None = None) -> Any:
        """A driver; see :func:`.protocols.connected`."""
        return connected(self.protocol, self.profile, endpoint, stalls=stalls)


_FAKE = replace(options.AMAZON, min_part_size=1, any_host=True)

# A response with status 200 contains no errors.
_NOT_IN_SWIFT = frozenset({"error-in-200"})

SERVERS = {
    "fake": Server(lambda: fake_server(_FAKE), profiles.AMAZON),
    "rclone": Server(rclone_server, profiles.RCLONE),
    "moto": Server(moto_server, profiles.MOTO, 5 * MIB, lambda cell: _on_moto(cell)),
    "seaweedfs": Server(
        seaweedfs_server, profiles.SEAWEEDFS, 5 * MIB, lambda cell: _on_gateways(cell)
    ),
    "juicefs": Server(juicefs_server, profiles.JUICEFS, 5 * MIB, lambda cell: _on_gateways(cell)),
    "fake-azure": Server(fake_azure_server, protocol=AZURE),
    "azurite": Server(azurite_server, protocol=AZURE, concerned=lambda cell: _on_gateways(cell)),
    "fake-swift": Server(
        fake_swift_server, protocol=SWIFT, concerned=lambda cell: cell.fault not in _NOT_IN_SWIFT
    ),
    "swift": Server(swift_server, protocol=SWIFT, concerned=lambda cell: _on_gateways(cell)),
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
    kind = SERVERS[server]
    for cell in _all_cells():
        if cell.operation in kind.protocol.operations and kind.concerned(cell):
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
        self.direct = server.connect(endpoint)
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
        protocol = self.server.protocol
        if isinstance(action, WrongETag) and operation == "complete" and protocol is S3:
            action = WrongETagInBody()
        names, second = protocol.operations, protocol.second_part
        with FaultProxy(self.endpoint.host, self.endpoint.port, protocol.operation_of) as proxy:
            if operation == "abort":
                refusal = Status(403, "AccessDenied")
                proxy.faults.add(names["part"], refusal, match=second, times=None)
            if operation == "confirm":
                proxy.faults.add(names["complete"], LoseAnswer())
            # In the middle of an upload, if it is one in parts.
            match = second if operation == "part" and not self.cell.always else None
            name = names[operation]
            if operation == "list" and self.server.profile.list_version == 1:
                name = "ListObjects"
            times = None if self.cell.always else 1
            rule = proxy.faults.add(name, action, times=times, match=match)
            try:
                outcome, error = self._outcome(proxy, container, rule)
            finally:
                if isinstance(action, Stall):
                    action.release.set()
        if not rule.fired:
            return "NO FAULT"
        left = protocol.left(self.direct, container, self.cell.key, error)
        return outcome + left + ("" if reads else self._stored(container, error))

    def _outcome(
        self, proxy: FaultProxy, container: Container, rule: Rule
    ) -> tuple[str, BaseException | None]:
        endpoint = replace(self.endpoint, host=proxy.host, port=proxy.port)
        driver = self.server.connect(endpoint, rule if self.cell.fault == "stall" else None)
        try:
            right = self._act(driver, Container(container.name, {}, driver))
        except Exception as error:
            return _name_of(error), error
        return "done" if right else "WRONG ANSWER", None

    def _act(self, driver: Any, container: Container) -> bool:
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
        server.connect(endpoint).create_container(BUCKET)
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
