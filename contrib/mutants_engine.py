# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in the machine and the runner of an upload; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_ENGINE = "libcloud/storage/transfer/upload"
_TESTS = "libcloud/test/storage/transfer/upload"


def _mutant(name: str, file: str, old: str, new: str, tests: str, caught_by: str = "") -> Mutant:
    """A bug in the engine's module ``file``, to be caught by the test modules ``tests``."""
    paths = tuple(f"{_TESTS}/test_{test}.py" for test in tests.split())
    return Mutant(name, f"{_ENGINE}/{file}.py", old, new, paths, caught_by)


_MACHINE = (
    _mutant(
        "one request, however large",
        "machine",
        "one = last and size <= self._plan.limits.max_put_size",
        "one = last",
        "situations",
        caught_by="test_an_object_too_large_for_one_request_is_an_upload_of_one_part",
    ),
    _mutant(
        "a part more than the window",
        "machine",
        "and len(self._held) >= self.limit:",
        "and len(self._held) > self.limit:",
        "machine",
        caught_by="test_rule_2_a_part_that_is_to_be_sent_again_keeps_its_slot",
    ),
    _mutant(
        "the byte after the announced size is not asked for",
        "machine",
        "size = expected - self.size + 1",
        "size = expected - self.size",
        "announced_size",
        caught_by="test_a_source_that_continues_after_the_announced_size_is_not_published",
    ),
    _mutant(
        "memory bound broken",
        "machine",
        "if held and held + size > self._memory:",
        "if held and held > self._memory:",
        "machine",
        caught_by="test_rule_2_memory_bounds_the_parts_held",
    ),
    _mutant(
        "receipts in reverse",
        "machine",
        "for number in sorted(self._receipts)",
        "for number in sorted(self._receipts, reverse=True)",
        "machine",
        caught_by="test_rule_1_one_create_parts_without_a_gap_and_complete_after_the_end",
    ),
    _mutant(
        "completed before the source has ended",
        "machine",
        "if self._ended and not self._held:",
        "if not self._held:",
        "machine",
        caught_by="test_rule_3_a_permanent_error_is_not_repeated",
    ),
    _mutant(
        "never aborting",
        "machine",
        "            self._move(Event.UPLOAD_TO_ABORT)",
        "            self._move(Event.NOTHING_TO_ABORT)",
        "machine",
        caught_by="test_rule_6_the_first_error_is_raised_with_that_of_the_clean_up_attached",
    ),
    _mutant(
        "abort while a part is in flight",
        "machine",
        "if self._in_flight:\n            self._move(Event.REQUESTS_IN_FLIGHT)\n        elif",
        "if",
        "machine",
        caught_by="test_rule_4_abort_waits_for_what_is_in_flight",
    ),
    _mutant(
        "abort while a Complete is unanswered",
        "machine",
        "        elif self._publish_open:\n            self._move(Event.MAY_BE_PUBLISHED)",
        "        elif False:\n            self._move(Event.MAY_BE_PUBLISHED)",
        "machine",
        caught_by="test_rule_7_a_cancel_in_any_state_cleans_up_and_is_what_is_raised",
    ),
    _mutant(
        "no look for a part that may land late",
        "machine",
        "if send.step is Step.ABORT and self._part_open:",
        "if False:",
        "machine",
        caught_by="test_rule_4_if_a_part_may_land_late_parts_are_listed_and_aborted_again",
    ),
    _mutant(
        "no second abort",
        "machine",
        "elif parts_remain and self._aborts < self._retries.policy.attempts:",
        "elif False:",
        "machine",
        caught_by="test_rule_4_if_a_part_may_land_late_parts_are_listed_and_aborted_again",
    ),
    _mutant(
        "a lost answer to Complete counts as a failure",
        "machine",
        "if wanted and send.step in PUBLISHING and self._publish_open:",
        "if False:",
        "machine",
        caught_by="test_rule_5_other_data_that_are_there_are_the_error_and_no_unknown_outcome",
    ),
    _mutant(
        "no such upload after a lost Complete counts as a failure",
        "machine",
        "refused = failure.upload_gone or (failure.condition_failed and self._publish_open)",
        "refused = failure.condition_failed and self._publish_open",
        "machine",
        caught_by="test_rule_5_no_such_upload_after_a_complete_is_settled_by_head",
    ),
    _mutant(
        "an error of the clean-up in the place of the first",
        "machine",
        "            self.cleanup_error = self.cleanup_error or failure.error\n",
        "            self.error = failure.error\n",
        "machine",
        caught_by="test_rule_5_a_failed_head_leaves_the_outcome_unknown",
    ),
    _mutant(
        "an interrupt swallowed by the error before it",
        "machine",
        "elif self.cleanup_error is None or not isinstance(error, Exception):",
        "elif False:",
        "machine",
        caught_by="test_rule_7_an_interrupt_of_the_clean_up_takes_precedence_over_its_errors",
    ),
    _mutant(
        "an upload left behind and not said to be",
        "machine",
        "            else:\n                self.left_behind = True\n",
        "            else:\n",
        "machine",
        caught_by="test_rule_6_the_first_error_is_raised_with_that_of_the_clean_up_attached",
    ),
    _mutant(
        "a lost Create forgotten",
        "machine",
        "self.orphan_possible = self.orphan_possible or send.step is Step.CREATE",
        "pass",
        "situations",
        caught_by="test_a_lost_create_may_leave_an_upload_of_unknown_id",
    ),
)

