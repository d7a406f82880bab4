# SPDX-License-Identifier: Apache-2.0
"""Situations of an upload that have gone wrong somewhere once, on the machine driven by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.upload.machine import State
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.values import (
    Command,
    Confirmation,
    Failure,
    Pull,
    Send,
    Step,
)
from libcloud.storage.types import ObjectTooLargeError, SizeMismatchError
from libcloud.test.storage.transfer.upload.by_hand import (
    ATTEMPTS,
    BUSY,
    ERROR,
    GONE,
    LIMITS,
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


@pytest.mark.parametrize("keep", [False, True])
def test_a_complete_refused_by_the_store_is_aborted_unless_kept(keep: bool) -> None:
    upload = completing(keep=keep)
    fail(upload, REFUSED, Step.COMPLETE)
    if not keep:
        do(upload, Step.ABORT)
    assert ended(upload)
    assert upload.left_behind is keep
    assert upload.error is ERROR


def test_a_lost_put_is_confirmed_by_head() -> None:
    upload = machine()
    pull(upload, 5, last=True)
    fail(upload, UNHEARD, Step.PUT)
    assert fail(upload, TAKEN, Step.PUT) is None
    do(upload, Step.CONFIRM)
    assert ended(upload)
    assert (upload.error, upload.result) == (None, STORED)


def test_a_lost_put_over_another_object_is_an_error() -> None:
    upload = machine()
    pull(upload, 5, last=True)
    fail(upload, UNHEARD, Step.PUT)
    fail(upload, TAKEN, Step.PUT)
    upload.succeeded(sent(upload, Step.CONFIRM), (Confirmation.ABSENT, None))
    assert ended(upload)
    assert upload.error is TAKEN.error
    assert not upload.outcome_unknown


def test_a_first_412_is_an_error_without_head() -> None:
    upload = machine()
    pull(upload, 5, last=True)
    fail(upload, TAKEN, Step.PUT)
    assert ended(upload)
    assert upload.error is TAKEN.error


def test_a_complete_repeated_after_an_error_response_trusts_the_condition() -> None:
    upload = completing()
    fail(upload, BUSY, Step.COMPLETE)
    fail(upload, TAKEN, Step.COMPLETE)
    do(upload, Step.ABORT)
    assert ended(upload)
    assert upload.error is TAKEN.error


def test_a_complete_that_always_fails_is_aborted() -> None:
    upload = completing()
    for _ in range(ATTEMPTS):
        fail(upload, BUSY, Step.COMPLETE)
    do(upload, Step.ABORT)
    assert ended(upload)
    assert upload.error is ERROR
    assert not upload.outcome_unknown


@pytest.mark.parametrize("failures", [[REFUSED], [BUSY] * ATTEMPTS])
def test_no_such_upload_for_an_abort_after_a_complete_may_mean_published(
    failures: Sequence[Failure],
) -> None:
    upload = completing()
    for failure in failures:
        fail(upload, failure, Step.COMPLETE)
    assert fail(upload, GONE, Step.ABORT) is None
    do(upload, Step.CONFIRM)
    assert ended(upload)
    assert (upload.error, upload.result) == (ERROR, STORED)


def test_no_such_upload_for_an_abort_without_an_object_counts_as_aborted() -> None:
    upload = completing()
    fail(upload, REFUSED, Step.COMPLETE)
    fail(upload, GONE, Step.ABORT)
    upload.succeeded(sent(upload, Step.CONFIRM), (Confirmation.ABSENT, None))
    fail(upload, GONE, Step.ABORT)
    assert ended(upload)
    assert (upload.outcome_unknown, upload.left_behind) == (False, False)


def test_no_such_upload_before_any_complete_is_a_failure() -> None:
    upload = sending()
    upload.cancel(ERROR)
    fail(upload, GONE, Step.ABORT)
    assert ended(upload)
    assert (upload.left_behind, upload.cleanup_error) == (False, None)


def test_an_aborted_upload_that_the_store_does_not_know_has_no_parts() -> None:
    upload = sending()
    pull(upload)
    fail(upload, UNHEARD, Step.PART, 2)
    fail(upload, REFUSED, Step.PART, 2)
    do(upload, Step.ABORT)
    fail(upload, GONE, Step.CHECK)
    assert ended(upload)
    assert not upload.left_behind


def test_a_lost_create_may_leave_an_upload_of_unknown_id() -> None:
    upload = machine()
    pull(upload)
    fail(upload, UNHEARD, Step.CREATE)
    assert upload.orphan_possible
    do(upload, Step.CREATE)
    assert upload.state is State.SENDING


def test_a_create_with_a_response_leaves_none() -> None:
    upload = machine()
    pull(upload)
    fail(upload, BUSY, Step.CREATE)
    do(upload, Step.CREATE)
    assert not upload.orphan_possible


def test_a_failed_clean_up_names_what_may_remain() -> None:
    upload = sending()
    upload.cancel(ERROR)
    sent(upload, Step.ABORT)
    interrupt = KeyboardInterrupt()
    upload.give_up(interrupt)
    assert ended(upload)
    assert (upload.error, upload.cleanup_error) == (ERROR, interrupt)
    assert (upload.left_behind, upload.upload_id) == (True, "id")


def test_an_abandoned_create_can_leave_an_upload() -> None:
    upload = machine()
    pull(upload)
    sent(upload, Step.CREATE)
    upload.give_up(KeyboardInterrupt())
    assert ended(upload)
    assert (upload.orphan_possible, upload.left_behind) == (True, False)


@pytest.mark.parametrize(("sizes", "expected"), [((10, 9), 20), ((10, 10), 25), ((3,), 4)])
def test_a_source_with_less_than_it_promised_publishes_nothing(
    sizes: tuple[int, ...], expected: int
) -> None:
    upload = machine(expected_size=expected)
    for size in sizes[:-1]:
        pull(upload, size)
        do(upload, Step.CREATE)
        do(upload, Step.PART, 1)
    pull(upload, sizes[-1], last=True)
    if len(sizes) > 1:
        do(upload, Step.ABORT)
    assert ended(upload)
    assert isinstance(upload.error, SizeMismatchError)
    assert f"only {sum(sizes)}" in str(upload.error)


def test_a_source_with_more_than_it_promised_is_stopped_as_soon_as_that_shows() -> None:
    upload = sending(expected_size=15)
    pull(upload, 10)
    do(upload, Step.ABORT)
    assert ended(upload)
    assert "20 or more" in str(upload.error)


def test_a_source_with_what_it_promised_is_published() -> None:
    upload = completing(expected_size=30)
    do(upload, Step.COMPLETE)
    assert upload.state is State.DONE


@pytest.mark.parametrize(
    "limits",
    [replace(LIMITS, max_parts=3), replace(LIMITS, max_object_size=30)],
    ids=["parts", "bytes"],
)
def test_a_source_beyond_the_limits_is_rejected_before_the_store_does(limits: Limits) -> None:
    upload = sending(plan=PartPlan(limits, 10))
    number = pull(upload)
    do(upload, Step.PART, number)
    pull(upload)
    do(upload, Step.ABORT)
    assert ended(upload)
    assert isinstance(upload.error, ObjectTooLargeError)
    assert "30 bytes" in str(upload.error)
    assert "ex_size_hint" in str(upload.error)


def test_a_source_of_just_the_largest_size_fits() -> None:
    upload = completing(plan=PartPlan(replace(LIMITS, max_parts=3, max_object_size=30), 10))
    do(upload, Step.COMPLETE)
    assert upload.error is None


def test_an_object_too_large_for_one_request_is_an_upload_of_one_part() -> None:
    upload = machine(plan=PartPlan(replace(LIMITS, max_put_size=9), 10))
    pull(upload, last=True)
    do(upload, Step.CREATE)
    do(upload, Step.PART, 1)
    do(upload, Step.COMPLETE)
    assert ended(upload)
    assert upload.error is None


def test_the_last_part_is_no_larger_than_the_largest_object_allows() -> None:
    upload = sending(plan=PartPlan(replace(LIMITS, max_object_size=17), 10))
    assert upload.poll() == Pull(2, 7)


def test_responses_to_unsent_requests_are_rejected() -> None:
    upload = sending()
    before: Command = upload.poll()
    answer(upload, Send(Step.COMPLETE))
    assert upload.failed(Send(Step.PART, 7), REFUSED) is None
    assert upload.poll() == before
    assert (upload.error, upload.result) == (None, None)


def test_a_window_has_room_for_a_part() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        machine(window=0)


def test_bytes_done_are_those_that_the_store_has() -> None:
    upload = sending()
    pull(upload)
    assert (upload.bytes_done, upload.size) == (10, 20)
    do(upload, Step.PART, 2)
    assert upload.bytes_done == 20
