# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in what is believed of a response; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test/storage"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"

_EVIDENCE = (f"{_TESTS}/test_s3_evidence.py",)
_DELETE = (f"{_TESTS}/test_s3_delete.py",)
_RANGES = (f"{_TESTS}/transfer/download/test_ranges.py",)
_EXTENTS = (f"{_TESTS}/test_s3_extents.py",)
_VERSIONS = (f"{_TESTS}/test_filesystem_versions.py",)

_UPLOADS = (
    Mutant(
        "any empty success is believed to be the store's",
        f"{_S3}/http_response.py",
        '    if "etag" in found or not driver.profile.multipart_etag or names_object(found):',
        "    if True:",
        _EVIDENCE,
        caught_by="test_an_upload_is_not_believed_without_a_sign_of_a_store",
    ),
    Mutant(
        "an empty success proves an empty object",
        f"{_S3}/http_response.py",
        "length != str(size) or not (size or named):",
        "length != str(size):",
        _EVIDENCE,
        caught_by="test_an_empty_success_does_not_prove_an_empty_object",
    ),
)

_DOWNLOADS = (
    Mutant(
        "another range is passed on",
        "libcloud/storage/transfer/download/port.py",
        "    if first != (start or 0) or wrong_end or last < first:",
        "    if last < first:",
        _RANGES,
        caught_by="test_the_length_of_a_whole_object",
    ),
    Mutant(
        "the length of a range is not compared",
        "libcloud/storage/transfer/download/port.py",
        "    if length is not None and length != last - first + 1:",
        "    if False:",
        _RANGES,
        caught_by="test_another_range_than_the_requested_one",
    ),
    Mutant(
        "a throttled range of a download goes unnoticed",
        "libcloud/storage/transfer/client.py",
        "    if failure.throttled:\n        retries",
        "    if False:\n        retries",
        ("libcloud/test/storage/transfer/download/test_body.py",),
        caught_by="test_a_throttled_range_lowers_the_limit_of_the_store",
    ),
    Mutant(
        "more bytes than asked for are given away",
        "libcloud/storage/transfer/download/body.py",
        "        if length is not None and received > length:",
        "        if False:",
        _EXTENTS,
        caught_by="test_excess_bytes_are_not_given_away",
    ),
    Mutant(
        "a body without a length that ends early is whole",
        "libcloud/storage/transfer/download/start.py",
        "            expected = known_size(obj)",
        "            expected = None",
        _EXTENTS,
        caught_by="test_a_whole_body_without_a_length_is_compared_with_the_size",
    ),
    Mutant(
        "the size of the object is not compared",
        "libcloud/storage/transfer/download/start.py",
        "    if None in (size, extent.total) or size == extent.total:",
        "    if True:",
        _EXTENTS,
        caught_by="test_another_size_of_the_object_means_that_it_was_replaced",
    ),
    Mutant(
        "a store that ignores conditions gives another version",
        "libcloud/storage/transfer/download/port.py",
        "        return strip_etag(self.etag) == strip_etag(etag)",
        "        return True",
        _EXTENTS,
        caught_by="test_ranges_of_a_version_are_never_of_another",
    ),
    Mutant(
        "a version without an ETag is any version",
        "libcloud/storage/transfer/download/port.py",
        "        return not (self.modified and modified) or self.modified == modified",
        "        return True",
        _RANGES,
        caught_by="test_whether_a_response_is_of_a_version",
    ),
    Mutant(
        "parts of two versions are published as a copy",
        "libcloud/storage/s3/copying.py",
        "        if self._source_has_changed():\n            raise self._changed()\n        return",
        "        return",
        (f"{_TESTS}/test_s3_copy_faults.py",),
        caught_by="test_a_store_without_conditions_does_not_publish_parts_of_two_versions",
    ),
    Mutant(
        "fsspec reads whatever is there",
        "libcloud/storage/filesystem/reading.py",
        "    if pinned is not None:\n",
        "    if pinned is not None and False:\n",
        _VERSIONS,
        caught_by="test_a_store_that_refuses_conditions_is_read_without_them",
    ),
    Mutant(
        "metadata that a store returns as UTF-8 is read as Latin-1",
        "libcloud/storage/metadata.py",
        "value if value.isascii() else from_utf8(value)",
        "value",
        (f"{_TESTS}/s3/test_headers.py",),
        caught_by="test_text_that_a_store_returns_as_utf_8_is_read",
    ),
    Mutant(
        "fsspec does not look at the files of other drivers again",
        "libcloud/storage/filesystem/reading.py",
        "    if not same_version(current, obj):",
        "    if False:",
        _VERSIONS,
        caught_by="test_files_of_other_drivers_expire_too",
    ),
)

