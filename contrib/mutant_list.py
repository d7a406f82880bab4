# SPDX-License-Identifier: Apache-2.0
"""The planted bugs of ``mutants.py``: where, what, and which tests must notice."""

from __future__ import annotations

from mutant import Mutant
from mutants_access import MUTANTS as ACCESS
from mutants_arguments import MUTANTS as ARGUMENTS
from mutants_azure import MUTANTS as AZURE
from mutants_command import MUTANTS as COMMAND
from mutants_engine import MUTANTS as ENGINE
from mutants_fast_path import MUTANTS as FAST_PATH
from mutants_faults import MUTANTS as FAULTS
from mutants_files import MUTANTS as FILES
from mutants_foreign_drivers import MUTANTS as FOREIGN_DRIVERS
from mutants_fsspec import MUTANTS as FSSPEC
from mutants_integrity import MUTANTS as INTEGRITY
from mutants_listings import MUTANTS as LISTINGS
from mutants_migrate import MUTANTS as MIGRATE
from mutants_plan import MUTANTS as PLAN
from mutants_requests import MUTANTS as REQUESTS
from mutants_responses import MUTANTS as RESPONSES
from mutants_scaleout import MUTANTS as SCALEOUT
from mutants_secrets import MUTANTS as SECRETS
from mutants_stores import MUTANTS as STORES
from mutants_streamed import MUTANTS as STREAMED
from mutants_swift import MUTANTS as SWIFT
from mutants_versions import MUTANTS as VERSIONS
from mutants_workers import MUTANTS as WORKERS

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"

_MULTIPART = (f"{_TESTS}/storage/test_s3_multipart.py",)
_FAILURES = (f"{_TESTS}/storage/test_s3_failures.py",)
_DOWNLOADS = (f"{_TESTS}/storage/test_s3_downloads.py",)
_DEFECTS = (f"{_TESTS}/storage/test_defects.py",)
_PAGES = (f"{_TESTS}/storage/test_s3_pages.py",)
_INTEGRITY = (f"{_TESTS}/storage/s3/test_integrity.py",)
_HEADERS = (f"{_TESTS}/storage/s3/test_headers.py",)

_UPLOADS = (
    Mutant(
        "empty part bodies",
        f"{_S3}/upload_port.py",
        "response = send(bytes(body) if self._copy_bodies else body)",
        'response = send(b"")',
        _MULTIPART,
        caught_by="test_the_bytes_of_the_parts_are_those_of_the_source",
    ),
    Mutant(
        "parts numbered from 0",
        f"{_S3}/requests.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", str(number - 1)), ("uploadId", upload_id))',
        _MULTIPART,
        caught_by="test_the_bytes_of_the_parts_are_those_of_the_source",
    ),
    Mutant(
        "every part sent as 1",
        f"{_S3}/requests.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", "1"), ("uploadId", upload_id))',
        _MULTIPART,
        caught_by="test_the_bytes_of_the_parts_are_those_of_the_source",
    ),
    Mutant(
        "upload id missing on parts",
        f"{_S3}/requests.py",
        '(("partNumber", str(number)), ("uploadId", upload_id))',
        '(("partNumber", str(number)),)',
        _MULTIPART,
        caught_by="test_the_bytes_of_the_parts_are_those_of_the_source",
    ),
    Mutant(
        "parts committed in reverse",
        f"{_S3}/upload_port.py",
        "[(part.number, part.etag) for part in parts],",
        "[(part.number, part.etag) for part in parts][::-1],",
        _MULTIPART,
        caught_by="test_one_upload_has_one_id_and_parts_without_a_gap",
    ),
    Mutant(
        "last part left out",
        f"{_S3}/upload_port.py",
        "[(part.number, part.etag) for part in parts],",
        "[(part.number, part.etag) for part in parts][:-1],",
        _MULTIPART,
        caught_by="test_the_bytes_of_the_parts_are_those_of_the_source",
    ),
    Mutant(
        "commit without ETags",
        f"{_S3}/upload_port.py",
        "[(part.number, part.etag) for part in parts],",
        '[(part.number, "") for part in parts],',
        _MULTIPART,
        caught_by="test_one_upload_has_one_id_and_parts_without_a_gap",
    ),
    Mutant(
        "the error in a 200 ignored",
        "libcloud/storage/drivers/s3.py",
        "self._client.parse(s3.responses.parse_complete, response, what)",
        "s3.responses.Published(response.headers.get('etag', ''), {})",
        _FAILURES,
        caught_by="test_an_object_of_other_parts_is_not_recognized",
    ),
    Mutant(
        "a condition that fails in a 200 is any error",
        "libcloud/storage/s3/http_response.py",
        " is not None:\n        return False\n",
        " is not None:\n        return True\n",
        _FAILURES,
        caught_by="test_a_condition_that_fails_within_a_200_is_that_error",
    ),
    Mutant(
        "whatever is there passes for ours",
        f"{_S3}/upload_port.py",
        "            verdict = self._verdict(etag, parts, size, found)\n",
        "            verdict = Confirmation.STORED\n",
        _FAILURES,
        caught_by="test_an_object_of_other_parts_is_not_recognized",
    ),
    Mutant(
        "other parts than were sent go unnoticed",
        f"{_S3}/integrity.py",
        "        if etag != expected:",
        "        if False:",
        _FAILURES,
        caught_by="test_an_object_of_other_parts_is_not_recognized",
    ),
)

