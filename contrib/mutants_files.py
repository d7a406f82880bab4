# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in what reads and writes local files; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_REPLACE = "libcloud/utils/staging.py"
_SOURCE = "libcloud/storage/transfer/upload/source.py"
_TESTS = "libcloud/test/storage"
_STAGING = ("libcloud/test/test_staging.py",)

MUTANTS = (
    Mutant(
        "a local store keeps a file that was truncated while it was read",
        "libcloud/storage/drivers/local.py",
        "                if size < least:\n",
        "                if False:\n",
        ("libcloud/test/storage/test_local.py",),
        caught_by="test_a_file_that_is_truncated_while_it_is_read_is_not_stored",
    ),
    Mutant(
        "put stores a file that was truncated while it was read",
        "libcloud/cli/sources.py",
        "    if file_size is not None and size < file_size:\n",
        "    if False:\n",
        (f"{_TESTS.rpartition('/')[0]}/cli/test_reading_files.py",),
        caught_by="test_a_file_that_was_truncated_is_an_error[10001]",
    ),
    Mutant(
        "a directory that cannot be read has no objects",
        "libcloud/storage/drivers/_local_tree.py",
        "os.walk(root, onerror=_raise_unless_gone):",
        "os.walk(root):",
        ("libcloud/test/storage/test_local.py",),
        caught_by="test_a_listing_that_cannot_be_completed_is_an_error[d-scandir]",
    ),
    *(
        Mutant(
            f"a source that was cut is published by {way}",
            module,
            code,
            code.replace("raise_if_cut(source)", "None"),
            (f"{_TESTS}/test_s3_foreign_code.py",),
            caught_by="test_a_response_that_is_cut_is_not_published_as_the_whole",
        )
        for way, module, code in (
            ("parts", _SOURCE, "            return raise_if_cut(source)\n"),
            ("one request", "libcloud/utils/files.py", "    raise_if_cut(source)\n"),
        )
    ),
    Mutant(
        "a response that was cut behind a buffer is whole",
        "libcloud/utils/bodies.py",
        "        source = source.raw\n",
        "        pass\n",
        (f"{_TESTS}/test_s3_foreign_code.py",),
        caught_by="test_a_response_that_is_cut_is_not_published_as_the_whole",
    ),
    Mutant(
        "a file that appears during a download is replaced",
        _REPLACE,
        "            if self._overwrite:\n",
        "            if True:\n",
        _STAGING,
        caught_by="test_the_data_are_on_the_disk_before_the_file_has_its_name",
    ),
    Mutant(
        "a new file takes two names",
        _REPLACE,
        "            self._link_unnamed(self._final)\n",
        "            return False\n",
        _STAGING,
        caught_by="test_a_new_file_gets_its_name_in_one_step",
    ),
    Mutant(
        "without hard links a file that appears is replaced",
        _REPLACE,
        "                os.close(os.open(self._final, os.O_CREAT | os.O_EXCL))",
        "                os.close(os.open(self._final, os.O_CREAT))",
        _STAGING,
        caught_by="test_a_file_that_appears_during_a_download_is_not_replaced",
    ),
    Mutant(
        "a killed process leaves its staging file",
        _REPLACE,
        "mode) if flag else -1",
        "mode) if not flag else -1",
        _STAGING,
        caught_by="test_a_killed_process_leaves_nothing",
    ),
    Mutant(
        "a download is lost where links are forbidden",
        _REPLACE,
        "        except OSError:  # forbidden, for example by AppArmor, or there is no /proc",
        "        except FileNotFoundError:",
        _STAGING,
        caught_by="test_where_a_file_needs_a_name_it_has_one",
    ),
    Mutant(
        "on a full disk the staging file stays",
        _REPLACE,
        "                    os.unlink(self._temporary)\n",
        "                    pass\n",
        _STAGING,
        caught_by="test_on_a_full_disk_no_staging_file_stays",
    ),
    Mutant(
        "small pieces are written after large ones that came later",
        _REPLACE,
        "        for data in (collected, more):",
        "        for data in (more, collected):",
        _STAGING,
        caught_by="test_pieces_of_any_size_are_written_in_order",
    ),
    Mutant(
        "a private file can be read by all while it is written",
        _REPLACE,
        "0o600 if is_private else 0o666",
        "0o666",
        _STAGING,
        caught_by="test_while_it_is_written_a_file_is_not_more_readable_than_its_predecessor",
    ),
    Mutant(
        "a file gets its name before its data are on the disk",
        _REPLACE,
        "            _sync(self._descriptor)\n",
        "",
        _STAGING,
        caught_by="test_data_that_do_not_reach_the_disk_are_an_error",
    ),
    Mutant(
        "standard output is replaced by a file",
        _REPLACE,
        "            return os.dup(descriptor)",
        "            pass",
        _STAGING,
        caught_by="test_a_file_that_the_shell_has_opened_is_continued_and_not_replaced",
    ),
    Mutant(
        "a directory that another download removes fails the download",
        _REPLACE,
        "                    if is_other or attempt > _MAX_ATTEMPTS:\n",
        "                    if True:\n",
        _STAGING,
        caught_by="test_a_directory_that_another_download_removes_is_made_again",
    ),
    Mutant(
        "directories of a file that cannot be opened stay",
        _REPLACE,
        "            self._remove_directories()\n            raise",
        "            raise",
        _STAGING,
        caught_by="test_directories_of_a_file_that_cannot_be_opened_are_removed",
    ),
    Mutant(
        "a downloaded file is younger than its object",
        _REPLACE,
        "                os.utime(self._final, (self._modified, self._modified))\n",
        "                pass\n",
        _STAGING,
        caught_by="test_a_file_gets_the_time_that_is_given",
    ),
    Mutant(
        "get lists all objects before the first download",
        "libcloud/cli/get.py",
        "    if not progress.shows_total:\n",
        "    if False:\n",
        ("libcloud/test/cli/test_jobs.py",),
        caught_by="test_objects_are_listed_before_the_first_download_only_to_show_their_total",
    ),
    Mutant(
        "links in a directory of downloads are followed",
        "libcloud/storage/destination.py",
        "            if stat.S_ISLNK(os.lstat(path).st_mode):\n                return None",
        "            os.lstat(path)",
        ("libcloud/test/storage/test_destination.py",),
        caught_by="test_a_name_that_leads_out_of_the_directory_is_refused",
    ),
    Mutant(
        "objects whose names are one file overwrite each other",
        "libcloud/storage/destination.py",
        "        key = os.path.normpath(name)",
        "        key = name",
        _STAGING,
        caught_by="test_names_that_are_one_file_are_noticed",
    ),
    Mutant(
        "a file of /sys has the size that it says",
        "libcloud/utils/files.py",
        'getattr(status, "st_blocks", 1) > 0 or',
        "True or",
        ("libcloud/test/test_files.py",),
        caught_by="test_the_size_of_a_file_is_believed_where_it_can_be",
    ),
    Mutant(
        "a file with a name that no store can hold stops the others",
        "libcloud/cli/options.py",
        " or isinstance(error, LibcloudError):",
        ":",
        ("libcloud/test/cli/test_options.py",),
        caught_by="test_a_name_that_no_store_can_hold_does_not_stop_the_other_files",
    ),
    Mutant(
        "a broken link is skipped",
        "libcloud/cli/sources.py",
        "    if not os.path.exists(entry.path):\n        raise OSError(",
        "    if False:\n        raise OSError(",
        ("libcloud/test/cli/test_sync_safety.py",),
        caught_by="test_a_broken_link_is_an_error_and_nothing_is_deleted",
    ),
)