_SUCCESSES = (
    Mutant(
        "a web page counts as deleted",
        f"{_S3}/requests.py",
        '    if request.method == "DELETE":\n        return True\n',
        '    if request.method == "DELETE":\n        return False\n',
        _EVIDENCE,
        caught_by="test_another_document_than_the_one_of_the_operation_is_malformed",
    ),
    Mutant(
        "a web page counts as a container",
        f"{_S3}/http_response.py",
        "if is_page_of_object(found) if of_object else transfer.client.is_web_page(found, ()):",
        "if of_object and is_page_of_object(found):",
        _EVIDENCE,
        caught_by="test_a_page_is_neither_a_container_nor_an_object",
    ),
    Mutant(
        "a web page counts as an object",
        f"{_S3}/http_response.py",
        "return is_html and not names_object(headers)",
        "return False",
        _EVIDENCE,
        caught_by="test_a_page_is_neither_a_container_nor_an_object",
    ),
    Mutant(
        "an object must not be a web page",
        f"{_S3}/http_response.py",
        "return is_html and not names_object(headers)",
        "return is_html",
        _EVIDENCE,
        caught_by="test_an_object_may_be_a_web_page",
    ),
    Mutant(
        "any document counts as stored",
        f"{_S3}/http_response.py",
        'return not etag and not root["name"].startswith(_DOCUMENTS[method])',
        "return False",
        _EVIDENCE,
        caught_by="test_another_document_than_the_one_of_the_operation_is_malformed",
    ),
    Mutant(
        "a part without an ETag fails the upload",
        f"{_S3}/http_response.py",
        'raise MalformedResponseError(f"{what}: the response has no ETag", driver=driver)',
        'raise LibcloudError(f"{what}: the response has no ETag", driver=driver)',
        _EVIDENCE,
        caught_by="test_a_part_without_an_etag_is_sent_again",
    ),
    Mutant(
        "the ETag of another writer taken",
        f"{_S3}/upload_port.py",
        "if expected not in (None, etag) and not self._verifier.is_opaque(found):",
        "if False:",
        _EVIDENCE,
        caught_by="test_the_etag_of_another_writer_is_not_mistaken_for_ones_own",
    ),
    Mutant(
        "a wrong checksum of the object tried again",
        f"{_S3}/upload_port.py",
        'getattr(error, "code", None) == "BadDigest":',
        "False:",
        _EVIDENCE,
        caught_by="test_a_bad_digest_of_a_complete_is_permanent",
    ),
    Mutant(
        "keys that are not mentioned count as deleted",
        "libcloud/storage/s3/deletion.py",
        "elif quiet or key in deleted:",
        "else:",
        _DELETE,
        caught_by="test_a_quiet_response_with_an_error_of_no_known_key_confirms_nothing",
    ),
    Mutant(
        "a response without a body is a deletion that failed",
        "libcloud/storage/s3/deletion.py",
        "        if not s3.http_response.text_of(response.body).strip():",
        "        if False:",
        _DELETE,
        caught_by="test_a_response_without_a_body_confirms_no_key",
    ),
    Mutant(
        "what is not there counts as not deleted",
        "libcloud/storage/s3/deletion.py",
        "if key in errors and errors[key][0] in _NO_LONGER_THERE:",
        "if False:",
        _DELETE,
        caught_by="test_what_the_store_does_not_find_counts_as_deleted",
    ),
    Mutant(
        "a store that refuses conditions cannot be read by ranges",
        "libcloud/storage/transfer/download/start.py",
        "condition(selection.validator.conditions())",
        "selection.validator.conditions()",
        _VERSIONS,
        caught_by="test_a_store_that_refuses_conditions_is_read_without_them",
    ),
    Mutant(
        "a quiet answer with an error of no key confirms the rest",
        "libcloud/storage/s3/deletion.py",
        "quiet = self._quiet and {*errors, *deleted} <= known",
        "quiet = self.quiet",
        _DELETE,
        caught_by="test_a_quiet_response_with_an_error_of_no_known_key_confirms_nothing",
    ),
)

MUTANTS = _SUCCESSES + _UPLOADS + _DOWNLOADS
