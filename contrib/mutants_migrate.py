# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of the migration of buckets; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test/storage/scaleout"
_COPYING = "libcloud/storage/copying.py"


def _mutant(
    name: str, module: str, old: str, new: str, caught_by: str, tests: str = "migrate"
) -> Mutant:
    path = module if "/" in module else f"libcloud/storage/scaleout/{module}.py"
    return Mutant(name, path, old, new, (f"{_TESTS}/test_{tests}.py",), caught_by)


MUTANTS = (
    _mutant(
        "a throttled shard of a migration counts as done",
        "shards",
        "    if len(records) < len(entries):",
        "    if False:",
        "test_a_throttled_task_ends_early_and_what_it_copied_is_kept",
        "migrate_throttled",
    ),
    _mutant(
        "the rest of a throttled shard is forgotten",
        "migrate",
        "                self._remaining.shards.append(str(task))\n",
        "",
        "test_a_throttled_task_ends_early_and_what_it_copied_is_kept",
        "migrate_throttled",
    ),
    _mutant(
        "a migration takes objects of the same size for the same",
        "places",
        "            if self.content == other.content:\n                return True\n",
        "            return True\n",
        "test_other_data_of_the_same_size_is_replaced_and_reported",
        "migrate_copies",
    ),
    _mutant(
        "a migration takes an old object for its own copy",
        "places",
        "other.modified > since",
        "other.modified >= since",
        "test_what_is_the_same_data",
        "migrate_entries",
    ),
    _mutant(
        "a migration does not check the last key of a range",
        "places",
        "    for bound in missing:\n        _check_deleted(place, bound)\n",
        "",
        "test_a_bound_that_is_not_listed_is_an_error",
        "migrate_entries",
    ),
    _mutant(
        "a migration does not check the first key of a range",
        "places",
        "            _check_deleted(place, after)\n            missing.discard(after)\n",
        "            missing.discard(after)\n",
        "test_a_bound_that_is_not_listed_is_an_error",
        "migrate_entries",
    ),
    _mutant(
        "a migration leaves out the key at which a range begins",
        "places",
        "if after is not None and key <= name_bytes(place.prefix + after):",
        "if after is not None and key <= name_bytes(place.prefix + after) + b'a':",
        "test_a_key_right_after_a_bound_is_listed",
        "migrate_entries",
    ),
    _mutant(
        "a migration copies everything again when it is resumed",
        "shards",
        'if before[key]["outcome"] != "failed"}',
        "if False}",
        "test_failed_objects_are_tried_again_and_no_others",
    ),
    _mutant(
        "a migration takes a list that is lost for an empty one",
        "shards",
        '    entries = [Entry(*record) for record in folder.records(f"list/{shard}")]\n',
        "    entries = []\n    with contextlib.suppress(ObjectDoesNotExistError):\n"
        '        entries = [Entry(*record) for record in folder.records(f"list/{shard}")]\n',
        "test_a_shard_whose_list_is_lost_is_not_mistaken_for_an_empty_one",
    ),
    _mutant(
        "a migration does not try failed objects again",
        "migrate",
        '(retry and summary["outcomes"].get("failed"))',
        "False",
        "test_failed_objects_are_tried_again_and_no_others",
    ),
    _mutant(
        "a migration does not look at what was stored",
        "shards",
        '    if migration.verify != "sent":\n        _verify(migration, records)\n',
        "",
        "test_an_object_that_was_not_stored_is_found_by_the_listing",
        "migrate_copies",
    ),
    _mutant(
        "a migration compares a copy with itself",
        _COPYING,
        "        if self._sha256(self._destination, name) != expected:",
        "        if (found := self._sha256(self._destination, name)) != found:",
        "test_a_copy_that_reads_differently_is_found_by_reading",
        "migrate_copies",
    ),
    _mutant(
        "a migration takes an object that changed for the one listed",
        _COPYING,
        "    has_changed = etag and obj.hash and obj.hash != etag",
        "    has_changed = False",
        "test_an_object_that_changes_or_goes_after_it_was_listed_is_reported",
        "migrate_copies",
    ),
    _mutant(
        "a migration with two coordinators",
        "places",
        'if found.get("run") != run:',
        "if False:",
        "test_a_second_coordinator_takes_over_and_the_first_one_stops",
        "migrate_tasks",
    ),
    _mutant(
        "a migration does not stop its threads",
        "migrate",
        "    with cancellation.active():\n        return task(*arguments)",
        "    with Cancellation().active():\n        return task(*arguments)",
        "test_an_interrupted_migration_stops_its_threads",
        "migrate_tasks",
    ),
    _mutant(
        "a migration does not stop its tasks elsewhere",
        "migrate",
        "        if tasks and self._migration.run:",
        "        if False:",
        "test_an_interrupted_migration_makes_tasks_elsewhere_stop",
        "migrate_tasks",
    ),
    _mutant(
        "a migration goes on without its coordinator",
        "shards",
        "            if time.monotonic() > due:",
        "            if False:",
        "test_a_task_stops_when_another_coordinator_has_started",
        "migrate_tasks",
    ),
    _mutant(
        "a migration is resumed with another source",
        "migrate",
        "        if different:\n",
        "        if False:\n",
        "test_a_job_is_not_resumed_as_another_one",
    ),
    _mutant(
        "a migration of a bucket to itself",
        "migrate",
        "        if _sees_job(migration, found):",
        "        if False:",
        "test_the_same_bucket_is_refused_even_by_another_name",
    ),
    _mutant(
        "a migration takes folders of jobs",
        "shards",
        "        if entry.key.startswith(FOLDER) or not",
        "        if not",
        "test_folders_of_jobs_are_no_data",
    ),
    _mutant(
        "a migration sends credentials to workers",
        "places",
        "    if spec is None:\n",
        "    if local:\n",
        "test_a_container_is_not_sent_to_other_machines",
        "migrate_tasks",
    ),
    _mutant(
        "a migration gives throttled workers as many tasks",
        "migrate",
        "self.size = max(1, self.size // 2) if throttled else",
        "self.size = self.size if throttled else",
        "test_there_are_fewer_tasks_while_a_store_throttles",
    ),
    _mutant(
        "a migration does not count a lost property",
        _COPYING,
        '    if len(metadata) < len(obj.meta_data):\n        found.lost.append("metadata")\n',
        "",
        "test_properties_are_kept_and_what_is_lost_is_counted",
        "migrate_copies",
    ),
    _mutant(
        "a migration takes a page of a proxy for a deletion",
        "shards",
        "    _confirm_deleted(migration, records)\n",
        "",
        "test_an_object_that_is_not_found_but_listed_has_failed",
        "migrate_faults",
    ),
    _mutant(
        "a migration copies a page of a proxy",
        _COPYING,
        "    if etag and not obj.hash and int(obj.size) != size:",
        "    if False:",
        "test_a_page_of_a_proxy_is_not_copied",
        "migrate_faults",
    ),
    _mutant(
        "a list of a migration is written again",
        "shards",
        'attempt = f"{name}-{uuid.uuid4().hex[:8]}"',
        "attempt = name",
        "test_a_list_task_that_ends_late_changes_nothing",
        "migrate_faults",
    ),
    _mutant(
        "a migration that verifies by reading trusts times",
        "shards",
        'since = None if migration.verify == "read" else migration.since',
        "since = migration.since",
        "test_an_unread_copy_of_an_interrupted_run_is_repeated",
        "migrate_faults",
    ),
)
