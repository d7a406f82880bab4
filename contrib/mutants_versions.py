# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in versions, tags, locks and lifecycle rules; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_S3 = "libcloud/storage/s3"
_TESTS = "libcloud/test/storage"
_READ = (f"{_TESTS}/test_s3_versions.py",)
_DELETED = (f"{_TESTS}/test_s3_versioning.py",)
_SETTINGS = (f"{_TESTS}/test_s3_settings.py",)
_COMMAND = ("libcloud/test/cli/test_versions.py",)
_TEE = ("libcloud/test/cli/test_tee.py",)

_LIBRARY = (
    Mutant(
        "an object with a version id is read as the newest",
        f"{_S3}/objects.py",
        '    return version_id if getattr(profile, "versions", True) else None\n',
        "    return None\n",
        _READ,
        caught_by="test_an_object_that_was_uploaded_is_read_as_that_version",
    ),
    Mutant(
        "an uploaded object is deleted for good",
        f"{_S3}/objects.py",
        "    return obj.version_id if isinstance(obj, ObjectVersion) else None\n",
        '    return obj.extra.get("version_id")\n',
        _DELETED,
        caught_by="test_an_object_that_is_deleted_keeps_its_versions",
    ),
    Mutant(
        "a store that ignores the version id passes",
        f"{_S3}/objects.py",
        "    if version_id is None or found == version_id:\n",
        "    if True:\n",
        _READ,
        caught_by="test_a_store_that_ignores_the_id_is_noticed",
    ),
    Mutant(
        "the newest version is read in place of one that may not be",
        f"{_S3}/objects.py",
        "    return read(None, validator_of(obj))\n",
        "    return read(None, None)\n",
        _READ,
        caught_by="test_a_user_who_may_not_read_versions_reads_what_was_uploaded",
    ),
    Mutant(
        "a version that was requested by its id is read as the newest if it may not be read",
        f"{_S3}/objects.py",
        "if isinstance(obj, ObjectVersion) or not obj.hash:",
        "if not obj.hash:",
        _READ,
        caught_by="test_a_user_who_may_not_read_versions_reads_what_was_uploaded",
    ),
    Mutant(
        "versions of longer names are taken for those of the object",
        f"{_S3}/objects.py",
        "            if object_name is not None and record.key != object_name:\n",
        "            if False:\n",
        _READ,
        caught_by="test_only_versions_of_the_object_are_listed_not_of_longer_names",
    ),
    Mutant(
        "only one delete marker is deleted to restore an object",
        f"{_S3}/objects.py",
        "    for marker in markers:\n",
        "    for marker in markers[:1]:\n",
        _DELETED,
        caught_by="test_an_object_that_was_deleted_twice_is_restored",
    ),
    Mutant(
        "a listing of versions continues at the next key",
        f"{_S3}/requests.py",
        '("version-id-marker", version_id if key else None)',
        '("version-id-marker", None)',
        _READ,
        caught_by="test_a_listing_of_many_pages_is_complete",
    ),
    Mutant(
        "a copy is of the newest version",
        f"{_S3}/copying.py",
        "        return self.place.path + version\n",
        "        return self.place.path\n",
        _READ,
        caught_by="test_a_copy_is_of_the_version",
    ),
    Mutant(
        "deletions of many versions name only the keys",
        f"{_S3}/requests.py",
        'version = "" if version_id is None else _element("VersionId", _key(version_id))',
        'version = ""',
        _DELETED,
        caught_by="test_versions_are_deleted_together",
    ),
    Mutant(
        "the rule for uploads replaces all other rules",
        f"{_S3}/settings.py",
        'others = [rule for rule in rules if rule.word("ID") != RULE_ID]',
        "others: list[Node] = []",
        _SETTINGS,
        caught_by="test_other_rules_stay_as_they_are",
    ),
    Mutant(
        "the default size of transitions is reset",
        f"{_S3}/settings.py",
        "kept = {_KEPT: headers[_KEPT]} if _KEPT in headers else {}",
        "kept: dict[str, str] = {}",
        _SETTINGS,
        caught_by="test_other_rules_stay_as_they_are",
    ),
    Mutant(
        "tags are those of the newest version",
        f"{_S3}/settings.py",
        "s3.requests.of_version(request, self.version_id)",
        "request",
        _SETTINGS,
        caught_by="test_each_version_has_its_own_tags",
    ),
)

_PROGRAM = (
    Mutant(
        "undelete deletes what was stored meanwhile",
        "libcloud/cli/buckets.py",
        'any(marker.version_id == "null" for marker in markers) and',
        "False and",
        _COMMAND,
        caught_by="test_an_object_that_is_stored_while_another_is_restored_is_not_deleted",
    ),
    Mutant(
        "a delete marker cannot be deleted",
        "libcloud/cli/rm.py",
        "    of_versions = versions or store.settings.version_id is not None",
        "    of_versions = versions",
        _COMMAND,
        caught_by="test_an_object_is_restored_by_deleting_its_delete_marker",
    ),
    Mutant(
        "rb --force leaves versions behind",
        "libcloud/cli/buckets.py",
        "    if store.keeps_versions:\n",
        "    if False:\n",
        _COMMAND,
        caught_by="test_a_bucket_with_versions_is_deleted_by_force",
    ),
    Mutant(
        "tee stores the input although its reader has gone",
        "libcloud/cli/put.py",
        "                if not ignore_closed:\n",
        "                if False:\n",
        _TEE,
        caught_by="test_a_reader_that_closes_the_output",
    ),
    Mutant(
        "tee passes nothing on",
        "libcloud/cli/put.py",
        "                    output.write(piece)\n",
        "                    pass\n",
        _TEE,
        caught_by="test_the_input_is_stored_and_passed_on",
    ),
)

MUTANTS = _LIBRARY + _PROGRAM
