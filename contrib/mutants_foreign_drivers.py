# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of what drivers of Apache Libcloud rely on; see ``mutant_list.py``."""

from __future__ import annotations

from mutant import Mutant

_FOREIGN = ("libcloud/test/test_foreign_drivers.py",)
_BUILDS = ("libcloud/test/test_builds.py",)
_CODE = ("libcloud/test/storage/test_s3_foreign_code.py",)

MUTANTS = (
    Mutant(
        "an override of request gets a keyword that it does not take",
        "libcloud/storage/transfer/client.py",
        'takes = is_own or accepts_keyword(method, "retry_failed")',
        "takes = True",
        _CODE,
        caught_by="test_a_connection_may_have_the_request_method_of_an_older_version",
    ),
    Mutant(
        "a mock of a response taken for a page of a listing",
        "libcloud/storage/s3/http_response.py",
        "return response.page if isinstance(response, S3Response) else None",
        'return getattr(response, "page", None)',
        _CODE,
        caught_by="test_a_mock_of_a_response_needs_a_status_and_an_object",
    ),
    Mutant(
        "replaced connections of urllib3 passed by",
        "libcloud/http/fast_path.py",
        'if kind is not None and kind.__module__ != "urllib3.connection":',
        "if False:",
        ("libcloud/test/test_http_session.py",),
        caught_by="test_replaced_connections_of_urllib3_send",
    ),
    Mutant(
        "of a pair of ports, that for http taken for https",
        "libcloud/common/connection.py",
        "port[1] if self.secure else port[0]",
        "port[0]",
        _FOREIGN,
        caught_by="test_a_class_can_declare_a_port_for_http_and_one_for_https",
    ),
    Mutant(
        "a name without its value sent by every connection",
        "libcloud/common/connection.py",
        "    bare_keys = False\n",
        "    bare_keys = True\n",
        _FOREIGN,
        caught_by="test_none_is_sent_as_a_text_unless_the_class_sends_bare_names",
    ),
    Mutant(
        "an exception gets the whole context",
        "libcloud/common/aws.py",
        "**_accepted(failure, context)",
        "**context",
        _FOREIGN,
        caught_by="test_an_exception_gets_of_the_context_what_its_constructor_takes",
    ),
    Mutant(
        "a date that does not exist is another error",
        "libcloud/utils/iso8601.py",
        "class ParseError(ValueError):",
        "class ParseError(Exception):",
        _FOREIGN,
        caught_by="test_a_date_that_does_not_exist_is_a_value_error",
    ),
    Mutant(
        "a finished file sent empty",
        "libcloud/storage/driver_helpers.py",
        "    _rewinds_finished_streams = True\n",
        "    _rewinds_finished_streams = False\n",
        _FOREIGN,
        caught_by="test_a_file_at_its_end_is_sent_from_its_start",
    ),
    Mutant(
        "a missing module without a reason",
        "libcloud/utils/environment.py",
        "if fullname in _MODULES:",
        "if False:",
        _BUILDS,
        caught_by="test_the_error_for_a_missing_module_names_the_build",
    ),
    Mutant(
        "a driver of another type found to be unknown",
        "libcloud/base.py",
        "        raise UnavailableDriverTypeError(package)\n",
        "        raise DriverTypeNotFoundError(package)\n",
        _BUILDS,
        caught_by="test_the_error_for_a_missing_driver_names_the_build",
    ),
)
