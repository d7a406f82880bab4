# SPDX-License-Identifier: Apache-2.0
"""Scripted misbehaviour of the fake S3 server.

A rule says which request (operation, the how-manieth, anything else) and an action says what goes
wrong with it::

    server.faults.add("UploadPart", Status(503, "SlowDown"), nth=2)
    server.faults.add("CompleteMultipartUpload", LoseAnswer())
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.wire import Answer, Incoming

LONGEST_HOLD = 30.0


class Dropped(Exception):
    """The server resets the connection now."""


class Action:
    """One thing that goes wrong; every hook of this class lets the request pass."""

    def before_body(self, length: int) -> int:
        """How many bytes of the body are read; fewer than ``length`` means a reset after them.

        :raises Dropped: not even one.
        """
        return length

    def received(self, request: Incoming) -> Incoming:
        """The request as it reaches the checks."""
        return request

    def verified(self, request: Incoming) -> Incoming:
        """The request as it reaches the store, after all checks of its body."""
        return request

    def answered(self, answer: Answer) -> Answer:
        """The answer as it leaves, after the request was carried out."""
        return answer


@dataclass(frozen=True, slots=True)
class Status(Action):
    """Answer an error and do nothing.

    :param headers: may hold ``Retry-After``.
    :param extra: further elements of the document.
    """

    status: int
    code: str = "InternalError"
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    def received(self, request: Incoming) -> Incoming:
        """Refuse."""
        raise S3Error(self.status, self.code, self.message, headers=self.headers, extra=self.extra)


@dataclass(frozen=True, slots=True)
class Drop(Action):
    """Reset the connection and do nothing.

    :param when: ``"before_body"``, ``"in_body"`` (half of it is read) or ``"after_body"``.
    """

    when: str = "after_body"

    def before_body(self, length: int) -> int:
        """Stop early."""
        if self.when == "before_body":
            raise Dropped
        return length // 2 if self.when == "in_body" else length

    def received(self, request: Incoming) -> Incoming:
        """Stop late."""
        raise Dropped


@dataclass(frozen=True, slots=True)
class LoseAnswer(Action):
    """Carry the request out and reset the connection instead of answering."""

    def answered(self, answer: Answer) -> Answer:
        """Say nothing."""
        raise Dropped


@dataclass(frozen=True, slots=True)
class Truncate(Action):
    """Carry the request out and close after ``keep`` bytes of the answer's body."""

    keep: int = 0

    def answered(self, answer: Answer) -> Answer:
        """Say less than was announced."""
        return replace(answer, cut=self.keep)


@dataclass(frozen=True, slots=True)
class ErrorIn200(Action):
    """Do nothing and answer 200 with an ``<Error>`` document."""

    code: str = "InternalError"
    message: str = "We encountered an internal error. Please try again."

    def received(self, request: Incoming) -> Incoming:
        """Refuse, politely."""
        raise S3Error(200, self.code, self.message)


@dataclass(frozen=True, slots=True)
class LeadingSpace(Action):
    """White space after the XML declaration, as S3 sends it to keep a connection open."""

    count: int = 512

    def answered(self, answer: Answer) -> Answer:
        """Say it late."""
        declaration, _, rest = bytes(answer.body).partition(b"\n")
        return replace(answer, body=declaration + b"\n" + b" " * self.count + rest)


@dataclass(frozen=True, slots=True)
class WrongETag(Action):
    """Carry the request out and answer another ETag."""

    etag: str = '"00000000000000000000000000000000"'

    def answered(self, answer: Answer) -> Answer:
        """Say something else."""
        return answer.with_headers([("ETag", self.etag)])


