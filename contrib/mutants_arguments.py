# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in how arguments are checked and passed on; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"

_KEYWORDS = (f"{_TESTS}/storage/test_driver_keywords.py",)
_METHODS = (f"{_TESTS}/storage/test_method_arguments.py",)
_BASE_DRIVER = (f"{_TESTS}/common/test_base_driver.py",)
_HELPERS = (f"{_TESTS}/test_helpers.py",)
_CONNECTION = (f"{_TESTS}/test_connection.py",)

MUTANTS = (
    Mutant(
        "a mock is taken for a path",
        "libcloud/storage/base.py",
        "(str, bytes, bytearray, PurePath, Object)",
        "(str, bytes, bytearray, os.PathLike, Object)",
        _METHODS,
        caught_by="test_a_mock_with_a_name_is_a_container",
    ),
    Mutant(
        "drivers that send nothing take texts only",
        "libcloud/storage/arguments.py",
        "check_extra(extra, values=values)\n",
        "check_extra(extra)\n",
        _METHODS,
        caught_by="test_drivers_that_send_nothing_take_values_of_any_type",
    ),
    Mutant(
        "the host of the hook is a second one",
        "libcloud/common/base.py",
        'settings.pop("host", None) or host, settings.pop("port", None) or port',
        "host, port",
        _BASE_DRIVER,
        caught_by="test_a_host_or_port_of_the_hook_replaces_the_one_of_the_user",
    ),
    Mutant(
        "a mock sees numbers in headers",
        f"{_TESTS}/_mock_http.py",
        "        headers = self._normalize_headers(headers=headers)\n        self._replies",
        "        self._replies",
        _HELPERS,
        caught_by="test_a_mock_may_be_called_without_headers",
    ),
    Mutant(
        "no host is the host None",
        "libcloud/common/connection.py",
        "            if self.host is not None:\n",
        "            if True:\n",
        _CONNECTION,
        caught_by="test_connect_takes_a_host_for_a_connection_without_one",
    ),
    Mutant(
        "unknown keywords of a constructor are ignored",
        f"{_DRIVERS}/s3.py",
        "        check_known_keywords(type(self), kwargs)\n",
        "",
        _KEYWORDS,
        caught_by="test_an_unknown_keyword_is_an_error_in_every_driver",
    ),
    Mutant(
        "unknown keywords are found after the credentials",
        "libcloud/storage/s3/access.py",
        "    check_known_keywords(kind, options)\n",
        "",
        _KEYWORDS,
        caught_by="test_an_unknown_keyword_is_an_error_before_the_environment_is_read",
    ),
    Mutant(
        "drivers of other projects cannot hand on keywords",
        "libcloud/storage/arguments.py",
        "        if strict:\n",
        "        if True:\n",
        _KEYWORDS,
        caught_by="test_a_driver_of_another_project_may_hand_on_keywords_of_its_own",
    ),
    Mutant(
        "a URL is a host",
        "libcloud/storage/s3/access.py",
        "        _check_host(host, port)\n",
        "",
        _KEYWORDS,
        caught_by="test_the_error_for_a_host_that_is_a_url_suggests_endpoint_url",
    ),
    Mutant(
        "a path is a container",
        "libcloud/storage/base.py",
        "    if is_other or not",
        "    if not",
        _METHODS,
        caught_by="test_an_object_is_no_container",
    ),
    Mutant(
        "misspelled keys of extra are lost",
        "libcloud/storage/arguments.py",
        "            if meant is not None:\n",
        "            if False:\n",
        _METHODS,
        caught_by="test_a_misspelled_key_of_extra_is_an_error",
    ),
    Mutant(
        "headers without a value are sent",
        "libcloud/utils/arguments.py",
        '        if value is not None:\n            check_text(f"headers',
        '        if True:\n            check_text(f"headers',
        (f"{_TESTS}/test_arguments.py",),
        caught_by="test_headers_without_a_value_are_left_out",
    ),
    Mutant(
        "True is a size",
        "libcloud/utils/arguments.py",
        "    if isinstance(value, bool) or not hasattr(value",
        "    if not hasattr(value",
        (f"{_TESTS}/test_arguments.py",),
        caught_by="test_an_invalid_whole_number_is_refused",
    ),
    Mutant(
        "directories with an empty name are hidden",
        "libcloud/storage/filesystem/listing.py",
        '    return path if path.endswith("//") else path.rstrip("/")\n',
        '    return path.rstrip("/")\n',
        (f"{_TESTS}/storage/test_filesystem_names.py",),
        caught_by="test_a_directory_with_an_empty_name_has_two_slashes_at_its_end",
    ),
    Mutant(
        "the word no is true",
        "libcloud/storage/s3/options.py",
        "        if value is not None and not isinstance(value, kind):\n",
        "        if False:\n",
        _METHODS,
        caught_by="test_other_options_of_uploads_have_their_types",
    ),
    Mutant(
        "two settings of a connection change places",
        "libcloud/common/base.py",
        "cert_file, secure, host, port, url, proxy_url, timeout, backoff, retry_delay",
        "cert_file, secure, host, port, url, timeout, proxy_url, backoff, retry_delay",
        _CONNECTION,
        caught_by="test_every_setting_arrives",
    ),
)
