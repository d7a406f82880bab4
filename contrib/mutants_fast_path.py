# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of requests that are sent without the libraries; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_HTTP = "libcloud/http"

_CLOSED = "test_after_a_response_that_ends_the_connection_another_one_is_used"
_REUSED = "test_a_connection_is_reused_after_a_complete_response"
_EXCHANGE = (f"{_TESTS}/test_http_fast_path.py",)
_BODY = (f"{_TESTS}/test_http_body.py",)
_IMPORTS = (f"{_TESTS}/test_http_imports.py",)

MUTANTS = (
    Mutant(
        "the fast path ignores a mocked session",
        f"{_HTTP}/fast_path.py",
        '    ("requests", "Session", "requests.sessions", ("request", "send", "get_adapter")),\n',
        "",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "a response of the fast path is none of requests",
        f"{_HTTP}/messages.py",
        'getattr(sys.modules.get("requests"), self._becomes, type(self))',
        "type(self)",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "a certificate may be that of any host",
        f"{_HTTP}/connections.py",
        "    context.hostname_checks_common_name = False",
        "    context.check_hostname = False",
        (f"{_TESTS}/test_http_tls.py",),
        caught_by="test_a_certificate_for_another_host_is_refused_for_good",
    ),
    Mutant(
        "a decorated function of requests is not noticed",
        f"{_HTTP}/fast_path.py",
        'function.__globals__.get("__name__") == module',
        "function.__module__ == module",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "the proxy of the environment is not used before there is a session",
        f"{_HTTP}/__init__.py",
        "self._session or (self.session if may_use_proxy() else None)",
        "self._session",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "a refused connection is a lost one",
        f"{_HTTP}/errors.py",
        "    unconnected = opening and connection.sock is None",
        "    unconnected = False",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "a body that is cut is whole",
        f"{_HTTP}/fast_path.py",
        "state.received[start:end] if len(state.received) >= end else None",
        "state.received[start:end]",
        _EXCHANGE,
        caught_by="test_a_response_equals_that_of_the_libraries",
    ),
    Mutant(
        "a deadline includes a streamed body",
        f"{_HTTP}/fast_path.py",
        "in_advance = 0 if stream and current.deadline else _IN_ADVANCE",
        "in_advance = _IN_ADVANCE",
        _EXCHANGE,
        caught_by="test_a_deadline_does_not_include_the_body_of_a_streamed_response",
    ),
    Mutant(
        "the proxies of the environment are read once",
        f"{_HTTP}/session.py",
        "self.trust_env, environment())",
        "self.trust_env)",
        _EXCHANGE,
        caught_by="test_a_proxy_that_is_set_later_is_used",
    ),
    Mutant(
        "a header of two lines is sent",
        f"{_HTTP}/fast_path.py",
        "all_lines.isascii() and all_lines.isprintable()",
        "all_lines.isascii()",
        _EXCHANGE,
        caught_by="test_a_head_that_is_not_of_the_usual_form_is_left_to_the_libraries",
    ),
    Mutant(
        "the fast path does not follow redirects",
        f"{_HTTP}/session.py",
        "        if response.is_redirect:",
        "        if False:",
        _EXCHANGE,
        caught_by="test_a_redirect_is_followed_as_the_libraries_do",
    ),
    Mutant(
        "the fast path ignores a mocked adapter",
        f"{_HTTP}/fast_path.py",
        '    ("requests.adapters", "HTTPAdapter", "requests.adapters", ("send",)),\n',
        "",
        _EXCHANGE,
        caught_by="test_responses_replaces_the_network",
    ),
    Mutant(
        "a replaced method of the session is ignored",
        f"{_HTTP}/session.py",
        'are_defined_in("requests.sessions", Session, _CALLED)',
        'are_defined_in("requests.sessions", requests.Session, _CALLED)',
        _EXCHANGE,
        caught_by="test_a_replaced_method_is_called",
    ),
    Mutant(
        "a bundle of certificates that was replaced is trusted on",
        f"{_HTTP}/connections.py",
        "_context(create, path, status.st_mtime_ns, status.st_size)",
        "_context(create, path, 0, 0)",
        (f"{_TESTS}/test_http_tls.py",),
        caught_by="test_a_file_of_trusted_certificates_that_was_replaced_is_read_again",
    ),
    Mutant(
        "a chunked response may also have a length",
        f"{_HTTP}/messages.py",
        '        or "content-length" in headers\n',
        "",
        _EXCHANGE,
        caught_by=_CLOSED,
    ),
    Mutant(
        "trailers are taken for the end of a response",
        f"{_HTTP}/fast_path.py",
        'if data[at - 2 : at] != b"\\r\\n":  # such as trailers',
        "if False:",
        _EXCHANGE,
        caught_by=_REUSED,
    ),
    Mutant(
        "a body that ends between two chunks is whole",
        f"{_HTTP}/fast_path.py",
        """            if not more:
                return at, None
            data += more""",
        """            if not more:
                return at, b"".join(chunks)
            data += more""",
        _EXCHANGE,
        caught_by="test_a_response_equals_that_of_the_libraries",
    ),
    Mutant(
        "the last of two lengths holds",
        f"{_HTTP}/messages.py",
        "if len(headers) != len(lines) or ",
        "if ",
        _EXCHANGE,
        caught_by="test_a_response_equals_that_of_the_libraries",
    ),
    Mutant(
        "a class of requests that is replaced during the first request breaks it",
        f"{_HTTP}/session.py",
        "class Session(requests.sessions.Session):",
        "class Session(requests.Session):",
        _IMPORTS,
        caught_by="test_the_libraries_are_imported_when_they_are_needed",
    ),
    Mutant(
        "a connection that a finalizer has used stays open",
        f"{_HTTP}/connections.py",
        "reusable and self._closing.alive and",
        "reusable and",
        (f"{_TESTS}/test_http_certainty.py",),
        caught_by="test_a_request_of_a_finalizer_in_a_reference_cycle_closes_its_socket",
    ),
    Mutant(
        "a large body that is cut is whole",
        f"{_HTTP}/body.py",
        "                self._free()\n        return data",
        "                self.close()\n        return data",
        _BODY,
        caught_by="test_a_large_body_is_read_as_by_the_libraries",
    ),
    Mutant(
        "a connection is reused before its body was read",
        f"{_HTTP}/body.py",
        "ended = not self.left and self._reusable and",
        "ended = self._reusable and",
        _BODY,
        caught_by="test_a_body_that_ended_early_is_not_at_its_end",
    ),
    Mutant(
        "bytes behind a large body are the next response",
        f"{_HTTP}/body.py",
        " and not self._stream.holds_more()",
        "",
        _BODY,
        caught_by="test_a_connection_is_not_reused_if_that_is_not_safe",
    ),
    Mutant(
        "a body returns its connection whenever it is closed",
        f"{_HTTP}/body.py",
        'vars(self).pop("_connection", None)',
        'vars(self).get("_connection")',
        _BODY,
        caught_by="test_a_body_returns_its_connection_once_with_its_last_byte",
    ),
    Mutant(
        "a large body that is dropped keeps its connection",
        f"{_HTTP}/body.py",
        "        if not is_finalizing():",
        "        if False:",
        _BODY,
        caught_by="test_a_response_that_is_dropped_closes_its_connection",
    ),
    Mutant(
        "pieces go on without what requests has read",
        f"{_HTTP}/messages.py",
        'body.read(size) if type(self) is FastResponse else b""',
        "body.read(size)",
        _BODY,
        caught_by="test_a_large_body_is_read_as_by_the_libraries",
    ),
    Mutant(
        "version 1 of urllib3 takes a large body that is cut for whole",
        f"{_HTTP}/messages.py",
        "enforce_content_length=True",
        "enforce_content_length=False",
        _BODY,
        caught_by="test_any_version_of_urllib3_compares_the_length",
    ),
    Mutant(
        "a response may drip forever",
        f"{_HTTP}/sending.py",
        "self._waited > self._seconds",
        "False",
        (f"{_TESTS}/test_http_pace.py",),
        caught_by="test_the_time_until_the_first_byte_has_its_own_limit",
    ),
    Mutant(
        "a large body may drip",
        f"{_HTTP}/body.py",
        "self._state.receive(self._rest.readinto, buffer)",
        "self._rest.readinto(buffer)",
        (f"{_TESTS}/test_http_pace.py",),
        caught_by="test_a_response_that_arrives_too_slowly_is_a_timeout",
    ),
    Mutant(
        "the store must not send white space while it completes an upload",
        f"{_HTTP}/sending.py",
        "_LONGER = 10",
        "_LONGER = 1",
        (f"{_TESTS}/test_http_pace.py",),
        caught_by="test_a_store_may_be_slow_while_it_processes_a_request",
    ),
)
