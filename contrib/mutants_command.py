# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in the command line, and in what it stands on."""

from __future__ import annotations

from mutant import Mutant

_CLI = "libcloud/cli"
_TESTS = "libcloud/test"

MUTANTS = (
    Mutant(
        "a command that failed is waited for because of its children",
        f"{_CLI}/programs.py",
        "        while not wait_for_input(self._pipe, _SILENCE):",
        "        while not wait_for_input(self._pipe):",
        (f"{_TESTS}/cli/test_programs.py",),
        caught_by="test_a_command_that_fails_is_not_waited_for_because_of_its_children",
    ),
    Mutant(
        "a downloaded file is younger than its object",
        f"{_CLI}/places.py",
        "        set_time(destination.path, entry.modified)\n",
        "",
        (f"{_TESTS}/cli/test_sync.py",),
        caught_by="test_a_downloaded_file_has_the_time_of_its_object",
    ),
    Mutant(
        "a copy within a store ignores options",
        f"{_CLI}/places.py",
        "elif self.is_server_side and not self.options.needs_upload:",
        "elif self.is_server_side:",
        (f"{_TESTS}/cli/test_copies.py",),
        caught_by="test_a_copy_within_a_store_does_not_replace_with_no_clobber",
    ),
    Mutant(
        "a copy in another store has no tags",
        f"{_CLI}/places.py",
        "keywords = {**kept.options, **self._upload_keywords(place.store, transfer)}",
        "keywords = self._upload_keywords(place.store, transfer)",
        (f"{_TESTS}/cli/test_copies.py",),
        caught_by="test_a_copy_in_another_store_keeps_headers_and_tags",
    ),
    Mutant(
        "sync stores a mixture of two versions of a file",
        f"{_CLI}/places.py",
        "    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):",
        "    if before.st_size != after.st_size:",
        (f"{_TESTS}/cli/test_sync_safety.py",),
        caught_by="test_a_file_that_changes_while_it_is_read_is_not_copied",
    ),
    Mutant(
        "sync deletes everything if its source is mistyped",
        f"{_CLI}/sync.py",
        "if self._deletions and self._copier.source.is_missing:",
        "if False:",
        (f"{_TESTS}/cli/test_sync_safety.py",),
        caught_by="test_a_mistyped_source_deletes_nothing",
    ),
    Mutant(
        "sync deletes the files of a source inside its destination",
        f"{_CLI}/sync.py",
        "    if all(paths) and os.path.commonpath(paths) in paths:",
        "    if False:",
        (f"{_TESTS}/cli/test_sync_safety.py",),
        caught_by="test_a_directory_and_its_parent_are_not_synchronized",
    ),
    Mutant(
        "a file that cannot be read seems to be missing",
        f"{_CLI}/sync.py",
        "                self._failures.add(entry.error)",
        "                pass",
        (f"{_TESTS}/cli/test_sync_safety.py",),
        caught_by="test_nothing_is_deleted_if_a_file_of_the_source_cannot_be_read",
    ),
    Mutant(
        "no-clobber replaces objects in a store without preconditions",
        f"{_CLI}/options.py",
        '        raise ObjectExistsError("the object already exists and was not replaced")',
        "        return {}",
        (f"{_TESTS}/cli/test_options.py",),
        caught_by="test_no_clobber_keeps_a_file_of_a_local_directory",
    ),
    Mutant(
        "a clean-up is interrupted with what it undoes",
        "libcloud/utils/cancellation.py",
        "            if not inner._shield:\n                inner.interrupt()",
        "            inner.interrupt()",
        (f"{_TESTS}/test_cancellation.py",),
        caught_by="test_what_is_undone_is_interrupted_only_when_it_is_abandoned",
    ),
    Mutant(
        "an idle connection is interrupted",
        "libcloud/http/adapter.py",
        "not (conn.release() and _is_clean(conn))",
        "not _is_clean(conn)",
        (f"{_TESTS}/test_cancellation.py",),
        caught_by="test_a_connection_that_is_idle_or_used_by_others_is_not_interrupted",
    ),
    Mutant(
        "cancelled work continues",
        "libcloud/utils/cancellation.py",
        "    if cancellation is not None and cancellation.cancelled:",
        "    if False:",
        (f"{_TESTS}/cli/test_jobs.py::test_an_error_that_affects_all_stops_all",),
    ),
    Mutant(
        "small objects stay on a core that others use",
        "libcloud/cli/cores.py",
        "or not self._pays()",
        "",
        (f"{_TESTS}/cli/test_cores.py::test_all_cores_are_used_if_others_need_the_one",),
    ),
    Mutant(
        "a window grows while the interpreter is busy",
        "libcloud/storage/scheduler.py",
        "self._rate * _GAIN and not busy",
        "self._rate * _GAIN",
        (f"{_TESTS}/storage/test_worker_pool.py",),
        caught_by="test_the_window_does_not_grow_while_the_interpreter_is_busy",
    ),
    Mutant(
        "a cancelled call of the file system is made",
        "libcloud/storage/filesystem/workers.py",
        "if not self._cancellation.cancelled:",
        "if self._running:",
        (f"{_TESTS}/storage/test_filesystem_workers.py",),
        caught_by="test_a_call_that_was_cancelled_before_it_began_is_not_made",
    ),
    Mutant(
        "a worker pool needs all its threads",
        "libcloud/storage/worker_pool.py",
        "        except RuntimeError:",
        "        except LookupError:",
        (
            f"{_TESTS}/storage/test_worker_pool.py"
            "::test_tasks_run_when_few_or_no_threads_can_be_started",
        ),
    ),
    Mutant(
        "a store that refuses bulk deletion is asked again",
        "libcloud/storage/s3/deletion.py",
        "        return self._supported and _FEATURE not in self._client.unsupported.names",
        "        return self._supported",
        (f"{_TESTS}/storage/test_s3_delete.py",),
        caught_by="test_a_user_who_may_not_delete_in_bulk_deletes_singly",
    ),
    Mutant(
        "a throttled upload empties the retry budget",
        "libcloud/storage/transfer/retry.py",
        "cost = min(1, self._cost) if throttled else self._cost",
        "cost = self._cost",
        (f"{_TESTS}/storage/test_many_objects.py",),
        caught_by="test_a_store_that_throttles_from_the_first_request_gets_all_objects",
    ),
    Mutant(
        "without arguments the command prints no help",
        f"{_CLI}/main.py",
        "        click.echo(context.get_help())",
        "        pass",
        (f"{_TESTS}/cli/test_commands.py::test_the_help_lists_the_commands_one_per_line",),
    ),
    Mutant(
        "an input that is too short is stored",
        f"{_CLI}/sources.py",
        "    if expect is not None and size < expect:",
        "    if False:",
        (f"{_TESTS}/cli/test_transfers.py::test_an_input_of_another_size_stores_nothing",),
    ),
    Mutant(
        "an interrupt makes the abort request fail as well",
        f"{_CLI}/meter.py",
        "self._sent_by_thread[thread] > _MAX_OVERHEAD",
        "self._sent_by_thread[thread] > 0",
        (f"{_TESTS}/cli/test_meter.py",),
        caught_by="test_an_interrupt_fails_only_requests_with_data",
    ),
    Mutant(
        "a directory is listed by everything below it",
        "libcloud/storage/drivers/s3.py",
        ', delimiter="/"',
        "",
        (f"{_TESTS}/cli/test_commands.py::test_one_level_is_listed",),
    ),
    Mutant(
        "a watcher hears nothing of plain sockets",
        "libcloud/http/timeouts.py",
        "        if listener is None and can_listen(self.sock):",
        "        if can_listen(self.sock):",
        (f"{_TESTS}/test_http_progress.py",),
        caught_by="test_a_request_that_is_cut_fails_and_leaves_nothing",
    ),
    Mutant(
        "the output of a command that failed is stored",
        f"{_CLI}/programs.py",
        "        self._process.wait()\n        self._raise_if_failed()",
        "        self._process.wait()",
        (
            f"{_TESTS}/cli/test_programs.py"
            "::test_an_object_is_not_replaced_by_the_output_of_a_command_that_fails",
        ),
    ),
    Mutant(
        "a consumer reads the end of a download that failed",
        f"{_CLI}/programs.py",
        "        if process.poll() is None:\n            _end(process)",
        "        process.stdin and process.stdin.close(), process.wait()",
        (
            f"{_TESTS}/cli/test_programs.py"
            "::test_a_consumer_never_sees_the_end_of_a_download_that_fails",
        ),
    ),
    Mutant(
        "sync deletes although a copy failed",
        f"{_CLI}/sync.py",
        "        if self._failures.count and self._deletions:",
        "        if False:",
        (f"{_TESTS}/cli/test_sync.py::test_nothing_is_deleted_after_a_failure",),
    ),
    Mutant(
        "sync does not copy what is newer",
        f"{_CLI}/places.py",
        '        return "time" if modified > destination.modified else ""',
        '        return ""',
        (f"{_TESTS}/cli/test_sync_plan.py::test_what_differs_is_copied",),
    ),
    Mutant(
        "sync copies again what get downloaded within the second",
        f"{_CLI}/places.py",
        "            modified = modified.replace(microsecond=0)",
        "            pass",
        (f"{_TESTS}/cli/test_sync_plan.py::test_what_differs_is_copied",),
    ),
    Mutant(
        "ls fails where the encoding of the terminal lacks a character",
        f"{_CLI}/main.py",
        'errors="surrogateescape" if is_utf8 else "backslashreplace"',
        'errors="surrogateescape"',
        (f"{_TESTS}/cli/test_escapes.py",),
        caught_by="test_names_are_written_in_any_encoding",
    ),
    Mutant(
        "ls prints no times of local files",
        f"{_CLI}/listing.py",
        '    if not time.endswith("Z"):',
        "    if False:",
        (f"{_TESTS}/cli/test_azure.py",),
        caught_by="test_times_are_listed_alike_from_every_store",
    ),
    Mutant(
        "get does not set the time of a file",
        f"{_CLI}/get.py",
        "    if selection.byte_range is None:\n        set_time(",
        "    if False:\n        set_time(",
        (f"{_TESTS}/cli/test_sync.py",),
        caught_by="test_sync_copies_nothing_after_get",
    ),
    Mutant(
        "mv copies over an object that is to be copied",
        f"{_CLI}/cp.py",
        "                if entry.name in sources:",
        "                if False:",
        (f"{_TESTS}/cli/test_copies.py::test_no_copy_replaces_an_object_that_is_to_be_copied",),
    ),
    Mutant(
        "sync deletes a file that an object maps to",
        f"{_CLI}/sync.py",
        "    key = str if names is None else names.key",
        "    key = str",
        (
            f"{_TESTS}/cli/test_sync.py"
            "::test_a_file_is_kept_if_an_object_maps_to_it_by_another_name",
        ),
    ),
    Mutant(
        "mv deletes an object that was replaced while it was copied",
        f"{_CLI}/cp.py",
        "        if not _is_same_version(obj, self._source.object(obj.name)):",
        "        if False:",
        (
            f"{_TESTS}/cli/test_copies.py"
            "::test_an_object_that_was_replaced_while_it_was_copied_is_kept",
        ),
    ),
    Mutant(
        "the cache of completions is kept for ever",
        f"{_CLI}/candidates.py",
        'if oldest < float(listing["time"]) <= self._now() and',
        "if",
        (
            f"{_TESTS}/cli/test_completion.py::test_a_listing_is_used_for_a_minute_by_the_same_account",
        ),
    ),
    Mutant(
        "completions of another account are shown",
        f"{_CLI}/candidates.py",
        "            *(self._environ.get(name) for name in _VARIABLES),\n",
        "",
        (
            f"{_TESTS}/cli/test_completion.py::test_a_listing_is_used_for_a_minute_by_the_same_account",
        ),
    ),
)
