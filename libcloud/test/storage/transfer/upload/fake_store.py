# SPDX-License-Identifier: Apache-2.0
"""A store in memory that checks the engine's requests, and fails on demand.

What must not be asked is collected in ``violations``; :meth:`FakeStore.check` looks at them, and at
what is left in the store.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)

LIMITS = Limits(min_part_size=1, max_part_size=1000, max_parts=100, max_object_size=50_000)

T = TypeVar("T")


class Fault(Enum):
    """How a request fails."""

    REFUSED = "refused"  # answered: never
    BUSY = "busy"  # answered: not now
    TAKEN = "taken"  # answered: a condition does not hold
    LOST = "lost"  # no answer; nothing was done
    UNHEARD = "unheard"  # no answer; it was done
    LATE = "late"  # no answer; a part, that lands while the upload is being aborted


_NO_ANSWER = (Fault.LOST, Fault.UNHEARD, Fault.LATE)


@dataclass(frozen=True)
class Raised:
    """An exception of the request itself, such as an interrupt.

    :param after: the request was done before.
    """

    error: BaseException
    after: bool = False


@dataclass(frozen=True)
class Call:
    """A request that was made; ``number`` is 0 but for parts."""

    step: Step
    number: int = 0

    def __str__(self) -> str:
        return f"{self.step.value} {self.number}" if self.number else self.step.value


# For each request, what happens to its attempts: the first, the second... None: it succeeds.
Faults = Mapping[Call, Sequence[Fault | Raised | None]]


class StoreError(Exception):
    """What the store says, or does not say."""

    def __init__(self, text: str, meaning: Fault | None = None, *, gone: bool = False) -> None:
        super().__init__(text)
        self.meaning = meaning
        self.gone = gone


class FakeStore:
    """One object of a store.

    :param during: called in the middle of each request, without a lock.
    """

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        limits: Limits = LIMITS,
        during: Callable[[Call], object] | None = None,
    ) -> None:
        self.object: bytes | None = None
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.orphans: set[str] = set()  # their ids were never heard
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.most_in_flight = 0
        self.digests = 0
        self._faults = faults or {}
        self._limits = limits
        self._during = during
        self._lock = threading.RLock()
        self._flying: list[Call] = []
        self._attempts: Counter[Call] = Counter()
        self._sent: dict[tuple[str, int], bytes] = {}
        self._late: dict[str, dict[int, bytes]] = {}
        self._created = 0
        self._complete_unanswered = False
        self._put_etag = ""

    # What tests ask.

    def steps(self) -> list[str]:
        """The requests so far: ``["create", "part 1", ...]``."""
        return [str(call) for call in self.calls]

    def check(self) -> None:
        """Nothing was asked that must not be, and nothing is going on."""
        assert not self.violations, (self.violations, self.steps())
        assert not self._flying

    @property
    def left(self) -> set[str]:
        """Uploads that remain and whose ids were received."""
        return set(self.uploads) - self.orphans

    # PartStore.

    def digest(self, body: Body) -> Digest:
        self.digests += 1
        crc = zlib.crc32(bytes(body))
        return Digest({"crc": str(crc)}, "crc32", crc.to_bytes(4, "big"))

    def put(self, body: Body, digest: Digest) -> StoredObject:
        self._check_body("", 0, body, digest)
        etag = self._put_etag = _md5(bytes(body))

        def do() -> StoredObject:
            self.object = bytes(body)
            return StoredObject(etag, len(body))

        return self._request(Call(Step.PUT), do)

    def create(self) -> str:
        def do() -> str:
            self._created += 1
            upload_id = f"upload-{self._created}"
            self.uploads[upload_id] = {}
            return upload_id

        return self._request(Call(Step.CREATE), do)

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        self._check_body(upload_id, number, body, digest)
        if not 1 <= number <= self._limits.max_parts:
            self._violated(f"a part has the number {number}")

        def do() -> PartReceipt:
            self._known(upload_id)[number] = bytes(body)
            return PartReceipt(number, _md5(bytes(body)), len(body), digest)

        def land_late() -> None:
            self._known(upload_id)
            self._late.setdefault(upload_id, {})[number] = bytes(body)

        return self._request(Call(Step.PART, number), do, land_late)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        def do() -> StoredObject:
            self._check_parts(self._known(upload_id), parts)
            bodies = self.uploads.pop(upload_id)
            self.object = b"".join(bodies[number] for number in sorted(bodies))
            return StoredObject(_etag_of(parts), len(self.object), len(parts))

        return self._request(Call(Step.COMPLETE), do)

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        expected = _etag_of(parts) if parts else self._put_etag

        def do() -> tuple[Confirmation, StoredObject | None]:
            if self.object is None:
                return Confirmation.ABSENT, None
            if len(self.object) != size:
                self._violated(f"asked for {size} bytes where {len(self.object)} were sent")
            return Confirmation.STORED, StoredObject(expected, size, len(parts))

        return self._request(Call(Step.CONFIRM), do)

    def abort(self, upload_id: str) -> None:
        def do() -> None:
            self._known(upload_id)
            landed = self._late.pop(upload_id, None)
            if landed:
                self.uploads[upload_id] = landed
            else:
                del self.uploads[upload_id]

        self._request(Call(Step.ABORT), do)

    def has_parts(self, upload_id: str) -> bool:
        return self._request(Call(Step.CHECK), lambda: bool(self._known(upload_id)))

    def failure(self, step: Step, error: Exception) -> Failure:
        if not isinstance(error, StoreError):
            return Failure(error)
        unheard = error.meaning in _NO_ANSWER
        return Failure(
            error,
            transient=unheard or error.meaning is Fault.BUSY,
            effect_unknown=unheard,
            upload_gone=error.gone,
            condition_failed=error.meaning is Fault.TAKEN,
            throttled=error.meaning is Fault.BUSY,
        )

    # Inside.

    def _request(
        self, call: Call, do: Callable[[], T], land_late: Callable[[], None] | None = None
    ) -> T:
        with self._lock:
            self._check_order(call)
            self.calls.append(call)
            self._flying.append(call)
            self.most_in_flight = max(self.most_in_flight, len(self._flying))
            fault = self._next_fault(call)
        try:
            if self._during is not None:
                self._during(call)
            with self._lock:
                return self._answer(call, fault, do, land_late)
        finally:
            with self._lock:
                self._flying.remove(call)

    def _answer(
        self,
        call: Call,
        fault: Fault | Raised | None,
        do: Callable[[], T],
        land_late: Callable[[], None] | None,
    ) -> T:
        if call.step is Step.COMPLETE:
            self._complete_unanswered = isinstance(fault, Raised) or fault in _NO_ANSWER
        if fault is None:
            return do()
        if fault is Fault.UNHEARD or (isinstance(fault, Raised) and fault.after):
            done = do()
            if call.step is Step.CREATE:
                self.orphans.add(str(done))
        elif fault is Fault.LATE and land_late is not None:
            land_late()
        if isinstance(fault, Raised):
            raise fault.error
        raise StoreError(f"{call}: {fault.value}", fault)

    def _next_fault(self, call: Call) -> Fault | Raised | None:
        attempt = self._attempts[call]
        self._attempts[call] += 1
        planned = self._faults.get(call, ())
        return planned[attempt] if attempt < len(planned) else None

    def _known(self, upload_id: str) -> dict[int, bytes]:
        if upload_id not in self.uploads:
            raise StoreError(f"no upload {upload_id!r}", gone=True)
        return self.uploads[upload_id]

    def _check_order(self, call: Call) -> None:
        if call in self._flying:
            self._violated(f"{call} is sent twice at once")
        alone = call.step is not Step.PART
        if self._flying and (alone or self._flying[0].step is not Step.PART):
            self._violated(f"{call} is sent beside {', '.join(map(str, self._flying))}")
        if call.step is Step.ABORT and self._complete_unanswered:
            self._violated("an abort is sent while a Complete is unanswered")

    def _check_body(self, upload_id: str, number: int, body: Body, digest: Digest) -> None:
        data = bytes(body)
        crc = int.from_bytes(digest.value, "big")
        if crc != zlib.crc32(data) or digest.headers != {"crc": str(crc)}:
            self._violated(f"the digest of part {number} is not that of its body")
        if self._sent.setdefault((upload_id, number), data) != data:
            self._violated(f"part {number} is sent again with another body")

    def _check_parts(self, stored: Mapping[int, bytes], parts: Sequence[PartReceipt]) -> None:
        if [part.number for part in parts] != sorted(stored) or not parts:
            self._violated(f"complete lists {[part.number for part in parts]}, not {list(stored)}")
        if sorted(stored) != list(range(1, len(stored) + 1)):
            self._violated(f"the parts are {sorted(stored)}")
        for part in parts:
            if part.etag != _md5(stored.get(part.number, b"")):
                self._violated(f"complete has another ETag for part {part.number}")
            if part is not parts[-1] and part.size < self._limits.min_part_size:
                self._violated(f"part {part.number} has {part.size} bytes only")
            if part.size != len(stored.get(part.number, b"")):
                self._violated(f"the size of part {part.number} is not {part.size}")

    def _violated(self, what: str) -> None:
        self.violations.append(what)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _etag_of(parts: Sequence[PartReceipt]) -> str:
    return f"{_md5(''.join(part.etag for part in parts).encode())}-{len(parts)}"
