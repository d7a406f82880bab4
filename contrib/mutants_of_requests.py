# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of the short ways that requests and small pieces take; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_TESTS = "libcloud/test"
_HTTP = "libcloud/http"

_HEADS = (f"{_TESTS}/test_http_heads.py",)
_SESSION = (f"{_TESTS}/test_http_session.py",)
_EXCHANGE = (f"{_TESTS}/test_http_fast_path.py",)
_CERTAINTY = (f"{_TESTS}/test_http_certainty.py",)
_SENDING = (f"{_TESTS}/test_http_sending.py",)
_LIMITS = (f"{_TESTS}/test_http_limits.py",)
_SOURCE = (f"{_TESTS}/storage/transfer/upload/test_source.py",)

MUTANTS = (
    Mutant(
        "a cut head is a whole one",
        f"{_HTTP}/heads.py",
        "        if replay.last is not None and replay.last not in EMPTY_LINES:",
        "        if False:",
        _HEADS,
    ),
    Mutant(
        "a chunked answer has the length it names",
        f"{_HTTP}/heads.py",
        'closes is None or "transfer-encoding" in found:',
        "closes is None:",
        _HEADS,
    ),
    Mutant(
        "the last of two lengths holds",
        f"{_HTTP}/heads.py",
        "        if found.setdefault(name.lower(), value) != value:\n",
        "        found[name.lower()] = value\n        if False:\n",
        _HEADS,
    ),
    Mutant(
        "headers are not looked at",
        f"{_HTTP}/fast_path.py",
        "                check_header_validity(line)\n",
        "                pass\n",
        _SESSION,
    ),
    Mutant(
        "a mocked session sends by itself",
        f"{_HTTP}/session.py",
        "        if follows or requests.Session.send is not _SEND:",
        "        if follows:",
        _SESSION,
    ),
    Mutant(
        "cookies are forgotten",
        f"{_HTTP}/session.py",
        '        if "set-cookie" in response.headers:',
        "        if False:",
        _SESSION,
    ),
    Mutant(
        "a closed pool is used again",
        f"{_HTTP}/adapter.py",
        "        if pool is None or pool.pool is None:",
        "        if pool is None:",
        _SESSION,
    ),
    Mutant(
        "a body that is cut is whole",
        f"{_HTTP}/fast_path.py",
        "            if len(content) >= parsed.length:",
        "            if True:",
        _EXCHANGE,
    ),
    Mutant(
        "bytes behind an answer are the next one",
        f"{_HTTP}/fast_path.py",
        "                    len(content) == parsed.length\n",
        "                    True\n",
        _CERTAINTY,
    ),
    Mutant(
        "half a request is followed by the next",
        f"{_HTTP}/received.py",
        "        return self.unsent or (status >= _REFUSED and self.size > _LARGE)",
        "        return False",
        _CERTAINTY,
    ),
    Mutant(
        "a deadline includes a streamed body",
        f"{_HTTP}/adapter.py",
        "        if stream and has_deadline():",
        "        if False:",
        _EXCHANGE,
    ),
    Mutant(
        "the proxies of the environment are read once",
        f"{_HTTP}/session.py",
        "        key = (split_url(str(request.url))[0], _environment())\n",
        "        key = split_url(str(request.url))[0]\n",
        _EXCHANGE,
    ),
    Mutant(
        "a header of two lines is sent",
        f"{_HTTP}/fast_path.py",
        '    if text.count("\\n") != len(lines) + 2 or',
        "    if",
        _EXCHANGE,
    ),
    Mutant(
        "a mocked adapter sends by itself",
        f"{_HTTP}/adapter.py",
        "self.fast_path and HTTPAdapter.send is _SEND and",
        "self.fast_path and",
        _EXCHANGE,
    ),
    Mutant(
        "a bundle of certificates that was replaced is trusted on",
        f"{_HTTP}/tls.py",
        "connection.cert_reqs, status.st_mtime_ns, status.st_size)",
        "connection.cert_reqs)",
        (f"{_TESTS}/test_http_tls.py",),
    ),
    Mutant(
        "a large body that was refused is followed by the next request",
        f"{_HTTP}/received.py",
        "        return self.unsent or (status >= _REFUSED and self.size > _LARGE)",
        "        return self.unsent",
        _CERTAINTY,
    ),
    Mutant(
        "buffers end where the socket is full",
        f"{_HTTP}/sending.py",
        "            views[start] = views[start][count:]",
        "            start += 1",
        (f"{_TESTS}/test_http_timeouts.py",),
    ),
    Mutant(
        "an interim response is the response",
        f"{_HTTP}/heads.py",
        "        if not _INTERIM.match(lines[0]) or lines[-1] not in EMPTY_LINES:",
        "        if True:",
        _HEADS,
    ),
    Mutant(
        "the protocol may be switched",
        f"{_HTTP}/heads.py",
        "        if response.status < http.client.OK:",
        "        if False:",
        _HEADS,
    ),
    Mutant(
        "two lengths are one too many for nobody",
        f"{_HTTP}/heads.py",
        "        elif len(lengths) > 1 or not",
        "        elif not",
        _HEADS,
    ),
    Mutant(
        "what was read beyond a response is forgotten",
        f"{_HTTP}/heads.py",
        "ended and not source.holds_more()",
        "ended",
        _CERTAINTY,
    ),
    Mutant(
        "what TLS has decrypted is the next response",
        f"{_HTTP}/adapter.py",
        " and (pending is None or not pending())",
        "",
        _CERTAINTY,
    ),
    Mutant(
        "a success for half a request is one",
        f"{_HTTP}/received.py",
        "        if self.unsent and status < _REFUSED:",
        "        if False:",
        _CERTAINTY,
    ),
    Mutant(
        "a failed response keeps its socket",
        f"{_HTTP}/heads.py",
        "        except Exception:\n            self.close()\n",
        "        except Exception:\n",
        _CERTAINTY,
    ),
    Mutant(
        "a response is bounded once it is read",
        "libcloud/utils/documents.py",
        "        if size > limit:",
        "        if False:",
        _LIMITS,
    ),
    Mutant(
        "an error page may have any size",
        f"{_HTTP}/adapter.py",
        " or response.status_code not in range(200, 300):",
        ":",
        _LIMITS,
    ),
    Mutant(
        "the size of an object is that of a response",
        "libcloud/utils/documents.py",
        "    if has_body and not coding",
        "    if not coding",
        _LIMITS,
    ),
    Mutant(
        "a pool is guarded by a lock",
        f"{_HTTP}/adapter.py",
        "            self.QueueCls: Any = IdleConnections",
        "            pass",
        _SESSION,
    ),
    Mutant(
        "a full socket is not listened to",
        f"{_HTTP}/sending.py",
        "    if status is not None and not 200 <= status < 300:",
        "    if False:",
        _SENDING,
    ),
    Mutant(
        "an interim response ends the sending",
        f"{_HTTP}/sending.py",
        "        if status >= 200 or status == 101:",
        "        if True:",
        _SENDING,
    ),
    Mutant(
        "a signing key outlives its day",
        "libcloud/common/signing/sigv4.py",
        "        wanted = (secret, day, scope)",
        '        wanted = (secret, "", scope)',
        (f"{_TESTS}/common/test_sigv4.py",),
    ),
    Mutant(
        "a signature goes on where the last one ended",
        "libcloud/common/signing/sigv4.py",
        "running = keyed[1].copy()",
        "running = keyed[1]",
        (f"{_TESTS}/common/test_sigv4.py",),
    ),
    Mutant(
        "small pieces fill a part beyond its end",
        "libcloud/storage/transfer/upload/source.py",
        "            room -= length\n",
        "",
        _SOURCE,
    ),
    Mutant(
        "runs of tiny pieces are lost",
        "libcloud/storage/transfer/upload/source.py",
        "_joined([*self._runs, *self._small])",
        "_joined(self._small)",
        _SOURCE,
    ),
)
