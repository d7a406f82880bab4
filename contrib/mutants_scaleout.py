# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of uploads by several processes; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_PACKAGE = "libcloud/storage/scaleout"
_TESTS = "libcloud/test/storage/scaleout"


def scaleout_mutant(name: str, file: str, old: str, new: str, tests: str, caught_by: str) -> Mutant:
    """A bug in a module of the package, to be caught by a test in ``tests`` (a word)."""
    path = file if "/" in file else f"{_PACKAGE}/{file}.py"
    return Mutant(name, path, old, new, (f"{_TESTS}/test_{tests}.py",), caught_by)


_mutant = scaleout_mutant

MUTANTS = (
    _mutant(
        "an upload begins by the clock of this machine",
        "session",
        "        if began is None:\n",
        "        if True:\n",
        "published",
        "test_a_clock_that_is_wrong_does_not_change_what_the_upload_has_published",
    ),
    _mutant(
        "a task that runs twice adds its pieces twice",
        "worker",
        "    source = _PartSource(task, pieces, session)\n",
        "    seen = vars(session).setdefault(f'_seen{task.number}', [])\n"
        "    seen.extend(pieces)\n"
        "    count = len(seen) // len(pieces)\n"
        "    task = task._replace(ranges=task.ranges * count, sizes=task.sizes * count)\n"
        "    pieces = tuple(seen)\n"
        "    source = _PartSource(task, pieces, session)\n",
        "executor",
        "test_duplicates_late_tasks_and_another_order_change_nothing",
    ),
    _mutant(
        "the error of a task that the executor did not accept is lost",
        "futures",
        "            failed.set_exception(error)\n",
        "            failed.cancel()\n",
        "careless",
        "test_a_future_that_accepts_no_callback_is_a_failure_and_is_not_awaited",
    ),
    _mutant(
        "an upload of unknown outcome is cleaned up",
        "libcloud/storage/transfer/upload/machine.py",
        "            self.left_behind = self.upload_id is not None\n"
        "            self.outcome_unknown = True\n",
        "            self._publish_open = False\n",
        "executor",
        "test_an_unknown_outcome_is_not_cleaned_up",
    ),
    _mutant(
        "a completed upload counts as failed",
        "parts",
        "            return replace(failure, contradicted=True)\n",
        "            return failure\n",
        "session",
        "test_any_process_can_complete_the_upload_again",
    ),
    _mutant(
        "all uploads of the name are aborted",
        "session",
        "lambda: self._store.abort(self.upload_id))",
        "lambda: self.driver.ex_cleanup_all_multipart_uploads(\n"
        "                    self.driver.get_container(self.container_name), self.object_name))",
        "session",
        "test_an_abort_removes_one_upload_and_not_its_neighbours",
    ),
    _mutant(
        "segments of a published object are deleted",
        "libcloud/storage/swift/upload_port.py",
        "        if self._is_in_use(upload_id):\n            return\n",
        "",
        "protocols",
        "test_other_protocols_do_not_abort_what_was_published",
    ),
    _mutant(
        "a late segment replaces one of a published object",
        "libcloud/storage/swift/upload_port.py",
        'md5 if self._shared else "")',
        '"")',
        "protocols",
        "test_a_late_segment_with_other_bytes_does_not_change_the_object",
    ),
    _mutant(
        "an upload that was published and overwritten is published again",
        "libcloud/storage/transfer/upload/times.py",
        "and modified > started_at",
        "and modified < started_at",
        "protocols",
        "test_other_protocols_do_not_replace_what_was_written_since",
    ),
    _mutant(
        "the last receipt of a part counts",
        "parts",
        "            if not same or not first.checksum:",
        "            if False:",
        "session",
        "test_the_same_part_with_other_bytes_is_a_conflict",
    ),
    _mutant(
        "receipts without a checksum count as equal",
        "parts",
        "            if not same or not first.checksum:",
        "            if not same:",
        "session",
        "test_two_receipts_without_a_checksum_are_a_conflict",
    ),
    _mutant(
        "a listed ETag is taken without a checksum",
        "parts",
        "    if now.digest.algorithm != part.digest.algorithm or not now.digest.value:\n"
        "        return None\n"
        "    if now.digest.value != part.digest.value:",
        "    if now.digest.value and now.digest.value != part.digest.value:",
        "session",
        "test_an_etag_is_not_taken_without_a_checksum",
    ),
    _mutant(
        "a listed ETag is taken whatever its checksum is",
        "parts",
        "    if now.digest.value != part.digest.value:",
        "    if False:",
        "session",
        "test_other_bytes_under_a_kms_key_are_a_conflict",
    ),
    _mutant(
        "a part that is sent again may have other bytes",
        "parts",
        "            if first.digest.value not in (",
        "            if False and first.digest.value not in (",
        "executor",
        "test_a_part_without_a_checksum_of_the_store_is_sent_again",
    ),
    _mutant(
        "parts of other sizes are continued",
        "executor",
        "    if session.fields.plan not in (",
        "    if False and session.fields.plan not in (",
        "executor",
        "test_other_sizes_than_before_are_refused",
    ),
    _mutant(
        "the size of a piece is not compared",
        "worker",
        "    if found != size:",
        "    if False:",
        "executor",
        "test_a_bad_piece_is_named_and_nothing_is_published",
    ),
    _mutant(
        "a keyword that may be a secret is written down",
        "libcloud/storage/arguments.py",
        "    driver._session_settings = None if secret else given",
        "    driver._session_settings = given",
        "session",
        "test_a_keyword_that_may_be_a_secret_is_not_written_down",
    ),
    _mutant(
        "an encryption key is written down",
        "text",
        "if not _is_secret(name)}",
        "if name}",
        "session",
        "test_an_encryption_key_is_not_written_down",
    ),
    _mutant(
        "workers of another version are not noticed",
        "worker",
        "    if version != __version__:",
        "    if False:",
        "executors",
        "test_a_task_of_another_version_of_the_library_is_refused",
    ),
    _mutant(
        "an object of the same size counts as published",
        "libcloud/storage/s3/upload_port.py",
        "        if same is None:\n            return self.times",
        "        if same is not True:\n            return self.times",
        "published",
        "test_another_object_of_the_same_size_and_parts_is_not_mistaken_for_it",
    ),
    _mutant(
        "a session does not note what the object is made of",
        "executor",
        "        if isinstance(event, UploadCompleting):\n",
        "        if False:\n",
        "published",
        "test_the_latest_text_finds_the_object",
    ),
    _mutant(
        "blocks of another upload are published",
        "session",
        "        if foreign:",
        "        if False:",
        "protocols",
        "test_other_protocols_do_not_publish_parts_of_another_upload",
    ),
    _mutant(
        "the receipt of another task is taken",
        "futures",
        "            if receipt is not None and tuple(receipt[:2]) != (part.number, part.size):",
        "            if False:",
        "executor",
        "test_a_receipt_of_another_task_is_refused",
    ),
    _mutant(
        "pieces are made again for a clean-up",
        "executor",
        "        found = None if state is None else folder.recorded()",
        "        found = None",
        "protocols",
        "test_other_protocols_finish_a_clean_up",
    ),
    _mutant(
        "a late part of an upload that has ended begins another one",
        "session",
        "        put = partial(self._store.put_part, self.upload_id, number, data, digest)",
        "        put = lambda: self._store.put_part(\n"
        "            self.upload_id if self.find_parts()[1] is None else self._store.create(),\n"
        "            number, data, digest)",
        "session",
        "test_a_straggler_after_the_end_finds_no_upload",
    ),
    _mutant(
        "a part that arrives during the abort is left",
        "session",
        "            return bool(stays) or not self._has_parts()",
        "            return True",
        "session",
        "test_a_straggler_during_the_abort_is_aborted_as_well",
    ),
    _mutant(
        "a held piece that could not be made is not named",
        "futures",
        "            size = result()\n        except Exception as error:",
        "            size = result()\n        except TypeError as error:",
        "executors",
        "test_a_held_piece_that_could_not_be_made_is_named",
    ),
    _mutant(
        "a second coordinator does not look for what the first has published",
        "executor",
        "                    if found is not None:\n",
        "                    if False:\n",
        "executor",
        "test_of_two_coordinators_the_later_one_finds_the_object",
    ),
    _mutant(
        "a part that is empty ends the object",
        "parts",
        "    least = max(1, limits.min_part_size)\n",
        "    least = limits.min_part_size\n",
        "careless",
        "test_no_other_part_may_be_empty_whatever_the_store_accepts",
    ),
    _mutant(
        "an upload whose last part is empty cannot be completed",
        "libcloud/storage/transfer/upload/session.py",
        "if 0 < size <= largest}",
        "if size <= largest}",
        "careless",
        "test_the_last_part_may_be_empty",
    ),
    _mutant(
        "threads share a file, which is published with the bytes of another part",
        "executor",
        "        _check_unshared(plan)\n",
        "        pass\n",
        "careless",
        "test_threads_do_not_share_a_file_or_an_iterator",
    ),
)
