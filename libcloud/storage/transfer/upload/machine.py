# SPDX-License-Identifier: Apache-2.0
"""The decisions of an upload: a state machine without I/O, clock, thread or socket.

A runner calls :meth:`UploadMachine.poll` for the next command, carries it out, and reports the
result through :meth:`~UploadMachine.pulled`, :meth:`~UploadMachine.succeeded` or
:meth:`~UploadMachine.failed`. The table of states and events is in ``states.py``, with the theory
of operation; this module decides which event a result amounts to.

The rules it follows, each of them a named test in ``test_machine.py``:

1. One Create. Parts are numbered 1 to n without a gap. Complete lists them all, after the end of
   the source.
2. No part is pulled without a free slot: at most ``window`` parts, and ``memory`` bytes, are held,
   and no more are in flight than the concurrency limiter allows. Only an upload that holds nothing
   waits for memory.
3. A request is attempted as often as the policy allows; a permanent error is not retried.
4. Abort only when nothing is in flight, and never while a Complete is unanswered. If parts may have
   arrived late, the parts are listed, and the upload is aborted again.
5. If the response to a publishing request is lost, a HEAD request settles the outcome, or it is
   reported as unknown.
6. The first error is raised; errors of the clean-up are attached to it.
7. A cancelled upload aborts like a failed one.
8. The machine always terminates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from libcloud.storage.transfer.budget import Share
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.plan import PartPlan, size_error
from libcloud.storage.transfer.upload.states import (
    CLEAN_UP,
    PUBLISHING,
    PULLING,
    TRANSITIONS,
    Event,
    State,
)
from libcloud.storage.transfer.values import (
    Await,
    Command,
    Confirmation,
    Failure,
    PartReceipt,
    Pull,
    Send,
    Step,
    Stop,
    StoredObject,
    Wait,
)

__all__ = ["State", "UploadMachine"]

_WAIT = Wait()
_STOP = Stop()


class UploadMachine:
    """One upload.

    :param plan: sizes of the parts.
    :param window: parts held at once.
    :param memory: bytes held at once; one part is held even if it is larger. ``None``: no bound.
    :param share: share of a memory budget that uploads have in common; ``None``: no budget.
    :param keep: a failed upload stays in the store, to be resumed.
    :param expected_size: bytes that the source must have; any other size is an error before
        Complete.
    :param upload_id: of the upload to resume; ``None``: a new one.

    ``state`` is the current state, ``size`` has the bytes taken from the source so far,
    ``parts_pulled`` the parts, and ``bytes_done`` the bytes that the store has confirmed. ``share``
    is to be closed after the end. At the end, these are set: ``result`` (what was published),
    ``error`` (the first), ``cleanup_error`` (the first of the clean-up, or an interrupt during
    it), ``outcome_unknown`` (it may have been published), ``left_behind`` (the upload
    ``upload_id`` may remain in the store) and ``orphan_possible`` (the response to a Create was
    lost: an upload of unknown id may remain).
    """

    def __init__(
        self,
        plan: PartPlan,
        *,
        window: int = 4,
        memory: int | None = None,
        share: Share | None = None,
        retries: Retries | None = None,
        keep: bool = False,
        expected_size: int | None = None,
        upload_id: str | None = None,
    ) -> None:
        if window < 1:
            raise ValueError(f"the window is at least 1 part, not {window}")
        self.window = window
        self._plan = plan
        self._memory = memory
        self.share = share
        self._retries = retries or Retries()
        self.keep = keep
        self._expected_size = expected_size

        self.state = State.READING_FIRST
        self.upload_id = upload_id
        self.size = 0
        self.parts_pulled = 0
        self.bytes_done = 0
        self.result: StoredObject | None = None
        self.error: BaseException | None = None
        self.cleanup_error: BaseException | None = None
        self.outcome_unknown = False
        self.left_behind = False
        self.orphan_possible = False

        self._ready: deque[Send] = deque()
        self._in_flight: dict[tuple[Step, int], int] = {}  # the limiter's epoch when it was sent
        self._held: dict[int, int] = {}  # part number -> size; pulled and not yet confirmed
        self._receipts: dict[int, PartReceipt] = {}
        self._ended = False
        self._publish_open = False  # a PUT or Complete may have taken effect unseen
        self._part_open = False  # a part may arrive after its response was lost
        self._publish_failed = False  # the error is from a publishing request
        self._complete_sent = False
        self._confirm_cause: Failure | None = None
        self._aborts = 0

    # Queries of the runner.

    @property
    def limit(self) -> int:
        """Parts that may be held and in flight now: the window, or fewer if the store throttles."""
        return self._retries.limiter.limit(self.window)

    @property
    def receipts(self) -> Sequence[PartReceipt]:
        """Parts that the store has confirmed, in order."""
        return [self._receipts[number] for number in sorted(self._receipts)]

    def poll(self) -> Command:
        """The next command."""
        ready, in_flight = self._ready, self._in_flight
        if ready and (ready[0].step is not Step.PART or len(in_flight) < self.limit):
            send = ready.popleft()
            in_flight[send.step, send.number] = self._retries.limiter.epoch
            self._aborts += send.step is Step.ABORT and send.attempt == 1
            self._complete_sent = self._complete_sent or send.step is Step.COMPLETE
            return send
        size = 0 if self._ended else self._next_size()
        if size and (self.share is None or self.share.reserve(size)):
            return Pull(self.parts_pulled + 1, size)
        if size and not self._held:
            return Await(size)
        return _WAIT if in_flight else _STOP

    def _next_size(self) -> int:
        """Bytes of the part to pull now; 0 if none must be pulled."""
        if self.error is not None or self.state not in PULLING:
            return 0
        if self._held and len(self._held) >= self.limit:
            return 0
        plan, expected = self._plan, self._expected_size
        size, room = plan.size_of(self.parts_pulled + 1), plan.limits.max_object_size - self.size
        size = room if room < size else size
        if expected is not None and expected - self.size < size:
            # No memory is reserved for what cannot come; one byte more shows a longer source.
            size = expected - self.size + 1
        if self._held and self._memory is not None:
            held = sum(self._held.values())
            if held and held + size > self._memory:
                return 0
        return size

    # Reports of the runner.

    def pulled(self, size: int, last: bool) -> None:
        """The source delivered the part that was requested; with the ``last`` one, it has ended."""
        self.parts_pulled += 1
        self.size += size
        self._ended = last
        self._held[self.parts_pulled] = size
        if self.share is not None:
            self.share.fill(size)
        error, expected = None, self._expected_size
        if not last or (expected is not None and expected != self.size):
            error = size_error(
                self._plan, self.parts_pulled, self.size, ended=last, expected=expected
            )
        if error is not None:
            self._fail(error)
        elif self.upload_id is not None:
            if self.state is State.READING_FIRST:
                self._move(Event.UPLOAD_ATTACHED)
            self._ready.append(Send(Step.PART, self.parts_pulled))
        elif self.parts_pulled == 1:
            one = last and size <= self._plan.limits.max_put_size
            self._move(Event.STREAM_FITS_ONE_PART if one else Event.FIRST_PART_FULL)

    def succeeded(self, send: Send, response: Any) -> None:
        """The store accepted the request; ``response`` is what the method of the port returns."""
        step, number = send.step, send.number
        epoch = self._in_flight.get((step, number))
        if epoch is None:
            return
        # Recorded first: a cancel between any two of these lines finds what the store holds.
        if type(response) is StoredObject:
            self.result = response
        elif type(response) is PartReceipt:
            self._receipts[number] = response
        elif step is Step.CREATE:
            self.upload_id = str(response)
        del self._in_flight[step, number]
        self._retries.succeeded(epoch)
        size = self._held.pop(number, 0)
        self.bytes_done = self.bytes_done + size if self.result is None else self.result.size
        if size and self.share is not None:
            self.share.give(size)
        if step in (Step.ABORT, Step.CHECK):
            self._after_cleanup(send, parts_remain=bool(response))
        elif step is Step.CONFIRM:
            self._confirmed(*response)
        elif self.error is not None:
            self._clean_up()
        elif step in PUBLISHING:
            self._move(Event.OBJECT_PUBLISHED)
        else:
            if step is Step.CREATE:
                self._move(Event.UPLOAD_CREATED)
                self._ready.extend(Send(Step.PART, number) for number in self._held)
            if self._ended and not self._held:
                self._move(Event.ALL_PARTS_STORED)

    def failed(self, send: Send, failure: Failure) -> Send | None:
        """The store rejected the request, or did not respond; returns the one to retry."""
        if (send.step, send.number) not in self._in_flight:
            return None
        if failure.contradicted or failure.effect_unknown:
            self._publish_open = self._publish_open or send.step in PUBLISHING
        if failure.effect_unknown:
            self._part_open = self._part_open or send.step is Step.PART
            self.orphan_possible = self.orphan_possible or send.step is Step.CREATE
        epoch = self._in_flight.pop((send.step, send.number))
        if failure.throttled:
            self._retries.limiter.throttled(epoch, self.window)
        if send.step in (Step.ABORT, Step.CHECK, Step.CONFIRM):
            return self._cleanup_failed(send, failure)
        refused = failure.upload_gone or (failure.condition_failed and self._publish_open)
        if self.error is not None:
            self._clean_up()
        elif refused and send.attempt > 1 and send.step in PUBLISHING:
            self._confirm(failure)  # an earlier attempt seems to have succeeded
        else:
            again = self._retry(send, failure)
            if again is not None:
                return again
            # An exit of the request's thread is raised, whatever the store says.
            wanted = isinstance(failure.error, Exception)
            if wanted and send.step in PUBLISHING and self._publish_open:
                self._confirm(failure)
            else:
                self._fail(failure.error)
        return None

    def cancel(self, error: BaseException) -> None:
        """Stop because of ``error``, raised on the caller's side, while nothing is in flight."""
        self._in_flight.clear()
        self._remember(error)
        if self.state is not State.FAILED:
            self._fail(error)

    def give_up(self, error: BaseException) -> None:
        """Stop the clean-up as well: ``error`` was raised during it."""
        self.orphan_possible = self.orphan_possible or (Step.CREATE, 0) in self._in_flight
        self._ready.clear()
        self._in_flight.clear()
        self._remember(error)
        self.left_behind = self.left_behind or self.upload_id is not None
        self._move(Event.GAVE_UP)

    # Decisions.

    def _move(self, event: Event) -> None:
        """Follow the table; this is the only place where the state changes."""
        # Any other event is a KeyError, and a bug in the engine.
        self.state, request = TRANSITIONS[self.state].get(event) or CLEAN_UP[event]
        if request is not None:
            self._ready.append(Send(request))

    def _retry(self, send: Send, failure: Failure) -> Send | None:
        delay = self._retries.delay_after(send.attempt, failure, cleanup=self.error is not None)
        if delay is None:
            return None
        again = replace(send, attempt=send.attempt + 1, delay=delay)
        self._ready.append(again)
        return again

    def _confirm(self, cause: Failure) -> None:
        self._confirm_cause = cause
        self._move(Event.OUTCOME_AMBIGUOUS)

    def _confirmed(self, verdict: Confirmation, stored: StoredObject | None) -> None:
        """Continue after the store was asked whether the object exists."""
        cause, self._confirm_cause = self._confirm_cause, None
        if verdict is Confirmation.STORED:
            self.result = stored
            self.bytes_done = stored.size if stored is not None else self.bytes_done
            if self._publish_failed:
                self.error = None
            self._move(Event.OBJECT_FOUND if self.error is None else Event.NOTHING_TO_ABORT)
            return
        if cause is not None and cause.contradicted:
            self._complete_sent = False  # a second HEAD would have the same result
        # There is no cause when an abort found the upload gone, or the caller cancelled.
        responded = not (self._publish_open if cause is None else cause.effect_unknown)
        if verdict is Confirmation.ABSENT and (responded or self.upload_id is None):
            # The store has responded and the object does not exist: the lost request did nothing.
            self._publish_open = False
        else:
            self.left_behind = self.upload_id is not None
            self.outcome_unknown = True
        if self.error is None and cause is not None:
            self.error = cause.error
            self._publish_failed = True
        self._clean_up()

    def _fail(self, error: BaseException) -> None:
        """Remember the first error and clean up, once nothing is in flight."""
        if self.error is None:
            self.error = error
        self._ready.clear()
        self._clean_up()

    def _remember(self, error: BaseException) -> None:
        """Keep the first error as the error; of later ones, an interrupt takes precedence."""
        if self.error is None:
            self.error = error
        elif error is self.error:
            return
        elif self.cleanup_error is None or not isinstance(error, Exception):
            self.cleanup_error = error

    def _clean_up(self) -> None:
        """Decide how to clean up what the store may hold."""
        if self._in_flight:
            self._move(Event.REQUESTS_IN_FLIGHT)
        elif self.result is not None or self.outcome_unknown or self.upload_id is None:
            self._move(Event.NOTHING_TO_ABORT)
        elif self._publish_open:
            self._move(Event.MAY_BE_PUBLISHED)
        elif self.keep:
            self.left_behind = True
            self._move(Event.UPLOAD_TO_KEEP)
        else:
            self._move(Event.UPLOAD_TO_ABORT)

    def _after_cleanup(self, send: Send, parts_remain: bool) -> None:
        if send.step is Step.ABORT and parts_remain:  # the store has no request to remove them
            self.left_behind = True
            self._move(Event.ABORT_FINISHED)
        elif send.step is Step.ABORT and self._part_open:
            self._move(Event.PARTS_MAY_BE_LATE)
        elif parts_remain and self._aborts < self._retries.policy.attempts:
            self._clean_up()
        else:
            self.left_behind = parts_remain
            self._move(Event.ABORT_FINISHED)

    def _cleanup_failed(self, send: Send, failure: Failure) -> Send | None:
        if failure.upload_gone and send.step is Step.ABORT and self._complete_sent:
            # Gone after an error response to Complete: it may have been published.
            self._complete_sent = False
            self._move(Event.MAY_BE_PUBLISHED)
            return None
        if failure.upload_gone and send.step is not Step.CONFIRM:
            self._move(Event.ABORT_FINISHED)
            return None
        again = self._retry(send, failure)
        if again is None:
            self.cleanup_error = self.cleanup_error or failure.error
            if send.step is Step.CONFIRM:
                self._confirmed(Confirmation.UNCLEAR, None)
            else:
                self.left_behind = True
                self._move(Event.ABORT_FINISHED)
        return again
