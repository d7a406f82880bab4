# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in checksums, and in what an upload asks of the store beside its data."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test/storage"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"
_DOWNLOAD = "libcloud/storage/transfer/download"

_INTEGRITY = (f"{_TESTS}/s3/test_integrity.py",)
_CHECKSUMS = (f"{_TESTS}/test_s3_checksums.py",)
_OPTIONS = (f"{_TESTS}/test_s3_options.py",)

_VERIFIED = (f"{_TESTS}/test_s3_verified.py",)
_PARALLEL = (f"{_TESTS}/test_s3_parallel_downloads.py",)

MUTANTS = (
    Mutant(
        "a download that differs from its checksum goes unnoticed",
        f"{_DOWNLOAD}/port.py",
        "if digest == self.expected:",
        "if True:",
        _VERIFIED,
        caught_by="test_one_flipped_bit_is_noticed",
    ),
    Mutant(
        "the checksum of parts taken for that of the bytes",
        f"{_S3}/checksums.py",
        'if headers.get(f"{HEADER}type", "FULL_OBJECT").upper() != "FULL_OBJECT":',
        "if False:",
        _VERIFIED,
        caught_by="test_an_etag_that_is_not_a_digest_is_not_compared",
    ),
    Mutant(
        "the ETag of an encrypted object taken for its MD5",
        f"{_S3}/download_port.py",
        "wanted is True and not s3.integrity.encrypted(headers)",
        "wanted is True",
        _VERIFIED,
        caught_by="test_an_etag_that_is_not_a_digest_is_not_compared",
    ),
    Mutant(
        "parts that a worker failed to fetch are left out",
        f"{_DOWNLOAD}/parallel.py",
        "            self._state[part] = _PENDING\n",
        "            self._state[part] = _DONE\n            self._remaining -= 1\n",
        _PARALLEL,
        caught_by="test_a_part_that_a_helper_fails_to_get_is_waited_for",
    ),
    Mutant(
        "ranges written one part too early",
        f"{_DOWNLOAD}/parallel.py",
        "position = start = part * parts.size",
        "position = start = max(part - 1, 0) * parts.size",
        _PARALLEL,
        caught_by="test_the_last_parts_come_as_ranges_of_the_same_version",
    ),
    Mutant(
        "a part that was not fetched counts as fetched",
        f"{_DOWNLOAD}/parallel.py",
        "            parts.release(part)\n            return False",
        "",
        _PARALLEL,
        caught_by="test_a_part_that_a_helper_fails_to_get_is_waited_for",
    ),
    Mutant(
        "workers that are not waited for",
        f"{_DOWNLOAD}/parallel.py",
        "                    self._join()\n                    claimed = parts.claim",
        "                    claimed = parts.claim",
        _PARALLEL,
        caught_by="test_a_part_that_a_helper_fails_to_get_is_waited_for",
    ),
    Mutant(
        "connections are added while others are being opened",
        f"{_DOWNLOAD}/parallel.py",
        "            if self._opening:",
        "            if False:",
        _PARALLEL,
        caught_by="test_no_connection_is_added_while_one_is_being_opened",
    ),
    Mutant(
        "parts are not verified",
        f"{_DOWNLOAD}/parallel.py",
        "        if verification is not None:\n            assert",
        "        if False:\n            assert",
        _PARALLEL,
        caught_by="test_a_flipped_bit_is_noticed_wherever_it_is",
    ),
    Mutant(
        "a range compared with the checksum of the whole",
        f"{_DRIVERS}/s3.py",
        "        verify: bool | None = False,",
        "        verify: bool | None = True,",
        _VERIFIED,
        caught_by="test_ranges_are_not_compared",
    ),
    Mutant(
        "a condition sent to a store that ignores it",
        f"{_S3}/options.py",
        'if {"If-None-Match", "If-Match"} & {*asked} and not profile.conditional_writes:',
        "if False:",
        _OPTIONS,
        caught_by="test_a_store_that_may_ignore_conditions_gets_no_request",
    ),
    Mutant(
        "a customer's key sent over http",
        f"{_S3}/options.py",
        '    if is_secret and not getattr(driver.connection, "secure", False):',
        "    if False:",
        _OPTIONS,
        caught_by="test_nothing_is_sent_when_an_option_is_invalid",
    ),
    Mutant(
        "a locked object without a checksum",
        f"{_S3}/integrity.py",
        "if profile.checks_payload and not locked:",
        "if profile.checks_payload:",
        _OPTIONS,
        caught_by="test_a_locked_object_carries_a_checksum_in_addition_to_the_signature",
    ),
    Mutant(
        "CRC-32C combined by the polynomial of CRC-32",
        f"{_S3}/checksums.py",
        '_awscrt("crc32c", 4), CRC32C)',
        '_awscrt("crc32c", 4), CRC32)',
        _INTEGRITY,
        caught_by="test_the_checksum_of_the_whole_is_that_of_the_data",
    ),
    Mutant(
        "a checksum that the store tells otherwise goes unnoticed",
        f"{_S3}/integrity.py",
        "return self.value == self.expected",
        "return True",
        _CHECKSUMS,
        caught_by="test_an_object_that_arrived_as_another_is_sent_again",
    ),
    Mutant(
        "a damaged part fails the upload at once",
        f"{_S3}/upload_port.py",
        "transient=step is not Step.COMPLETE, contradicted=True",
        "transient=False, contradicted=True",
        _CHECKSUMS,
        caught_by="test_an_object_that_arrived_as_another_is_sent_again",
    ),
    Mutant(
        "the checksum of a lost answer not asked for",
        f"{_S3}/integrity.py",
        'return {f"{HEADER}mode": "ENABLED"} if digest.algorithm in CRCS else {}',
        "return {}",
        _CHECKSUMS,
        caught_by="test_the_checksum_identifies_the_object_where_the_etag_does_not",
    ),
    Mutant(
        "a checksum said to be confirmed that was only sent",
        f"{_S3}/integrity.py",
        "        if found is None:\n            return\n",
        "        if found is None:\n"
        '            self.checksum = {"algorithm": digest.algorithm, "value": ""}\n'
        "            return\n",
        _CHECKSUMS,
        caught_by="test_a_checksum_that_the_store_does_not_return_is_not_confirmed",
    ),
    Mutant(
        "an answer that tells of other data taken for the truth",
        "libcloud/storage/transfer/upload/machine.py",
        "        if failure.contradicted or failure.effect_unknown:\n",
        "        if failure.effect_unknown:\n",
        ("libcloud/test/storage/transfer/upload/test_machine.py",),
        caught_by="test_rule_5_a_request_that_arrived_damaged_is_repeated",
    ),
    Mutant(
        "parts grow beyond the memory that was set",
        "libcloud/storage/transfer/upload/session.py",
        "replace(limits, max_part_size=bound)",
        "limits",
        ("libcloud/test/storage/transfer/upload/test_memory.py",),
        caught_by="test_parts_of_an_unknown_length_grow_no_further_than_the_memory",
    ),
    Mutant(
        "an interrupted request is certain to have had no effect",
        "libcloud/cli/meter.py",
        "            self.sent += size",
        "            pass",
        ("libcloud/test/cli/test_signals.py",),
        caught_by="test_an_interrupted_request_is_unknown_to_the_store_until_it_is_sent",
    ),
    Mutant(
        "a response that was compressed on the way passes for the object",
        "libcloud/storage/transfer/download/saving.py",
        "coding.strip().lower() not in _COMPRESSED",
        "True",
        ("libcloud/test/storage/test_s3_compressed.py",),
        caught_by="test_a_response_that_was_compressed_on_the_way_is_an_error",
    ),
    Mutant(
        "data of one version is described as another",
        "libcloud/storage/transfer/download/saving.py",
        "if etag and obj.hash and etag != obj.hash:",
        "if False:",
        ("libcloud/test/storage/test_s3_compressed.py",),
        caught_by="test_an_object_that_is_replaced_before_it_is_described_is_an_error",
    ),
    Mutant(
        "a response without a length may end early",
        "libcloud/storage/transfer/download/saving.py",
        "if whole and _is_own(driver, started.response):",
        "if False:",
        ("libcloud/test/storage/test_s3_compressed.py",),
        caught_by="test_a_response_without_a_length_that_ends_early_is_an_error",
    ),
    Mutant(
        "a length that is repeated is no number",
        "libcloud/http/received.py",
        "elif len(_listed(",
        "elif response.length is None and len(_listed(",
        ("libcloud/test/storage/test_s3_compressed.py",),
        caught_by="test_a_length_that_is_repeated_counts_once",
    ),
)
