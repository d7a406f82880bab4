# SPDX-License-Identifier: Apache-2.0
"""Planted bugs that show secrets, or send them to another host; see ``mutant_list.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_TESTS = "libcloud/test"
_HTTP = (f"{_TESTS}/test_http_secrets.py",)

MUTANTS = (
    Mutant(
        "credentials follow a redirect to another host",
        "libcloud/http/session.py",
        "            keep_public_headers(prepared_request)\n",
        "            prepared_request.headers.pop('Authorization', None)\n",
        _HTTP,
    ),
    Mutant(
        "a form with a token follows a redirect to another host",
        "libcloud/http/session.py",
        "return None if elsewhere and holds_secret(resp.request.body) else target",
        "return target",
        _HTTP,
    ),
    Mutant(
        "a proxy of the environment goes before the one set in code",
        "libcloud/http/session.py",
        "        proxies = proxies or dict(self.proxies)\n",
        "",
        _HTTP,
    ),
    Mutant(
        "exceptions are not redacted",
        "libcloud/http/secrets.py",
        "        for found in redact_exception(error, secrets):\n",
        "        for found in ():\n",
        _HTTP,
    ),
    Mutant(
        "only the outermost exception is redacted",
        "libcloud/utils/redact.py",
        "        waiting += [current.__cause__, current.__context__, *current.args, "
        "*vars(current).values()]\n",
        "",
        _HTTP,
    ),
    Mutant(
        "exceptions keep the request with its headers",
        "libcloud/http/secrets.py",
        "            _drop_secrets_of_request(found)\n",
        "            pass\n",
        _HTTP,
    ),
    Mutant(
        "urllib3 logs signatures in queries",
        "libcloud/http/adapter.py",
        'return redact_text(target) if "?" in target else target',
        "return target",
        _HTTP,
    ),
    Mutant(
        "the page of a proxy is shown with the signature in it",
        "libcloud/common/response.py",
        "        return redact_text(\n",
        "        return text or redact_text(\n",
        (f"{_TESTS}/test_response_classes.py",),
    ),
)