_VALUES = (
    Mutant(
        "metadata dropped on Create",
        f"{_S3}/headers.py",
        "return name not in _CONDITIONS and not describes_body",
        'return name not in _CONDITIONS and "-meta-" not in name',
        _HEADERS,
        caught_by="test_each_request_gets_the_headers_it_knows",
    ),
    Mutant(
        "conditions lost on the way to Complete",
        f"{_S3}/headers.py",
        "if step is Step.COMPLETE and name in _CONDITIONS:",
        "if False:",
        _HEADERS,
        caught_by="test_each_request_gets_the_headers_it_knows",
    ),
    Mutant(
        "the customer's key kept from the parts",
        f"{_S3}/headers.py",
        "return step not in (Step.ABORT,) and name.startswith(_CUSTOMER_KEY)",
        "return step not in (Step.ABORT, Step.PART) and name.startswith(_CUSTOMER_KEY)",
        _HEADERS,
        caught_by="test_each_request_gets_the_headers_it_knows",
    ),
    Mutant(
        "payload digest of other bytes",
        f"{_S3}/integrity.py",
        "value = hashed(_HASHES[algorithm](), body).digest()",
        'value = hashed(_HASHES[algorithm](), b"x").digest()',
        _INTEGRITY,
        caught_by="test_digests_as_they_are_written_in_the_specifications",
    ),
    Mutant(
        "no Content-MD5",
        f"{_S3}/integrity.py",
        'header = "Content-MD5" if algorithm == "md5"',
        'header = "x-content-md5" if algorithm == "md5"',
        _INTEGRITY,
        caught_by="test_a_digest_is_that_of_the_whole_body",
    ),
    Mutant(
        "a body over http is not signed",
        f"{_S3}/integrity.py",
        'return "none-unsigned" if secure else "sha256"',
        'return "none-unsigned"',
        _INTEGRITY,
        caught_by="test_a_body_over_http_is_never_unsigned",
    ),
    Mutant(
        "the CRC of the whole is that of the last part",
        f"{_S3}/checksums.py",
        "return _product(polynomial, _shift(polynomial, second_length), first) ^ second",
        "return second",
        (f"{_TESTS}/storage/s3/test_crc.py",),
        caught_by="test_nothing_added_changes_nothing",
    ),
    Mutant(
        "object names rewritten",
        f"{_S3}/names.py",
        "    if _UNRESERVED.fullmatch(name):\n        return name\n",
        '    if _UNRESERVED.fullmatch(name):\n        return name.replace("//", "/")\n',
        (f"{_TESTS}/storage/test_s3_names.py",),
        caught_by="test_an_unfinished_upload_of_any_name_is_listed_and_removed",
    ),
    Mutant(
        "sub-resources not signed",
        "libcloud/common/signing/sigv2.py",
        "    uploadId uploads",
        "    uploads",
        _MULTIPART,
        caught_by="test_version_2_sends_the_md5_of_each_part_and_nothing_else",
    ),
)

