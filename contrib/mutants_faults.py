# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in rare situations: forks, exits, resumed uploads; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"

_FAILURES = (f"{_TESTS}/storage/test_s3_failures.py",)

_RESUMED = (
    Mutant(
        "a part of the same size is the same part",
        f"{_S3}/multipart.py",
        "    if stored.size != len(body) or not stored.etag:\n        return False\n",
        "    return stored.size == len(body)\n",
        (f"{_TESTS}/storage/test_s3_resume.py",),
        caught_by="test_resuming_publishes_the_current_data",
    ),
    Mutant(
        "a resumed upload sends everything again",
        f"{_S3}/upload_port.py",
        "        if held is not None and s3.multipart.is_same(held, body, digest):",
        "        if False:",
        (f"{_TESTS}/storage/test_s3_resume.py",),
        caught_by="test_a_checksum_is_evidence_where_the_etag_is_not",
    ),
    Mutant(
        "a resumed upload that fails is aborted",
        f"{_DRIVERS}/s3.py",
        'rest = {"ex_on_failure": "keep", **rest}',
        'rest = {"ex_on_failure": "abort", **rest}',
        (f"{_TESTS}/storage/test_s3_resume.py",),
        caught_by="test_an_upload_succeeds_with_frequent_failures",
    ),
)

_FORKS = (
    Mutant(
        "a fork writes to its parent's connections",
        "libcloud/http/connections.py",
        "        self._known: PerProcess[dict[Origin, Pool]] = PerProcess(dict)",
        "        known: Any = {}\n        self._known = lambda: known",
        (f"{_TESTS}/test_http_wire.py",),
        caught_by="test_a_forked_process_leaves_open_connections_to_its_parent",
    ),
    Mutant(
        "a fork aborts its parent's upload",
        "libcloud/storage/transfer/upload/runner.py",
        "        if os.getpid() != self._pid:\n            raise error\n",
        "",
        _FAILURES,
        caught_by="test_a_process_forked_by_the_source_leaves_the_upload_to_its_parent",
    ),
)

_ENDS = (
    Mutant(
        "an interrupt that a finalizer got is a failure of each object",
        "libcloud/cli/failures.py",
        "            if cancellation.is_cancelled():",
        "            if False:",
        (f"{_TESTS}/cli/test_jobs.py",),
        caught_by="test_an_interrupt_that_a_finalizer_got_is_no_failure_of_the_objects",
    ),
    Mutant(
        "each upload has its own entry in atexit",
        "libcloud/utils/local.py",
        "        if self._registered != (pid := os.getpid()):\n",
        "        if pid := os.getpid():\n",
        (f"{_TESTS}/test_at_exit.py",),
        caught_by="test_many_functions_are_one_entry_of_atexit",
    ),
    Mutant(
        "a forked process relies on the entry of its parent in atexit",
        "libcloud/utils/local.py",
        "        if self._registered != (pid := os.getpid()):\n",
        "        if (pid := os.getpid()) and not self._registered:\n",
        (f"{_TESTS}/test_at_exit.py",),
        caught_by="test_a_forked_process_has_its_own_entry_of_atexit",
    ),
    Mutant(
        "a file is read to the size that it had",
        "libcloud/cli/sources.py",
        "    while size != file_size or len(piece) == wanted:\n",
        "    while size != file_size:\n",
        (f"{_TESTS}/cli/test_reading_files.py",),
        caught_by="test_a_small_file_is_read_by_one_call",
    ),
    Mutant(
        "an upload that ended is aborted at exit",
        "libcloud/storage/transfer/upload/at_exit.py",
        "        elif not self.over:",
        "        else:",
        (f"{_TESTS}/storage/transfer/upload/test_at_exit.py",),
        caught_by="test_an_upload_that_has_ended_is_left_alone",
    ),
    Mutant(
        "daemon threads leave their uploads at exit",
        "libcloud/storage/transfer/upload/runner.py",
        "if not threading.current_thread().daemon:",
        "if True:",
        (f"{_TESTS}/storage/transfer/upload/test_at_exit.py",),
        caught_by="test_an_upload_that_has_ended_is_left_alone",
    ),
    Mutant(
        "an upload dies with the main thread",
        "libcloud/storage/transfer/upload/workers.py",
        "            if self._given is not None and threading.main_thread().is_alive():\n",
        "            if True:\n",
        (f"{_TESTS}/storage/transfer/upload/test_at_exit.py",),
        caught_by="test_where_no_thread_can_be_started_the_caller_sends",
    ),
    Mutant(
        "a writer is aborted before other functions of atexit close it",
        "libcloud/utils/local.py",
        '        """Called with the other functions of ``atexit``, in any order."""',
        "        self.__del__()",
        (f"{_TESTS}/storage/test_s3_exit.py::test_a_writer_is_open_while_functions_of_atexit_run",),
    ),
    Mutant(
        "close() is silent about an upload that something else has ended",
        "libcloud/storage/writer.py",
        "            if self._open_upload.error is not None and not self._wrapper_dropped:",
        "            if False:",
        (
            f"{_TESTS}/storage/test_s3_exit.py"
            "::test_what_is_open_when_they_have_returned_is_an_error_to_write_and_to_close",
        ),
    ),
)

