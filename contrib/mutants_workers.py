# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of what runs in threads, mostly those of an upload; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_FILE = "libcloud/storage/transfer/upload/workers.py"
_TESTS = "libcloud/test/storage/transfer/upload"


def _mutant(name: str, old: str, new: str, tests: str, caught_by: str = "") -> Mutant:
    """A bug to be caught by the tests in ``tests`` (a word)."""
    return Mutant(name, _FILE, old, new, (f"{_TESTS}/test_{tests}.py",), caught_by)


MUTANTS = (
    _mutant(
        "an interrupted request forgotten",
        "            if task.send.step in _LASTING:",
        "            if False:",
        "workers",
        caught_by="test_an_interrupted_request_is_raised_and_has_an_outcome",
    ),
    _mutant(
        "an exit of a worker is waited for",
        "        except BaseException as error:  # whatever ends a worker",
        "        except Exception as error:  # whatever ends a worker",
        "workers",
        caught_by="test_a_request_that_exits_its_thread_has_an_outcome",
    ),
    _mutant(
        "what is in flight is not waited for",
        "            while self._active and not self._left:\n",
        "            while False:\n",
        "workers",
        caught_by="test_a_stop_waits_for_what_is_in_flight",
    ),
    _mutant(
        "what is abandoned is waited for",
        "                if not self._idle.wait(_LAST_GRACE) and abandoned:",
        "                if not self._idle.wait(_LAST_GRACE) and False:",
        "workers",
        caught_by="test_a_stop_does_not_wait_for_a_request_that_goes_on_although_abandoned",
    ),
    _mutant(
        "an executor without threads is waited for",
        "is_alone = self._alone and not self._active and self._tasks",
        "is_alone = False",
        "workers",
        caught_by="test_a_task_that_the_executor_has_dropped_is_run_by_the_caller",
    ),
    _mutant(
        "the caller waits while others compute digests",
        "return waiting + self._digesting >= others",
        "return False",
        "digests",
        caught_by="test_with_one_core_the_caller_computes_all_digests",
    ),
    _mutant(
        "the caller computes digests that others have time for",
        "return waiting + self._digesting >= others",
        "return True",
        "digests",
        caught_by="test_with_a_core_for_each_part_the_caller_computes_none",
    ),
    _mutant(
        "a digest that was computed keeps others from theirs",
        "                    self._digesting -= 1\n",
        "                    pass\n",
        "digests",
        caught_by="test_a_free_core_computes_the_next_digest",
    ),
    _mutant(
        "a digest that fails in the caller's thread is forgotten",
        "            self.outcomes.append(Outcome(task.send, None, failure, None))\n",
        "            pass\n",
        "workers",
        caught_by="test_a_digest_that_fails_in_the_thread_of_the_caller_has_an_outcome",
    ),
    _mutant(
        "memory is mapped anew for each part",
        "            _keep_free(self._memory)\n",
        "            pass\n",
        "digests",
        caught_by="test_an_upload_in_parts_keeps_what_they_take",
    ),
    _mutant(
        "a digest that fails early ends the upload",
        "        except Exception:  # it is raised again when the part is sent",
        "        except KeyError:",
        "digests",
        caught_by="test_a_digest_that_fails_before_the_upload_is_there_is_computed_again",
    ),
    Mutant(
        "functions of a module that is being imported are called",
        "libcloud/http/connections.py",
        '"_initializing", False)',
        '"", False)',
        ("libcloud/test/test_http_session.py",),
        caught_by="test_a_connection_is_opened_while_another_thread_imports_urllib3",
    ),
    Mutant(
        "a worker pool runs more tasks than it can open files for",
        "libcloud/storage/worker_pool.py",
        "most=min(most, most_tasks())",
        "most=most",
        ("libcloud/test/storage/test_worker_pool.py",),
        caught_by="test_no_more_tasks_run_than_the_system_lets_open_files",
    ),
    Mutant(
        "large objects of a worker pool open any number of connections",
        "libcloud/storage/transfer/download/parallel.py",
        "missing = min(missing, _spare_helpers())",
        "pass",
        ("libcloud/test/storage/test_s3_parallel_downloads.py",),
        caught_by="test_the_downloads_of_a_pool_share_a_number_of_threads",
    ),
    Mutant(
        "the error of a request keeps its body",
        _FILE,
        "    _clear_frames(error)\n    return outcome",
        "    return outcome",
        ("libcloud/test/storage/transfer/upload/test_memory.py",),
        caught_by="test_an_error_keeps_no_part_in_memory",
    ),
    Mutant(
        "a failed upload clears the variables of the program",
        _FILE,
        "name.startswith(_MODULES) and not",
        "not",
        ("libcloud/test/storage/transfer/upload/test_memory.py",),
        caught_by="test_an_error_leaves_the_program_alone",
    ),
    Mutant(
        "a failed upload ends a generator of the program",
        _FILE,
        " and not frame.f_code.co_flags & _GENERATORS:",
        ":",
        ("libcloud/test/storage/transfer/upload/test_memory.py",),
        caught_by="test_an_error_leaves_the_program_alone",
    ),
    Mutant(
        "a writer that failed keeps the body that it has sent",
        "libcloud/storage/transfer/upload/session.py",
        '            vars(self).pop("_made", None)\n',
        "",
        ("libcloud/test/storage/test_s3_writer.py",),
        caught_by="test_a_writer_that_failed_keeps_its_error_and_no_body",
    ),
    Mutant(
        "few jobs are split between processes",
        "libcloud/cli/processes.py",
        "jobs // _LEAST_JOBS) - 1)",
        "jobs) - 1)",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_few_jobs_are_not_split",
    ),
    Mutant(
        "a child that was killed gets items",
        "libcloud/cli/processes.py",
        " if child.is_ready]",
        "]",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_small_items_go_where_the_fewest_are_unfinished",
    ),
    Mutant(
        "one process gets all items",
        "libcloud/cli/processes.py",
        "if len(child.unfinished) > here:",
        "if False:",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_small_items_go_where_the_fewest_are_unfinished",
    ),
    Mutant(
        "drivers are sent to other processes",
        "libcloud/cli/processes.py",
        "            elif isinstance(value, StorageDriver):",
        "            elif False:",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_neither_credentials_nor_drivers_are_sent",
    ),
    Mutant(
        "what other processes transferred is not counted",
        "libcloud/cli/processes.py",
        "progress.add_totals(totals.since(before))",
        "pass",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_files_are_uploaded_and_downloaded",
    ),
    Mutant(
        "what a child that was killed had is counted as transferred",
        "libcloud/cli/processes.py",
        'done(LibcloudError("the process that transferred it was killed"))',
        "done(None)",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_what_a_killed_child_had_is_reported",
    ),
    Mutant(
        "an error while items are read ahead is lost",
        "libcloud/cli/processes.py",
        "rest = _raise(error)",
        "pass",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_an_error_while_reading_ahead_is_raised_after_the_items_before_it",
    ),
    Mutant(
        "each process has the whole rate",
        "libcloud/cli/settings.py",
        "return not (self.limit_rate or ",
        "return not (",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_one_process_honours_limits_and_is_debugged",
    ),
    Mutant(
        "a child handles signals, too",
        "libcloud/cli/signals.py",
        "                signal.signal(number, signal.SIG_IGN)",
        "                pass",
        ("libcloud/test/cli/test_children.py",),
        caught_by="test_a_signal_to_all_processes_ends_them",
    ),
)
