# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in the drivers for single S3-compatible stores; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_DRIVERS = "libcloud/storage/drivers"
_B2 = ("libcloud/test/storage/test_backblaze_b2.py",)
_GOOGLE = ("libcloud/test/storage/test_google_multipart.py",)
_LOST = ("libcloud/test/storage/test_lost_responses.py",)
_METADATA = ("libcloud/test/storage/conformance/test_conformance.py",)
_OPTIONAL = ("libcloud/test/storage/test_s3_optional.py",)
_OSS = ("libcloud/test/storage/test_oss.py",)

MUTANTS = (
    Mutant(
        "a request for a token that failed may have had an effect",
        f"{_DRIVERS}/cloudfiles_connection.py",
        "with self._authenticating(), before_sending():\n                if not self._ready:",
        "with self._authenticating():\n                if not self._ready:",
        ("libcloud/test/storage/swift/test_authentication.py",),
        caught_by="test_a_failed_request_for_a_token_has_created_no_container",
    ),
    Mutant(
        "an old container of Azure counts as created after a lost response",
        f"{_DRIVERS}/azure_blobs.py",
        "already, names=names, confirm=is_ours)",
        "already, names=names)",
        _LOST,
        caught_by="test_an_old_azure_container_is_a_conflict_after_a_lost_response_too",
    ),
    Mutant(
        "an old container of Swift counts as created after a lost response",
        f"{_DRIVERS}/swift.py",
        "ContainerAlreadyExistsError, confirm=is_ours)",
        "ContainerAlreadyExistsError)",
        _LOST,
        caught_by="test_an_old_swift_container_with_objects_is_a_conflict_after_a_lost_response_too[24]",
    ),
    Mutant(
        "the account of B2 is authorized for each request",
        f"{_DRIVERS}/backblaze_b2.py",
        "            if self.s3_host is None or force:\n",
        "            if True:\n",
        _B2,
        caught_by="test_threads_that_start_together_authorize_once",
    ),
    Mutant(
        "B2's response may name any host as the endpoint",
        f"{_DRIVERS}/backblaze_b2.py",
        "not B2.owns(host)",
        "False",
        _B2,
        caught_by="test_an_endpoint_of_another_company_gets_no_request",
    ),
    Mutant(
        "copies between two accounts of B2 count as copies within a store",
        "libcloud/storage/s3/client.py",
        "if addressing is None else addressing.host",
        "",
        _B2,
        caught_by="test_accounts_with_different_endpoints_are_different_stores",
    ),
    Mutant(
        "a bucket that requires a Content-MD5 refuses every request once",
        "libcloud/storage/s3/client.py",
        "self.md5_containers.add(container_name)",
        "pass",
        _OPTIONAL,
        caught_by="test_a_bucket_that_retains_objects_gets_the_md5_it_requires",
    ),
    Mutant(
        "after one bucket has required a Content-MD5, all get one",
        "libcloud/storage/s3/client.py",
        "if names[0] in self.md5_containers",
        "if self.md5_containers",
        _OPTIONAL,
        caught_by="test_other_buckets_of_the_driver_get_no_md5",
    ),
    Mutant(
        "OSS gets buckets in the path",
        f"{_DRIVERS}/oss.py",
        '"path" if at_address else "virtual"',
        '"path"',
        _OSS,
        caught_by="test_host_and_region_follow_from_each_other",
    ),
    Mutant(
        "uploads to Google have preconditions that it refuses",
        "libcloud/storage/s3/profiles/services.py",
        "    multipart_conditions=False,\n",
        "",
        _GOOGLE,
        caught_by="test_a_precondition_is_refused_before_anything_is_sent",
    ),
    Mutant(
        "a customer's key for Google is not sent with the parts",
        "libcloud/storage/s3/headers.py",
        '    "x-goog-encryption-algorithm",\n    "x-goog-encryption-key",\n',
        "",
        _GOOGLE,
        caught_by="test_a_customer_s_key_is_sent_with_each_part",
    ),
    Mutant(
        "a lost response to the creation of a container becomes a conflict",
        "libcloud/storage/transfer/client.py",
        "is_open = is_open or unknown or is_outcome_open",
        "is_open = is_open and is_outcome_open",
        _LOST,
        caught_by="test_a_container_is_created_once",
    ),
    Mutant(
        "any conflict at a retry counts as a success",
        "libcloud/storage/transfer/client.py",
        "if not is_open or (confirm is not None and not confirm()):",
        "if not is_open:",
        _LOST,
        caught_by="test_a_copy_over_another_object_is_a_conflict_after_a_lost_response_too",
    ),
    Mutant(
        "a conflict after an attempt that was refused counts as a success",
        "libcloud/storage/transfer/client.py",
        "if not is_open or (confirm is not None and not confirm()):",
        "if confirm is not None and not confirm():",
        _LOST,
        caught_by="test_an_attempt_that_was_refused_leaves_a_conflict_a_conflict",
    ),
    Mutant(
        "metadata of Azure is percent-decoded",
        "libcloud/storage/metadata.py",
        "name[len(prefix) :]: decode_metadata(value if",
        'name[len(prefix) :]: decode_metadata(value.replace("%20", " ") if',
        _METADATA,
        caught_by="test_behaviour[fake-azure-metadata_comes_back_as_it_was_given]",
    ),
    Mutant(
        "an empty value of metadata is lost in Swift",
        "libcloud/storage/swift/requests.py",
        ', "X-Object-Meta-", keeps_empty=False)',
        ', "X-Object-Meta-")',
        ("libcloud/test/storage/swift/test_metadata.py",),
        caught_by="test_an_empty_value_is_kept_although_swift_removes_those",
    ),
    Mutant(
        "a token of Google that was revoked is used until it expires",
        "libcloud/storage/s3/recovery.py",
        "error.status == 401 and attempt.connection.renew_token()",
        "False",
        ("libcloud/test/storage/test_google_multipart.py",),
        caught_by="test_a_token_that_is_revoked_during_an_upload_is_replaced_once",
    ),
)