_LOOKS = (
    Mutant(
        "whatever has the size of a small file is that file",
        "libcloud/storage/s3/upload_port.py",
        "            return Confirmation.STORED if etag == known else Confirmation.ABSENT\n"
        "        if etag and",
        "            return Confirmation.STORED\n        if etag and",
        (f"{_TESTS}/storage/test_s3_files.py",),
        caught_by="test_what_was_there_before_is_not_mistaken_for_a_small_file",
    ),
    Mutant(
        "a body that was cut short is looked for",
        "libcloud/storage/s3/upload_port.py",
        "            if not whole.is_complete:",
        "            if False:",
        (f"{_TESTS}/storage/test_s3_one_request.py",),
        caught_by="test_a_partially_sent_object_is_not_looked_up",
    ),
    Mutant(
        "a stream that is gone is sent again",
        "libcloud/storage/s3/upload_port.py",
        "not stream.can_be_sent_again:",
        "False:",
        (f"{_TESTS}/storage/test_s3_one_request.py",),
        caught_by="test_a_chunked_stream_whose_response_was_lost_is_found",
    ),
    Mutant(
        "an object of the same size is ours",
        "libcloud/storage/s3/upload_port.py",
        "        if ours is False:\n            return Confirmation.ABSENT\n",
        "        if False:\n            return Confirmation.ABSENT\n",
        _FAILURES,
        caught_by="test_an_object_of_another_client_is_not_mistaken_for_the_upload",
    ),
    Mutant(
        "a page of a proxy is half an answer of S3",
        "libcloud/storage/s3/http_response.py",
        "            if int(self.status) < 400:",
        "            if True:",
        _FAILURES,
        caught_by="test_a_refusal_in_other_words_than_s3s_is_an_error_at_once",
    ),
)

_SOURCES = (
    Mutant(
        "an iterator of empty pieces is read for ever",
        "libcloud/utils/files.py",
        "        if empty > MAX_EMPTY_PIECES:",
        "        if False:",
        (f"{_TESTS}/test_files.py::test_a_sentinel_that_never_comes_is_an_error_that_names_it",),
    ),
    Mutant(
        "empty pieces between others count as endless",
        "libcloud/storage/transfer/upload/source.py",
        "        self._empty = 0 if run else self._empty + _JOINED_PIECES",
        "        self._empty += _JOINED_PIECES",
        (f"{_TESTS}/storage/transfer/upload/test_source.py",),
        caught_by="test_empty_pieces_count_in_a_row_only",
    ),
)

_LOCKS = (
    Mutant(
        "a link in place of a lock file is followed",
        f"{_DRIVERS}/_local_lock.py",
        'os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) |',
        "os.O_RDWR |",
        (f"{_TESTS}/storage/test_local_lock.py",),
        caught_by="test_a_file_that_is_not_a_lock_is_not_followed_opened_or_waited_for",
    ),
    Mutant(
        "a lock file is for its first user only",
        f"{_DRIVERS}/_local_lock.py",
        "        os.chmod(temporary, 0o666)\n",
        "",
        (f"{_TESTS}/storage/test_local_lock.py",),
        caught_by="test_every_user_may_lock",
    ),
)

