# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of the short ways that requests and small pieces take; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_HTTP = "libcloud/http"

_HEADS = (f"{_TESTS}/test_http_heads.py",)
_SESSION = (f"{_TESTS}/test_http_session.py",)
_CERTAINTY = (f"{_TESTS}/test_http_certainty.py",)
_SENDING = (f"{_TESTS}/test_http_sending.py",)
_LIMITS = (f"{_TESTS}/test_http_limits.py",)
_SOURCE = (f"{_TESTS}/storage/transfer/upload/test_source.py",)

MUTANTS = (
    Mutant(
        "a cut head is a whole one",
        f"{_HTTP}/received.py",
        "        if lines[-1] not in EMPTY_LINES:",
        "        if False:",
        _HEADS,
        caught_by="test_a_response_that_ends_within_its_head_is_a_lost_one",
    ),
    Mutant(
        "a proxy that is set later is not used",
        f"{_HTTP}/session.py",
        "            or self.proxies\n",
        "",
        _SESSION,
        caught_by="test_a_proxy_is_used_from_when_it_is_set",
    ),
    Mutant(
        "cookies are forgotten",
        f"{_HTTP}/session.py",
        '        if "set-cookie" in response.headers:',
        "        if False:",
        _SESSION,
        caught_by="test_cookies_are_kept_and_sent",
    ),
    Mutant(
        "bytes behind an answer are the next one",
        f"{_HTTP}/fast_path.py",
        "state.complete = reusable and len(state.received) == end",
        "state.complete = reusable",
        _CERTAINTY,
        caught_by="test_bytes_behind_a_response_are_not_the_next_one",
    ),
    Mutant(
        "half a request is followed by the next",
        f"{_HTTP}/sending.py",
        "        return self.unsent or (status >= _REFUSED and self.size > _LARGE)",
        "        return False",
        _CERTAINTY,
        caught_by="test_a_refused_request_with_a_large_body_costs_its_connection",
    ),
    Mutant(
        "a large body that was refused is followed by the next request",
        f"{_HTTP}/sending.py",
        "        return self.unsent or (status >= _REFUSED and self.size > _LARGE)",
        "        return self.unsent",
        _CERTAINTY,
        caught_by="test_a_refused_request_with_a_large_body_costs_its_connection",
    ),
    Mutant(
        "buffers end where the socket is full",
        f"{_HTTP}/sending.py",
        "            views[start] = views[start][count:]",
        "            start += 1",
        (f"{_TESTS}/test_http_timeouts.py",),
        caught_by="test_over_plain_http_each_call_that_makes_progress_has_the_limit_of_silence",
    ),
    Mutant(
        "an interim response is the response",
        f"{_HTTP}/received.py",
        "        if not _INTERIM.match(lines[0]) or lines[-1] not in EMPTY_LINES:",
        "        if True:",
        _HEADS,
        caught_by="test_a_response_whose_end_is_not_certain_is_refused",
    ),
    Mutant(
        "the protocol may be switched",
        f"{_HTTP}/received.py",
        "        if response.status < http.client.OK:",
        "        if False:",
        _HEADS,
        caught_by="test_a_response_whose_end_is_not_certain_is_refused",
    ),
    Mutant(
        "two lengths are one too many for nobody",
        f"{_HTTP}/received.py",
        "        elif len(lengths) > 1 or not",
        "        elif not",
        _HEADS,
        caught_by="test_a_response_whose_end_is_not_certain_is_refused",
    ),
    Mutant(
        "what was read beyond a response is forgotten",
        f"{_HTTP}/received.py",
        "ended and not source.holds_more()",
        "ended",
        _CERTAINTY,
        caught_by="test_bytes_behind_a_response_are_not_the_next_one",
    ),
    Mutant(
        "what TLS has decrypted is the next response",
        f"{_HTTP}/timeouts.py",
        " and (pending is None or not pending())",
        "",
        _CERTAINTY,
        caught_by="test_bytes_that_only_tls_has_seen_are_not_the_next_response",
    ),
    Mutant(
        "a success for half a request is one",
        f"{_HTTP}/sending.py",
        "        return self.unsent and status < _REFUSED",
        "        return False",
        _CERTAINTY,
        caught_by="test_a_success_before_the_request_was_received_is_none",
    ),
    Mutant(
        "a failed response keeps its socket",
        f"{_HTTP}/received.py",
        "        except Exception:\n            self.close()\n",
        "        except Exception:\n",
        _CERTAINTY,
        caught_by="test_a_response_that_fails_closes_its_socket",
    ),
    Mutant(
        "a response is bounded once it is read",
        "libcloud/utils/documents.py",
        "        if size > limit:",
        "        if False:",
        _LIMITS,
        caught_by="test_a_response_that_is_too_large_raises_response_too_large_error",
    ),
    Mutant(
        "an error page may have any size",
        f"{_HTTP}/session.py",
        "if not stream or response.status_code not in _SUCCESS:",
        "if not stream:",
        _LIMITS,
        caught_by="test_the_error_page_of_a_raw_request_is_bounded",
    ),
    Mutant(
        "the size of an object is that of a response",
        "libcloud/utils/documents.py",
        "    if has_body and not coding",
        "    if not coding",
        _LIMITS,
        caught_by="test_head_states_the_size_of_an_object_of_any_size",
    ),
    Mutant(
        "a pool is guarded by a lock",
        f"{_HTTP}/adapter.py",
        "            self.QueueCls: Any = IdleConnections",
        "            pass",
        _SESSION,
        caught_by="test_a_request_of_a_finalizer_within_the_pool_does_not_wait",
    ),
    Mutant(
        "a full socket is not listened to",
        f"{_HTTP}/sending.py",
        "    if status is not None and not 200 <= status < 300:",
        "    if False:",
        _SENDING,
        caught_by="test_the_end_of_a_connection_ends_the_sending",
    ),
    Mutant(
        "an interim response ends the sending",
        f"{_HTTP}/sending.py",
        "        if status >= 200 or status == 101:",
        "        if True:",
        _SENDING,
        caught_by="test_the_status_is_found_behind_interim_responses",
    ),
    Mutant(
        "a signing key outlives its day",
        "libcloud/common/signing/sigv4.py",
        "        wanted = (secret, day, scope)",
        '        wanted = (secret, "", scope)',
        (f"{_TESTS}/common/test_sigv4.py",),
        caught_by="test_a_kept_key_signs_for_its_day_and_scope_only",
    ),
    Mutant(
        "a signature goes on where the last one ended",
        "libcloud/common/signing/sigv4.py",
        "inner, outer = keyed[1].copy(), keyed[2].copy()",
        "inner, outer = keyed[1], keyed[2]",
        (f"{_TESTS}/common/test_sigv4.py",),
        caught_by="test_a_kept_key_signs_as_one_that_was_just_derived",
    ),
    Mutant(
        "small pieces fill a part beyond its end",
        "libcloud/storage/transfer/upload/source.py",
        "            room -= length\n",
        "",
        _SOURCE,
        caught_by="test_the_last_part_is_marked_as_last",
    ),
    Mutant(
        "runs of tiny pieces are lost",
        "libcloud/storage/transfer/upload/source.py",
        "_joined([*self._runs, *self._small])",
        "_joined(self._small)",
        _SOURCE,
        caught_by="test_empty_pieces_count_in_a_row_only",
    ),
    Mutant(
        "a proxy of a file is taken for a source of parts",
        "libcloud/storage/transfer/upload/source.py",
        'if hasattr(type(stream), "next_part"):',
        'if hasattr(stream, "next_part"):',
        (f"{_TESTS}/storage/transfer/upload/test_file_source.py",),
        caught_by="test_a_stream_that_has_any_attribute_is_read_as_a_stream",
    ),
    Mutant(
        "a session of another class must be like that of requests",
        "libcloud/http/session.py",
        "if not isinstance(session, requests.sessions.Session):",
        "if session is None:",
        ("libcloud/test/test_http_session.py",),
        caught_by="test_a_session_may_have_another_class",
    ),
)
