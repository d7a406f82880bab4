# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in the file system of fsspec; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_FILESYSTEM = "libcloud/storage/filesystem"
_REQUESTS = ("libcloud/test/storage/test_filesystem_requests.py",)
_READAHEAD = ("libcloud/test/storage/test_filesystem_readahead.py",)
_VERSIONS = ("libcloud/test/storage/test_filesystem_versions.py",)

MUTANTS = (
    Mutant(
        "fsspec publishes a file at once that is put in a transaction",
        f"{_FILESYSTEM}/operations.py",
        ' or mode != "overwrite" or self._fs._intrans:',
        ' or mode != "overwrite":',
        ("libcloud/test/storage/test_filesystem.py",),
        caught_by="test_a_transaction_left_by_an_exception_publishes_nothing",
    ),
    Mutant(
        "fsspec makes no container for directories without files",
        f"{_FILESYSTEM}/system.py",
        "            await self._makedirs(container, exist_ok=True)\n",
        "            pass\n",
        _REQUESTS,
        caught_by="test_empty_directories_are_put_as_their_container",
    ),
    Mutant(
        "fsspec raises an error that cat was to return",
        f"{_FILESYSTEM}/system.py",
        '"on_error": on_error if on_error == "raise" else "return"',
        '"on_error": "raise"',
        ("libcloud/test/storage/test_filesystem_batches.py",),
        caught_by="test_files_that_cannot_be_read_are_omitted_or_their_errors_returned",
    ),
    Mutant(
        "fsspec mixes ranges of two versions",
        f"{_FILESYSTEM}/system.py",
        "                if known is not obj and not same_version(known, obj):",
        "                if False:",
        _VERSIONS,
        caught_by="test_ranges_of_one_file_are_of_one_version",
    ),
    Mutant(
        "fsspec moves a directory into itself",
        f"{_FILESYSTEM}/system.py",
        "            if target in originals or target.startswith(trees):",
        "            if False:",
        (f"{_REQUESTS[0]}::test_a_directory_is_not_moved_over_its_own_files",),
    ),
    Mutant(
        "fsspec looks up an object before it reads it",
        f"{_FILESYSTEM}/reading.py",
        "    return found[0] if all(found) else None\n",
        "    return None\n",
        _REQUESTS,
        caught_by="test_a_read_is_one_request",
    ),
    Mutant(
        "a range of an object passes for its size",
        "libcloud/storage/transfer/download/ranges.py",
        "    if not content_range:\n        return dict(headers)\n",
        "    if True:\n        return dict(headers)\n",
        _REQUESTS,
        caught_by="test_a_sequential_reader_has_several_ranges_in_flight",
    ),
    Mutant(
        "fsspec reads ahead of a random reader",
        f"{_FILESYSTEM}/readahead.py",
        "        if start == self._position:\n            self._streak",
        "        if True:\n            self._streak",
        _READAHEAD,
        caught_by="test_a_reader_that_jumps_within_a_small_file_gets_all_of_it",
    ),
    Mutant(
        "fsspec does not read ahead",
        f"{_FILESYSTEM}/readahead.py",
        "        return 0 if is_first and end < _LARGE else self._streak * 4\n",
        "        return 0\n",
        _REQUESTS,
        caught_by="test_a_sequential_reader_has_several_ranges_in_flight",
    ),
    Mutant(
        "fsspec caches a listing that a write has overtaken",
        f"{_FILESYSTEM}/listing.py",
        "            if version == self._version:\n",
        "            if True:\n",
        _REQUESTS,
        caught_by="test_a_listing_that_a_write_overtakes_is_not_cached",
    ),
    Mutant(
        "fsspec does not see its own writes through the cache",
        f"{_FILESYSTEM}/listing.py",
        "                        self._entries.pop(known, None)\n",
        "                        pass\n",
        _REQUESTS,
        caught_by="test_a_copy_whose_response_is_lost_is_seen_through_the_cache",
    ),
    Mutant(
        "a download of fsspec goes on after its coroutine was cancelled",
        f"{_FILESYSTEM}/workers.py",
        "            cancellation.cancel()\n",
        "",
        ("libcloud/test/storage/test_filesystem_workers.py",),
        caught_by="test_a_running_call_is_cancelled_and_waited_for",
    ),
    Mutant(
        "calls of the file system continue after the error of another",
        f"{_FILESYSTEM}/workers.py",
        '"fail_fast": fail_fast}',
        '"fail_fast": False}',
        ("libcloud/test/storage/test_filesystem_workers.py",),
        caught_by="test_the_first_error_cancels_the_other_calls",
    ),
    Mutant(
        "a file with the name of a directory is lost when that is moved",
        f"{_FILESYSTEM}/base.py",
        "            seen.update(name for name in inner if name != path)\n",
        "            seen.update(inner)\n",
        _REQUESTS,
        caught_by="test_a_file_that_has_the_name_of_a_directory_is_copied_and_moved",
    ),
    Mutant(
        "a file system cannot be used by a forked process",
        f"{_FILESYSTEM}/base.py",
        "            self._pid: int = os.getpid()\n",
        '            raise RuntimeError("This class is not fork-safe")\n',
        _REQUESTS,
        caught_by="test_a_forked_process_uses_the_file_system_of_its_parent",
    ),
    Mutant(
        "a broken read of the last bytes continues at the start of the object",
        "libcloud/storage/transfer/download/start.py",
        "        start = (extent.total or 0) - (extent.length or 0)",
        "        start = 0",
        ("libcloud/test/storage/test_filesystem_suffixes.py",),
        caught_by="test_a_body_that_breaks_off_continues_where_it_was",
    ),
    Mutant(
        "fsspec requests a whole window wherever a reader jumps",
        f"{_FILESYSTEM}/readahead.py",
        "            len(self._jumps) == _JUMPS and last - first <= self._near\n",
        "            len(self._jumps) == _JUMPS\n",
        _READAHEAD,
        caught_by="test_a_reader_that_jumps_far_gets_what_it_reads",
    ),
    Mutant(
        "fsspec waits for each column of a small Parquet file",
        f"{_FILESYSTEM}/readahead.py",
        "first > 0 and size <= self._near",
        "False",
        _READAHEAD,
        caught_by="test_a_reader_of_a_small_file_with_an_index_waits_once",
    ),
    Mutant(
        "fsspec drops what it requested ahead when a reader goes back a little",
        f"{_FILESYSTEM}/readahead.py",
        "0 < first - start <= _BACK:",
        "False:",
        _READAHEAD,
        caught_by="test_a_reader_in_several_threads_may_go_back_a_little",
    ),
    Mutant(
        "fsspec opens a Parquet file at its start",
        f"{_FILESYSTEM}/reading.py",
        "    if last and getattr(",
        "    if False and getattr(",
        ("libcloud/test/storage/test_filesystem_suffixes.py",),
        caught_by="test_a_file_whose_index_is_at_its_end_is_opened_there",
    ),
)