_RUNNER = (
    _mutant(
        "source's error swallowed",
        "runner",
        "                    part = source.next_part(command.size)\n",
        "                    try:\n"
        "                        part = source.next_part(command.size)\n"
        "                    except Exception:\n"
        "                        self._machine.pulled(0, True)\n"
        "                        continue\n",
        "runner",
        caught_by="test_a_source_that_fails_publishes_and_leaves_nothing",
    ),
    _mutant(
        "an interrupt does not abort",
        "runner",
        "            except BaseException as error:\n                self.fail(error)\n"
        "        except BaseException as error:",
        "            except Exception as error:\n                self.fail(error)\n"
        "        except Exception as error:",
        "runner",
        caught_by="test_an_exit_out_of_a_request_cleans_up",
    ),
    _mutant(
        "the upload that is left has no name",
        "runner",
        "add_details(error, upload_id=left,",
        "add_details(error, upload_id=None,",
        "runner",
        caught_by="test_an_exit_out_of_a_request_cleans_up",
    ),
    _mutant(
        "an interrupt after the error loses the name",
        "runner",
        "            self._attach_details(error)  # also if it came while the first one was",
        "            pass  # also if it came while the first one was",
        "runner",
        caught_by="test_an_interrupt_while_the_end_is_reported_names_what_is_left",
    ),
    _mutant(
        "sent again with another body",
        "runner",
        "body, digest = self._bodies[send.number or 1]",
        "body, digest = self._bodies[send.number or 1 if send.attempt == 1 else max(self._bodies)]",
        "runner",
        caught_by="test_a_part_is_sent_again_with_its_own_data",
    ),
    _mutant(
        "a digest for each attempt",
        "runner",
        "        if outcome.digest is not None and number in self._bodies:",
        "        if False:",
        "runner",
        caught_by="test_a_digest_is_computed_once_for_all_attempts",
    ),
    _mutant(
        "an outcome unknown and called a failure",
        "runner",
        "if not machine.outcome_unknown or not isinstance(error, Exception):",
        "if True:",
        "runner",
        caught_by="test_a_complete_without_a_response_has_an_unknown_outcome",
    ),
    _mutant(
        "a part held after it is sent",
        "runner",
        "                    del part  # its memory is free once it is sent\n",
        "",
        "executors",
        caught_by="test_a_long_stream_takes_no_more_memory_than_the_window",
    ),
    _mutant(
        "the caller reads on while the upload is created",
        "runner",
        "if self._machine.state is State.CREATING:",
        "if False:",
        "digests",
        caught_by="test_while_the_upload_is_created_the_caller_computes_digests",
    ),
    _mutant(
        "the error of an upload keeps its parts in memory",
        "runner",
        "        self._bodies.clear()",
        "        pass",
        "memory",
        caught_by="test_an_error_keeps_no_part_in_memory",
    ),
    Mutant(
        "a transfer keeps its error",
        f"{_ENGINE}/runner.py",
        "        self._machine.error = None\n",
        "        pass\n",
        ("libcloud/test/storage/test_s3_shared_memory.py",),
        "test_an_error_is_freed_without_garbage_collection",
    ),
    Mutant(
        "the end of a transfer keeps the error",
        f"{_ENGINE}/runner.py",
        "            del error  # its traceback",
        "            pass  # its traceback",
        ("libcloud/test/storage/test_s3_shared_memory.py",),
        "test_an_error_is_freed_without_garbage_collection",
    ),
    Mutant(
        "a thread keeps the outcome of its last task",
        f"{_ENGINE}/workers.py",
        "            del outcome  # the traceback",
        "            pass  # the traceback",
        ("libcloud/test/storage/test_s3_shared_memory.py",),
        "test_an_error_is_freed_without_garbage_collection",
    ),
    _mutant(
        "the first digest is not computed while the upload is created",
        "runner",
        "if command.step is Step.CREATE:",
        "if False:",
        "digests",
        caught_by="test_the_first_digest_does_not_wait_for_the_second_part",
    ),
)

MUTANTS = _MACHINE + _RUNNER