_PER_PROCESS = (
    Mutant(
        "a download that is open at the end of the program prints an error",
        "libcloud/http/body.py",
        "if not is_finalizing():",
        "if True:",
        (f"{_TESTS}/storage/test_s3_exit.py",),
        caught_by="test_a_download_that_is_still_open_at_the_end_is_silent",
    ),
    Mutant(
        "a body that breaks off while another thread closes it counts as whole",
        "libcloud/http/body.py",
        "if reading:  # it broke off, even if another thread closes it",
        "if False:",
        (f"{_TESTS}/test_http_body.py",),
        caught_by="test_a_body_that_another_thread_closes_is_not_whole",
    ),
    Mutant(
        "a file that cannot be read counts as a lost connection",
        "libcloud/utils/bodies.py",
        "raise SourceError(str(error)) from error",
        "raise",
        (f"{_TESTS}/storage/scaleout/test_session.py",),
        caught_by="test_a_file_that_cannot_be_read_is_no_failure_of_the_store",
    ),
    Mutant(
        "a forked child waits for its parent's locks",
        "libcloud/utils/local.py",
        "        pid = os.getpid()\n",
        "        pid = 0\n",
        (f"{_TESTS}/test_locks.py",),
        caught_by="test_a_forked_child_has_a_whole_memory_budget",
    ),
    Mutant(
        "a fork does not wait for imports of other threads",
        "libcloud/utils/local.py",
        "owner not in (None, threading.get_ident())",
        "owner == 0",
        (f"{_TESTS}/test_locks.py",),
        caught_by="test_a_fork_waits_for_the_import_of_another_thread",
    ),
    Mutant(
        "a fork waits for ever for an import",
        "libcloud/utils/local.py",
        " and time.monotonic() < deadline",
        "",
        (f"{_TESTS}/test_locks.py",),
        caught_by="test_a_fork_does_not_wait_for_ever_for_an_import",
    ),
    Mutant(
        "a finalizer waits for the lock of its own thread",
        "libcloud/storage/transfer/client.py",
        "RetryBudget(lock=PerProcess(threading.RLock))",
        "RetryBudget(lock=PerProcess(threading.Lock))",
        (f"{_TESTS}/test_locks.py",),
        caught_by="test_a_thread_that_holds_the_lock_of_retries_can_take_it_again",
    ),
    Mutant(
        "a request that interrupts another one changes it",
        "libcloud/common/connection.py",
        "            if interrupted is not None:",
        "            if False:",
        (f"{_TESTS}/test_locks.py",),
        caught_by="test_a_request_that_interrupts_another_one_leaves_it_as_it_was",
    ),
    Mutant(
        "writers of one thread exceed their budget without a bound",
        "libcloud/storage/transfer/budget.py",
        "        if thread in usage.beyond:",
        "        if False:",
        (f"{_TESTS}/storage/transfer/test_budget.py",),
        caught_by="test_each_thread_may_exceed_the_budget_by_one_part",
    ),
    Mutant(
        "a thread that exceeded its budget gives back in vain",
        "libcloud/storage/transfer/budget.py",
        "                usage.beyond.pop(thread, None)\n",
        "                pass\n",
        (f"{_TESTS}/storage/transfer/test_budget.py",),
        caught_by="test_threads_with_two_uploads_each_take_turns",
    ),
    Mutant(
        "a byte that is given back allows another part",
        "libcloud/storage/transfer/budget.py",
        "            elif usage.beyond.get(thread, 0) > size:",
        "            elif False:",
        (f"{_TESTS}/storage/transfer/test_budget.py",),
        caught_by="test_what_another_thread_gives_back_does_not_count",
    ),
    Mutant(
        "uploads that were dropped keep their memory until somebody collects it",
        "libcloud/storage/transfer/budget.py",
        "                gc.collect()\n",
        "                pass\n",
        (f"{_TESTS}/storage/transfer/test_budget.py",),
        caught_by="test_memory_of_uploads_that_were_dropped_is_collected",
    ),
    Mutant(
        "a thread that exceeded its budget may never do so again",
        "libcloud/storage/transfer/budget.py",
        "                usage.beyond = {}\n",
        "                pass\n",
        (f"{_TESTS}/storage/transfer/test_budget.py",),
        caught_by="test_a_budget_that_is_met_again_may_be_exceeded_by_the_same_thread",
    ),
)

MUTANTS = _LOOKS + _FORKS + _RESUMED + _ENDS + _SOURCES + _LOCKS + _PER_PROCESS
