# SPDX-License-Identifier: Apache-2.0
"""The eight rules of the machine, one by one, driven by hand.

``test_walk.py`` beside this goes through every situation that there can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy
from libcloud.storage.transfer.upload.machine import State, UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.values import (
    Confirmation,
    Failure,
    Pull,
    Send,
    Step,
    Stop,
    Wait,
)
from libcloud.storage.types import SizeMismatchError
from libcloud.test.storage.transfer.upload.by_hand import (
    ATTEMPTS,
    BUSY,
    CONTRADICTED,
    ERROR,
    GONE,
    LIMITS,
    LOST,
    REFUSED,
    STORED,
    TAKEN,
    UNHEARD,
    answer,
    completing,
    do,
    ended,
    fail,
    machine,
    pull,
    sending,
    sent,
)


def test_rule_1_one_create_parts_without_a_gap_and_complete_after_the_end() -> None:
    upload = machine(window=9)
    numbers = [pull(upload)]
    create = sent(upload, Step.CREATE)
    numbers += [pull(upload) for _ in range(3)] + [pull(upload, 5, last=True)]
    assert upload.poll() == Wait()
    answer(upload, create)
    sends = [sent(upload, Step.PART, number) for number in numbers]
    for send in reversed(sends):
        assert upload.poll() == Wait()
        answer(upload, send)
    assert [part.number for part in upload.receipts] == numbers == [1, 2, 3, 4, 5]
    do(upload, Step.COMPLETE)
    assert ended(upload)
    assert (upload.state, upload.result, upload.error) == (State.DONE, STORED, None)


def test_rule_1_nothing_is_completed_while_the_source_yields() -> None:
    upload = sending()
    for _ in range(3):
        number = pull(upload)
        do(upload, Step.PART, number)
    assert isinstance(upload.poll(), Pull)


def test_rule_1_a_source_of_one_part_is_one_request() -> None:
    upload = machine()
    pull(upload, 7, last=True)
    do(upload, Step.PUT)
    assert ended(upload)
    assert upload.result == STORED
    assert upload.upload_id is None


def test_rule_2_no_part_is_pulled_without_a_free_slot() -> None:
    upload = machine(window=2)
    pull(upload)
    create = sent(upload, Step.CREATE)
    pull(upload)
    assert upload.poll() == Wait()
    answer(upload, create)
    first = sent(upload, Step.PART, 1)
    sent(upload, Step.PART, 2)
    assert upload.poll() == Wait()
    answer(upload, first)
    assert upload.poll() == Pull(3, 10)


def test_rule_2_a_part_that_is_to_be_sent_again_keeps_its_slot() -> None:
    upload = machine(window=1)
    pull(upload)
    do(upload, Step.CREATE)
    fail(upload, BUSY, Step.PART, 1)
    again = sent(upload, Step.PART, 1)
    assert upload.poll() == Wait()
    answer(upload, again)
    assert isinstance(upload.poll(), Pull)


@pytest.mark.parametrize(
    ("memory", "held"), [(None, 4), (40, 4), (39, 3), (20, 2), (19, 1), (1, 1)]
)
def test_rule_2_memory_bounds_the_parts_held(memory: int | None, held: int) -> None:
    upload = machine(window=4, memory=memory)
    pulled = 0
    while isinstance(upload.poll(), Pull):
        upload.pulled(10, False)
        pulled += 1
        if pulled == 1:
            sent(upload, Step.CREATE)
    assert pulled == held


def test_rule_2_the_window_narrows_as_parts_grow() -> None:
    plan = PartPlan(LIMITS, 10, ratio=1.5, flat=1)
    upload = machine(plan, window=4, memory=60)
    at_once = []
    pull(upload)
    do(upload, Step.CREATE)
    for _ in range(4):
        while isinstance(command := upload.poll(), Pull):
            upload.pulled(command.size, False)
            at_once.append(sum(upload._held.values()))
        flying = [send for send in upload._in_flight if send[0] is Step.PART]
        assert isinstance(command, Send) or flying
        while isinstance(command, Send):
            answer(upload, command)
            command = upload.poll() if upload._ready else Wait()
    assert max(at_once) <= 60
    assert plan.size_of(7) > 60  # larger than the memory: held alone, but held
    assert upload.parts_pulled >= 4


def test_rule_3_a_request_is_tried_as_often_as_the_policy_allows() -> None:
    upload = sending()
    pull(upload)
    delays = []
    for attempt in (2, 3):
        again = fail(upload, BUSY, Step.PART, 2)
        assert again is not None
        assert again.attempt == attempt
        delays.append(again.delay)
    assert delays == [0.5, 1.0]
    assert fail(upload, BUSY, Step.PART, 2) is None
    assert upload.error is ERROR
    do(upload, Step.ABORT)
    assert ended(upload)


def test_rule_3_a_permanent_error_is_not_repeated() -> None:
    upload = sending()
    pull(upload)
    assert fail(upload, REFUSED, Step.PART, 2) is None
    do(upload, Step.ABORT)
    assert upload.error is ERROR


def test_rule_3_an_empty_budget_ends_the_repeating_but_not_the_clean_up() -> None:
    retries = Retries(RetryPolicy(9), RetryBudget(5, cost=5), random=lambda: 0.5)
    upload = machine(retries=retries)
    pull(upload)
    assert fail(upload, BUSY, Step.CREATE) is not None
    do(upload, Step.CREATE)
    assert fail(upload, BUSY, Step.PART, 1) is None
    for _ in range(8):
        assert fail(upload, BUSY, Step.ABORT) is not None
    do(upload, Step.ABORT)
    assert ended(upload)
    assert not upload.left_behind


def test_rule_4_abort_waits_for_what_is_in_flight() -> None:
    upload = machine(window=3)
    pull(upload)
    do(upload, Step.CREATE)
    first = sent(upload, Step.PART, 1)
    pull(upload)
    second = sent(upload, Step.PART, 2)
    pull(upload)
    third = sent(upload, Step.PART, 3)
    upload.failed(second, REFUSED)
    assert upload.poll() == Wait()
    answer(upload, first)
    assert upload.poll() == Wait()
    upload.failed(third, BUSY)
    do(upload, Step.ABORT)
    assert ended(upload)


def test_rule_4_nothing_new_is_sent_or_pulled_after_a_failure() -> None:
    upload = machine(window=3)
    pull(upload)
    create = sent(upload, Step.CREATE)
    pull(upload)
    answer(upload, create)
    first = sent(upload, Step.PART, 1)
    upload.failed(first, REFUSED)
    do(upload, Step.ABORT)  # part 2 was ready, and is forgotten
    assert ended(upload)


def test_rule_4_a_create_with_a_late_response_is_aborted_too() -> None:
    upload = machine(window=2, expected_size=15)
    pull(upload)
    create = sent(upload, Step.CREATE)
    pull(upload, 10)
    assert isinstance(upload.error, SizeMismatchError)
    assert upload.poll() == Wait()
    answer(upload, create)
    do(upload, Step.ABORT)
    assert ended(upload)


def test_rule_4_no_abort_while_a_complete_is_unanswered() -> None:
    upload = completing()
    for _ in range(ATTEMPTS):
        fail(upload, UNHEARD, Step.COMPLETE)
    confirm = sent(upload, Step.CONFIRM)
    upload.succeeded(confirm, (Confirmation.ABSENT, None))
    assert ended(upload)
    assert (upload.outcome_unknown, upload.left_behind) == (True, True)
    assert upload.error is LOST


def test_rule_4_if_a_part_may_land_late_parts_are_listed_and_aborted_again() -> None:
    upload = sending()
    pull(upload)
    fail(upload, UNHEARD, Step.PART, 2)
    fail(upload, REFUSED, Step.PART, 2)
    for _ in range(ATTEMPTS - 1):
        do(upload, Step.ABORT)
        upload.succeeded(sent(upload, Step.CHECK), True)
    do(upload, Step.ABORT)
    do(upload, Step.CHECK)
    assert ended(upload)
    assert not upload.left_behind


def test_rule_4_the_aborting_ends_although_parts_remain() -> None:
    upload = sending()
    pull(upload)
    fail(upload, UNHEARD, Step.PART, 2)
    fail(upload, REFUSED, Step.PART, 2)
    for _ in range(ATTEMPTS):
        do(upload, Step.ABORT)
        upload.succeeded(sent(upload, Step.CHECK), True)
    assert ended(upload)
    assert upload.left_behind


def test_rule_4_parts_that_no_request_removes_are_reported() -> None:
    upload = sending()
    pull(upload)
    fail(upload, REFUSED, Step.PART, 2)
    upload.succeeded(sent(upload, Step.ABORT), True)
    assert ended(upload)
    assert upload.left_behind
    assert upload.cleanup_error is None


@pytest.mark.parametrize("first", [UNHEARD, BUSY])
def test_rule_5_no_such_upload_after_a_complete_is_settled_by_head(first: Failure) -> None:
    upload = completing()
    fail(upload, first, Step.COMPLETE)
    assert fail(upload, GONE, Step.COMPLETE) is None
    do(upload, Step.CONFIRM)
    assert ended(upload)
    assert (upload.error, upload.result, upload.state) == (None, STORED, State.DONE)


def test_rule_5_no_such_upload_at_the_first_complete_is_an_error() -> None:
    upload = completing()
    fail(upload, GONE, Step.COMPLETE)
    assert upload.error is GONE.error


@pytest.mark.parametrize(
    ("verdict", "unknown"),
    [(Confirmation.STORED, False), (Confirmation.ABSENT, True), (Confirmation.UNCLEAR, True)],
)
def test_rule_5_lost_responses_to_complete(verdict: Confirmation, unknown: bool) -> None:
    upload = completing()
    for _ in range(ATTEMPTS):
        fail(upload, UNHEARD, Step.COMPLETE)
    found = STORED if verdict is Confirmation.STORED else None
    upload.succeeded(sent(upload, Step.CONFIRM), (verdict, found))
    assert ended(upload)
    assert upload.outcome_unknown is unknown
    assert (upload.result is None) is unknown
    assert (upload.error is None) is not unknown


def test_rule_5_a_response_about_other_data_is_checked() -> None:
    upload = completing()
    fail(upload, CONTRADICTED, Step.COMPLETE)
    do(upload, Step.CONFIRM)
    assert ended(upload)
    assert (upload.error, upload.result) == (None, STORED)


def test_rule_5_other_data_that_are_there_are_the_error_and_no_unknown_outcome() -> None:
    upload = completing()
    fail(upload, CONTRADICTED, Step.COMPLETE)
    upload.succeeded(sent(upload, Step.CONFIRM), (Confirmation.ABSENT, None))
    fail(upload, GONE, Step.ABORT)
    assert ended(upload)
    assert upload.error is CONTRADICTED.error
    assert not upload.outcome_unknown
    assert not upload.left_behind


def test_rule_5_a_request_that_arrived_damaged_is_repeated() -> None:
    upload = machine()
    pull(upload, last=True)
    for _ in range(ATTEMPTS - 1):
        assert fail(upload, replace(CONTRADICTED, transient=True), Step.PUT) is not None
    fail(upload, replace(CONTRADICTED, transient=True), Step.PUT)
    upload.succeeded(sent(upload, Step.CONFIRM), (Confirmation.ABSENT, None))
    assert ended(upload)
    assert upload.error is CONTRADICTED.error


def test_rule_5_a_failed_head_leaves_the_outcome_unknown() -> None:
    upload = completing()
    for _ in range(ATTEMPTS):
        fail(upload, UNHEARD, Step.COMPLETE)
    for _ in range(ATTEMPTS):
        fail(upload, BUSY, Step.CONFIRM)
    assert ended(upload)
    assert (upload.outcome_unknown, upload.left_behind) == (True, True)
    assert upload.error is LOST
    assert upload.cleanup_error is ERROR


def test_rule_6_the_first_error_is_raised_with_that_of_the_clean_up_attached() -> None:
    upload = sending()
    pull(upload)
    first, second = ValueError("first"), OSError("second")
    fail(upload, Failure(first), Step.PART, 2)
    fail(upload, Failure(second), Step.ABORT)
    assert ended(upload)
    assert (upload.error, upload.cleanup_error) == (first, second)
    assert upload.left_behind


def test_rule_6_a_second_failed_part_does_not_replace_the_first_error() -> None:
    upload = machine(window=2)
    pull(upload)
    do(upload, Step.CREATE)
    one = sent(upload, Step.PART, 1)
    pull(upload)
    two = sent(upload, Step.PART, 2)
    upload.failed(two, REFUSED)
    upload.failed(one, Failure(OSError("later")))
    assert upload.error is ERROR


def _reading(upload: UploadMachine) -> None:
    """Nothing has happened yet."""


def _putting(upload: UploadMachine) -> None:
    pull(upload, 5, last=True)


def _creating(upload: UploadMachine) -> None:
    pull(upload)


def _sending(upload: UploadMachine) -> None:
    pull(upload)
    do(upload, Step.CREATE)
    sent(upload, Step.PART, 1)


def _completing(upload: UploadMachine) -> None:
    pull(upload)
    do(upload, Step.CREATE)
    do(upload, Step.PART, 1)
    pull(upload, last=True)
    do(upload, Step.PART, 2)


def _confirming(upload: UploadMachine) -> None:
    _completing(upload)
    for _ in range(ATTEMPTS):
        fail(upload, UNHEARD, Step.COMPLETE)


def _aborting(upload: UploadMachine) -> None:
    _sending(upload)
    upload.failed(Send(Step.PART, 1), REFUSED)


def _done(upload: UploadMachine) -> None:
    _completing(upload)
    do(upload, Step.COMPLETE)


def _failed(upload: UploadMachine) -> None:
    _aborting(upload)
    do(upload, Step.ABORT)


@pytest.mark.parametrize(
    ("until", "state", "cleanup"),
    [
        (_reading, State.READING_FIRST, []),
        (_putting, State.PUTTING, []),
        (_creating, State.CREATING, []),
        (_sending, State.SENDING, [Step.ABORT]),
        (_completing, State.COMPLETING, [Step.ABORT]),
        (_confirming, State.CONFIRMING, [Step.CONFIRM]),
        (_aborting, State.ABORTING, [Step.ABORT]),
        (_done, State.DONE, []),
        (_failed, State.FAILED, []),
    ],
)
def test_rule_7_a_cancel_in_any_state_cleans_up_and_is_what_is_raised(
    until: Callable[[UploadMachine], None], state: State, cleanup: Sequence[Step]
) -> None:
    upload = machine()
    until(upload)
    assert upload.state is state
    interrupt = KeyboardInterrupt()
    upload.cancel(interrupt)
    for step in cleanup:
        do(upload, step)
    assert ended(upload)
    assert upload.state is State.FAILED
    assert interrupt in (upload.error, upload.cleanup_error)
    assert not upload.left_behind


def test_rule_7_an_interrupt_of_the_clean_up_takes_precedence_over_its_errors() -> None:
    upload = sending()
    upload.cancel(ValueError("the source"))
    fail(upload, REFUSED, Step.ABORT)
    interrupt = KeyboardInterrupt()
    upload.cancel(interrupt)
    assert upload.cleanup_error is interrupt
    assert isinstance(upload.error, ValueError)


def test_rule_7_a_cancel_keeps_the_upload_if_it_is_to_be_kept() -> None:
    upload = sending(keep=True)
    upload.cancel(KeyboardInterrupt())
    assert ended(upload)
    assert upload.left_behind


@pytest.mark.parametrize("until", [_reading, _putting, _creating])
def test_rule_7_what_was_not_started_is_not_left_behind(
    until: Callable[[UploadMachine], None],
) -> None:
    upload = machine(keep=True)
    until(upload)
    upload.cancel(KeyboardInterrupt())
    assert ended(upload)
    assert not upload.left_behind


@pytest.mark.parametrize("failure", [REFUSED, BUSY, UNHEARD, GONE, TAKEN])
@pytest.mark.parametrize("until", [_putting, _creating, _sending, _completing, _confirming])
def test_rule_8_it_ends_although_everything_fails_the_same_way(
    until: Callable[[UploadMachine], None], failure: Failure
) -> None:
    upload = machine()
    until(upload)
    for step, number in list(upload._in_flight):
        upload.failed(Send(step, number), failure)
    made = 0
    while not isinstance(command := upload.poll(), Stop):
        if isinstance(command, Pull):
            upload.pulled(10, True)
        else:
            assert isinstance(command, Send)
            upload.failed(command, failure)
            made += 1
    assert made <= 4 * ATTEMPTS
    assert upload.state is State.FAILED
    assert upload.error is not None
