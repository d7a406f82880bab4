# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of TLS, and those that disclose secrets to others; see ``mutant_list.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"
_CREDENTIALS = (f"{_TESTS}/common/test_credentials.py",)
_HTTP = (f"{_TESTS}/test_http_secrets.py",)

MUTANTS = (
    Mutant(
        "a setting that had no effect switches the verification of certificates off",
        "libcloud/http/__init__.py",
        "return self.verify if self.ca_cert is None else self.ca_cert",
        "return self.verify and (self.ca_cert or True)",
        ("libcloud/test/test_security.py",),
        caught_by="test_a_file_of_trusted_certificates_precedes_verify_of_a_connection",
    ),
    Mutant(
        "credentials follow a redirect to another host",
        "libcloud/http/session.py",
        "            keep_public_headers(prepared_request)\n",
        "            prepared_request.headers.pop('Authorization', None)\n",
        _HTTP,
        caught_by="test_credentials_do_not_follow_a_redirect_to_another_host",
    ),
    Mutant(
        "a form with a token follows a redirect to another host",
        "libcloud/http/session.py",
        "return None if elsewhere and holds_secret(resp.request.body) else target",
        "return target",
        _HTTP,
        caught_by="test_a_token_in_a_body_is_not_sent_to_another_host",
    ),
    Mutant(
        "a proxy of the environment goes before the one set in code",
        "libcloud/http/session.py",
        "        proxies = proxies or dict(self.proxies)\n",
        "",
        _HTTP,
        caught_by="test_a_proxy_set_in_code_takes_precedence_over_the_environment",
    ),
    Mutant(
        "exceptions are not redacted",
        "libcloud/http/secrets.py",
        "    for found in redact_exception(error, secrets):\n",
        "    for found in ():\n",
        _HTTP,
        caught_by="test_a_header_that_cannot_be_sent_is_named_and_its_value_not_shown",
    ),
    Mutant(
        "only the outermost exception is redacted",
        "libcloud/utils/redact.py",
        "        waiting += [current.__cause__, current.__context__, *current.args, "
        "*vars(current).values()]\n",
        "",
        _HTTP,
        caught_by="test_causes_contexts_and_notes_are_redacted",
    ),
    Mutant(
        "exceptions keep the request with its headers",
        "libcloud/http/secrets.py",
        "        _drop_secrets_of_request(found)\n",
        "        pass\n",
        _HTTP,
        caught_by="test_a_response_that_breaks_off_shows_no_secret",
    ),
    Mutant(
        "urllib3 logs signatures in queries",
        "libcloud/http/adapter.py",
        'return redact_text(target) if "?" in target else target',
        "return target",
        _HTTP,
        caught_by="test_the_log_of_urllib3_shows_no_secret",
    ),
    Mutant(
        "the page of a proxy is shown with the signature in it",
        "libcloud/common/response.py",
        "        return redact_text(text[: _SHOWN + _LONGEST_SECRET], secrets)[:_SHOWN]",
        "        return text[:_SHOWN]",
        (f"{_TESTS}/test_response_classes.py",),
        caught_by="test_a_page_that_repeats_the_request_is_shown_without_its_secrets",
    ),
    Mutant(
        "errors are pickled with their driver",
        "libcloud/common/types.py",
        "        return type(part) if is_driver else part\n",
        "        return part\n",
        (f"{_TESTS}/test_pickled_errors.py",),
        caught_by="test_an_error_comes_back_from_a_pickle_without_its_driver",
    ),
    Mutant(
        "a token is sent with its line break",
        "libcloud/common/credentials/provider.py",
        "    text = value.strip()\n",
        "    text = value\n",
        _CREDENTIALS,
        caught_by="test_connections_and_what_is_assigned_to_them_are_cleaned",
    ),
    Mutant(
        "a token with a line break within is not refused",
        "libcloud/common/credentials/provider.py",
        "    if not (text.isascii() and text.isprintable()):  # as a header must be\n",
        "    if False:\n",
        _CREDENTIALS,
        caught_by="test_a_key_of_google_is_cleaned",
    ),
    Mutant(
        "keys of Amazon are tried at Google",
        "libcloud/common/credentials/google.py",
        'aws.credentials.key.startswith("GOOG")',
        "aws.credentials.key",
        (f"{_TESTS}/common/test_credentials_google.py",),
        caught_by="test_keys_of_amazon_are_not_used_and_googles_variables_are_named",
    ),
    Mutant(
        "a user is asked where there is no terminal",
        "libcloud/common/google.py",
        "        if asks and not can_ask_user():\n",
        "        if False:\n",
        (f"{_TESTS}/common/test_credentials_google.py",),
        caught_by="test_no_log_in_is_requested_without_a_terminal",
    ),
    Mutant(
        "the certificates of AWS_CA_BUNDLE are not trusted",
        "libcloud/storage/s3/access.py",
        '        settings["ex_ca_bundle"] = _existing(found.ca_bundle)\n',
        "        _existing(found.ca_bundle)\n",
        (f"{_TESTS}/storage/test_s3_discovery.py",),
        caught_by="test_the_certificates_of_the_environment_or_a_profile_are_trusted",
    ),
    Mutant(
        "a key file of Google is an access key for S3",
        "libcloud/storage/s3/access.py",
        "    if kind.profile is GOOGLE and credentials",
        "    if at is GOOGLE and credentials",
        (f"{_TESTS}/common/test_credentials_own_variables.py",),
        caught_by="test_the_driver_for_s3_does_not_use_key_files_of_google",
    ),
    Mutant(
        "a URL that names Amazon leads elsewhere",
        "libcloud/storage/s3/access.py",
        "    if store is None and at is AMAZON:",
        "    if at is AMAZON:",
        (f"{_TESTS}/common/test_credentials_own_variables.py",),
        caught_by="test_a_url_that_names_amazon_is_not_for_the_endpoint_of_the_environment",
    ),
    Mutant(
        "a profile file that nobody needs ends the program",
        "libcloud/common/credentials/discovery.py",
        "required=bool(requested)",
        "required=True",
        (f"{_TESTS}/common/test_credentials_discovery.py",),
        caught_by="test_keys_of_the_one_file_are_used_when_the_other_is_broken",
    ),
    Mutant(
        "times of a store are obeyed by the terminal",
        "libcloud/cli/listing.py",
        "        return escaped(text)\n",
        "        return text\n",
        (f"{_TESTS}/cli/test_escapes.py",),
        caught_by="test_names_times_and_values_are_escaped_on_a_terminal",
    ),
    Mutant(
        "a handshake that times out is a lost connection",
        "libcloud/http/errors.py",
        "    elif opening and timed_out:",
        "    elif False:",
        (f"{_TESTS}/test_http_tls.py",),
        caught_by="test_a_server_that_is_silent_in_the_handshake_is_a_read_timeout",
    ),
    Mutant(
        "certificates that cannot be read are a network error",
        "libcloud/http/errors.py",
        '    elif is_a(error, {"ssl.SSLError"}):',
        "    elif False:",
        (f"{_TESTS}/test_http_tls.py",),
        caught_by="test_unreadable_trusted_certificates_are_a_permanent_error",
    ),
)
