# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of credentials, endpoints and regions; see ``mutant_list.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"

_REGIONS = (f"{_TESTS}/storage/test_s3_regions.py",)
_ENDPOINTS = (f"{_TESTS}/storage/test_s3_endpoints.py",)
_EXPIRING = (f"{_TESTS}/storage/test_s3_expiring.py",)
_DISCOVERY = (f"{_TESTS}/storage/test_s3_discovery.py",)
_SOURCES = (f"{_TESTS}/common/test_credentials_discovery.py",)
_PICKLING = (f"{_TESTS}/storage/test_pickling.py",)
_BOTOCORE = (f"{_TESTS}/common/test_credentials_botocore.py",)

_HOSTS = (f"{_TESTS}/storage/test_reported_host.py",)
_CONNECTION = (f"{_TESTS}/storage/test_s3_connection.py",)

MUTANTS = (
    Mutant(
        "a profile replaces a key of the environment without its secret",
        "libcloud/common/credentials/discovery.py",
        "    if key and not secret:",
        "    if False:",
        _SOURCES,
        caught_by="test_other_credentials_do_not_replace_a_key_without_its_secret",
    ),
    Mutant(
        "a missing access key signed as None",
        "libcloud/common/credentials/provider.py",
        "if key is None or not isinstance(secret, str):",
        "if not isinstance(secret, str):",
        (f"{_TESTS}/storage/test_s3_recovery.py",),
        caught_by="test_missing_credentials_are_an_error_of_the_first_request",
    ),
    Mutant(
        "the reported host of a shared connection class used",
        "libcloud/common/connection.py",
        "host or default_host(self.host)",
        "host or self.host",
        _HOSTS,
        caught_by="test_a_host_that_the_caller_sets_on_the_class_is_used",
    ),
    Mutant(
        "version 2 signs in the query",
        f"{_S3}/connection.py",
        '        expires = dict(_pairs(params)).get("Expires")\n',
        '        params = with_param(params, "AWSAccessKeyId", self.user_id)\n'
        "        later = str(int(self.server_time().timestamp()) + 900)\n"
        '        params = with_param(params, "Expires", later)\n'
        '        expires = dict(_pairs(params)).get("Expires")\n',
        _CONNECTION,
        caught_by="test_version_2_signs_in_the_header_and_does_not_change_the_query",
    ),
    Mutant(
        "signed for the region of the driver instead of the bucket",
        f"{_S3}/connection.py",
        "        if address is not None and address.region is not None:\n"
        "            return address.region\n",
        "",
        _REGIONS,
        caught_by="test_a_stream_is_uploaded_to_the_region_of_its_bucket",
    ),
    Mutant(
        "the region of a bucket is not remembered",
        f"{_S3}/endpoint.py",
        "        self._regions[bucket] = region\n",
        "        pass\n",
        _REGIONS,
        caught_by="test_a_stream_is_uploaded_to_the_region_of_its_bucket",
    ),
    Mutant(
        "a known region is ignored",
        f"{_S3}/endpoint.py",
        "        self.is_plain = False\n",
        "",
        _REGIONS,
        caught_by="test_a_stream_is_uploaded_to_the_region_of_its_bucket",
    ),
    Mutant(
        "the region of one bucket is used for all",
        f"{_S3}/endpoint.py",
        "        region = self._regions.get(bucket)\n",
        "        region = next(iter(self._regions.values()), None)\n",
        _REGIONS,
        caught_by="test_other_buckets_keep_the_region_of_the_driver",
    ),
    Mutant(
        "a custom host is replaced by that of another region",
        f"{_S3}/endpoint.py",
        "self._movable = dualstack or fips or profile.serves(host)",
        "self._movable = True",
        _ENDPOINTS,
        caught_by="test_the_addressing_style_depends_on_option_and_host",
    ),
    Mutant(
        "a region that another thread learned is not used",
        f"{_S3}/recovery.py",
        "    if not region or region == attempt.region:\n",
        "    if not region or region == address.region:\n",
        _REGIONS,
        caught_by="test_an_endpoint_in_a_response_never_becomes_the_host",
    ),
    Mutant(
        "a redirect followed forever",
        f"{_S3}/recovery.py",
        "            if used < limit and strategy",
        "            if strategy",
        _REGIONS,
        caught_by="test_a_redirect_loop_ends",
    ),
    Mutant(
        "any text of an answer becomes part of a host",
        f"{_S3}/profiles/profile.py",
        "        if not re.fullmatch(_REGION, region):\n            return None\n",
        "",
        (f"{_TESTS}/storage/s3/test_profiles.py",),
        caught_by="test_a_region_has_this_host",
    ),
    Mutant(
        "the Host header without the bucket",
        f"{_S3}/connection.py",
        "return authority(address.host, int(self.port), scheme=self._scheme)",
        "return super()._host_header()",
        _ENDPOINTS,
        caught_by="test_every_operation_works_with_the_virtual_hosted_style",
    ),
    Mutant(
        "version 2 signs the path without the bucket",
        f"{_S3}/connection.py",
        "            path=self._resource(),\n",
        "            path=self.action,\n",
        _ENDPOINTS,
        caught_by="test_every_operation_works_with_the_virtual_hosted_style",
    ),
    Mutant(
        "dots in the name of a host over https",
        f"{_S3}/endpoint.py",
        "pattern = _BUCKET if secure else _DOTTED_BUCKET",
        "pattern = _DOTTED_BUCKET",
        _ENDPOINTS,
        caught_by="test_a_bucket_is_part_of_a_host_if_its_name_can_be",
    ),
    Mutant(
        "an endpoint that shows its password",
        f"{_S3}/endpoint.py",
        '    if "@" in parts.netloc:\n',
        '    if "@" in parts.path:\n',
        _ENDPOINTS,
        caught_by="test_an_invalid_endpoint_is_rejected_without_quoting_it",
    ),
    Mutant(
        "the path of an endpoint dropped",
        f"{_S3}/access.py",
        "            connection.request_path = path\n",
        "            pass\n",
        _ENDPOINTS,
        caught_by="test_a_driver_accepts_an_endpoint_url",
    ),
    Mutant(
        "credentials asked for once",
        "libcloud/common/credentials/provider.py",
        "        if cached is not None and (cached.due is None or not self._is_due(cached)):\n",
        "        if cached is not None:\n",
        _EXPIRING,
        caught_by="test_a_presigned_url_uses_the_current_credentials",
    ),
    Mutant(
        "a source that fails stops what is still valid",
        "libcloud/common/credentials/provider.py",
        "            if not tolerant or self._cached is None:\n",
        "            if True:\n",
        _EXPIRING,
        caught_by="test_a_temporary_failure_of_the_provider_is_tolerated",
    ),
    Mutant(
        "expired credentials are fetched only once per request",
        f"{_S3}/recovery.py",
        "renew_credentials: 3",
        "renew_credentials: 1",
        _EXPIRING,
        caught_by="test_credentials_that_expire_repeatedly_on_the_way_are_refreshed_repeatedly",
    ),
    Mutant(
        "the credentials of an attempt outlive it",
        f"{_S3}/connection.py",
        'values.pop("_current", _NOTHING)',
        'values.get("_current", _NOTHING)',
        _EXPIRING,
        caught_by="test_a_presigned_url_uses_the_current_credentials",
    ),
    Mutant(
        "an anonymous driver signs",
        "libcloud/common/aws.py",
        "        if self.anonymous:",
        "        if False:",
        _DISCOVERY,
        caught_by="test_a_file_system_reads_what_anybody_may_read",
    ),
    Mutant(
        "checksums that nobody wants",
        f"{_DRIVERS}/s3.py",
        'self._checksum_calculation == "when_required"',
        "False",
        _DISCOVERY,
        caught_by="test_a_profile_is_complete",
    ),
    Mutant(
        "a misspelt key of a URL ignored",
        "libcloud/storage/arguments.py",
        "        if key not in known:\n            found",
        "        if key not in known:\n            continue\n            found",
        _DISCOVERY,
        caught_by="test_an_invalid_url_is_rejected",
    ),
    Mutant(
        "a profile after the environment though it was asked for",
        "libcloud/common/credentials/discovery.py",
        "reversed(lookups) if self.profile else lookups",
        "lookups",
        _SOURCES,
        caught_by="test_a_requested_profile_takes_precedence_over_the_environment",
    ),
    Mutant(
        "what a program wrote told in an error",
        "libcloud/common/credentials/botocore.py",
        '_UNSAFE = ("CredentialRetrievalError",)\n',
        "_UNSAFE = ()\n",
        _BOTOCORE,
        caught_by="test_the_output_of_a_failed_credential_process_is_not_shown",
    ),
    Mutant(
        "botocore keeps what a store refused",
        "libcloud/common/credentials/botocore.py",
        "        self._obtained().clear()\n",
        "        pass\n",
        _BOTOCORE,
        caught_by="test_rejected_credentials_are_fetched_again",
    ),
    Mutant(
        "a pickle holds credentials that were obtained",
        "libcloud/common/credentials/provider.py",
        'return {**vars(self), "_cached": None, "_suspected": None}',
        "return dict(vars(self))",
        _PICKLING,
        caught_by="test_a_pickle_holds_where_credentials_come_from_and_not_their_values",
    ),
    Mutant(
        "a pickle holds the signer of credentials that were obtained",
        f"{_S3}/connection.py",
        "        known = self._signers()\n",
        '        known = vars(self).setdefault("_known", {})\n',
        _PICKLING,
        caught_by="test_a_pickle_holds_where_credentials_come_from_and_not_their_values",
    ),
    Mutant(
        "a pickled file is read from its start",
        "libcloud/storage/filesystem/files.py",
        "    file.seek(position)\n",
        "",
        _PICKLING,
        caught_by="test_a_file_that_is_read_is_pickled_with_its_place",
    ),
)