_READING = (
    Mutant(
        "range end off by one",
        "libcloud/storage/driver_helpers.py",
        "end_bytes - 1",
        "end_bytes",
        _DOWNLOADS,
        caught_by="test_download_object_range_success",
    ),
    Mutant(
        "short download unnoticed",
        "libcloud/storage/transfer/download/body.py",
        "    if length is not None and received < length:",
        "    if False:",
        _DOWNLOADS,
        caught_by="test_download_object_invalid_file_size",
    ),
    Mutant(
        "a broken download is put in its place",
        "libcloud/storage/destination.py",
        "            if keep_partial:\n                file.commit()\n            raise",
        "            file.commit()\n            raise",
        _DOWNLOADS,
        caught_by="test_a_download_that_breaks_off_leaves_nothing_under_the_final_name",
    ),
    Mutant(
        "a name chooses its file",
        "libcloud/storage/destination.py",
        "    if escapes or not (exists is not None or is_inside(path, directory)):",
        "    if False:",
        _DEFECTS,
        caught_by="test_g07_a_name_does_not_choose_a_file_elsewhere",
    ),
    Mutant(
        "listing stops after page one",
        "libcloud/storage/transfer/client.py",
        "            if not is_truncated:\n",
        "            if True:\n",
        _PAGES,
        caught_by="test_a_listing_that_cannot_continue_is_an_error",
    ),
)

_CONNECTION = (
    Mutant(
        "dot segments normalised",
        "libcloud/http/adapter.py",
        '    return current.target if url.startswith("/") else split_url(url)[0] + current.target',
        "    return url",
        (f"{_TESTS}/test_http_wire.py",),
        caught_by="test_a_target_arrives_as_it_is_given",
    ),
    Mutant(
        "sent again without going back",
        "libcloud/common/connection.py",
        "                rewind()\n",
        "                pass\n",
        (f"{_TESTS}/common/test_retry.py",),
        caught_by="test_each_attempt_sends_the_whole_body",
    ),
    Mutant(
        "headers of the call changed",
        "libcloud/common/connection.py",
        "self.add_default_headers(dict(headers or {}))",
        "self.add_default_headers({} if headers is None else headers)",
        (f"{_TESTS}/test_connection.py",),
        caught_by="test_hooks_run_in_their_order_and_on_copies",
    ),
    Mutant(
        "timeouts dropped",
        "libcloud/http/__init__.py",
        'usual = getattr(self._session, "timeout", self._timeout)',
        "usual = 3600.0",
        (f"{_TESTS}/test_http.py::test_each_request_has_the_timeout_of_the_session",),
    ),
    Mutant(
        "credentials follow a redirect",
        "libcloud/http/__init__.py",
        "follows = ALLOW_REDIRECTS if follows is None else follows",
        "follows = ALLOW_REDIRECTS",
        (f"{_TESTS}/test_http.py",),
        caught_by="test_a_connection_can_refuse_to_be_sent_elsewhere",
    ),
)

MUTANTS = (
    ENGINE
    + PLAN
    + WORKERS
    + FSSPEC
    + INTEGRITY
    + LISTINGS
    + MIGRATE
    + REQUESTS
    + FAST_PATH
    + FAULTS
    + RESPONSES
    + ACCESS
    + FOREIGN_DRIVERS
    + FILES
    + ARGUMENTS
    + AZURE
    + SCALEOUT
    + STREAMED
    + SECRETS
    + STORES
    + SWIFT
    + VERSIONS
    + COMMAND
    + _UPLOADS
    + _VALUES
    + _READING
    + _CONNECTION
)