@dataclass(frozen=True, slots=True)
class FlipBit(Action):
    """Flip the lowest bit of one byte of the body; an empty body stays as it is.

    :param where: ``"transit"``, before the digests are checked, or ``"store"``, after that; or
        ``"answer"``, in the body of the answer.
    """

    position: int = 0
    where: str = "transit"

    def _flipped(self, request: Incoming) -> Incoming:
        return replace(request, body=self._flip(request.body))

    def _flip(self, body: bytes | bytearray | memoryview) -> bytearray:
        flipped = bytearray(body)
        if flipped:
            flipped[self.position] ^= 1
        return flipped

    def received(self, request: Incoming) -> Incoming:
        """Corrupt the body on its way."""
        return self._flipped(request) if self.where == "transit" else request

    def verified(self, request: Incoming) -> Incoming:
        """Corrupt what is stored."""
        return self._flipped(request) if self.where == "store" else request

    def answered(self, answer: Answer) -> Answer:
        """Corrupt the answer on its way."""
        if self.where != "answer":
            return answer
        return replace(answer, body=self._flip(answer.body))


@dataclass(slots=True)
class Hold(Action):
    """Hold the request until ``release`` is set; ``reached`` is set when it waits.

    :param when: ``"before"`` or ``"after"`` the request is carried out.
    """

    when: str = "after"
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def _wait(self) -> None:
        self.reached.set()
        if not self.release.wait(LONGEST_HOLD):
            raise Dropped

    def verified(self, request: Incoming) -> Incoming:
        """Wait first."""
        if self.when == "before":
            self._wait()
        return request

    def answered(self, answer: Answer) -> Answer:
        """Wait last."""
        if self.when == "after":
            self._wait()
        return answer


@dataclass(frozen=True, slots=True)
class Release(Action):
    """Let go of a request that is held.

    :param flip: flip the first bit of the answer, too.
    """

    held: Hold
    flip: bool = False

    def answered(self, answer: Answer) -> Answer:
        """Let go first."""
        self.held.release.set()
        return FlipBit(0, "answer").answered(answer) if self.flip else answer


@dataclass(slots=True)
class Rule:
    """When an action is due.

    :param nth: the first request concerned, counted from 1 among those that match.
    :param times: how many requests in a row; ``None`` for all from ``nth`` on.
    :param seen: requests that matched so far.
    :param fired: requests the action was applied to.
    """

    operation: str
    action: Action
    nth: int = 1
    times: int | None = 1
    match: Callable[[Incoming], bool] | None = None
    seen: int = 0
    fired: int = 0

    def due(self, operation: str, request: Incoming) -> bool:
        """Count the request, and say whether it goes wrong."""
        if self.operation not in (operation, "*"):
            return False
        if self.match is not None and not self.match(request):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.seen >= self.nth + self.times):
            return False
        self.fired += 1
        return True


class Faults:
    """The script of a server. Of several rules that are due the one added first is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(
        self,
        operation: str,
        action: Action,
        *,
        nth: int = 1,
        times: int | None = 1,
        part: int | None = None,
        match: Callable[[Incoming], bool] | None = None,
    ) -> Rule:
        """Make the ``nth`` request of ``operation`` go wrong, and ``times - 1`` after it.

        :param operation: Amazon's name, such as ``"UploadPart"``; ``"*"`` for any.
        :param part: only requests of this part number.
        :return: the rule; its ``fired`` tells a test whether the fault took place.
        """
        if part is not None:
            match = _of_part(part, match)
        rule = Rule(operation, action, nth, times, match)
        with self._lock:
            self._rules.append(rule)
        return rule

    def use_two_connections(self, operation: str, after: int) -> None:
        """Cut the first response, and hold the next request until there is another one.

        Else, the first connection of a parallel download might fetch all.

        :param after: bytes of the body that arrive.
        """
        held = Hold("before")
        self.add(operation, Truncate(after))
        self.add(operation, held, nth=2)
        self.add(operation, Release(held), nth=3)

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._rules.clear()

    @property
    def pending(self) -> list[Rule]:
        """Rules that never fired: a test that scripted them did not test what it meant to."""
        with self._lock:
            return [rule for rule in self._rules if not rule.fired]

    def take(self, operation: str, request: Incoming) -> Action:
        """What is to go wrong with this request."""
        with self._lock:
            due = [rule.action for rule in self._rules if rule.due(operation, request)]
        return due[0] if due else Action()


def _of_part(part: int, match: Callable[[Incoming], bool] | None) -> Callable[[Incoming], bool]:
    def concerned(request: Incoming) -> bool:
        return request.query.get("partNumber") == str(part) and (match is None or match(request))

    return concerned
