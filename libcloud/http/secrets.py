# SPDX-License-Identifier: Apache-2.0
"""Keeps secrets out of errors and logs of requests and urllib3, and away from other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.http.errors import is_a
from libcloud.utils.redact import (
    REDACTED,
    forms_of,
    redact_exception,
    redact_headers,
    redact_text,
    secrets_in,
)

# Headers that may be sent to another host after a redirect. Cookies and proxy credentials are those
# that requests has chosen for the new host.
_PUBLIC_HEADERS = frozenset(
    """
    accept accept-encoding accept-language connection content-encoding content-length
    content-type cookie if-match if-modified-since if-none-match if-range if-unmodified-since
    proxy-authorization range transfer-encoding user-agent
    """.split()
)

_REFUSALS = {"requests.exceptions.InvalidHeader"}

# Forms and documents that contain tokens are small.
_LONGEST_FORM = 64 * 1024


def redact_error(error: Exception, headers: Mapping[Any, Any] | None) -> None:
    """Remove the secrets of a request from ``error``, which it has raised.

    :param headers: headers of the request.
    :raises InvalidHeader: in place of ``error``: a header cannot be sent.
    """
    name, value = _unsendable(headers)
    secrets = [*secrets_in(headers), *(forms_of(value) if name else ())]
    for found in redact_exception(error, secrets):
        _drop_secrets_of_request(found)
    if not name or not _is_refusal(error):
        return
    text = (
        f"the value of the header {name} cannot be sent: it starts with whitespace or contains "
        "a line break or a character that is not Latin-1"
    )
    if not is_a(error, _REFUSALS):
        from requests.exceptions import InvalidHeader

        raise InvalidHeader(text) from None
    error.args = (text,)


def keep_public_headers(request: Any) -> None:
    """Remove headers from ``request`` that must not be sent to another host."""
    for name in [name for name in request.headers if name.lower() not in _PUBLIC_HEADERS]:
        del request.headers[name]


def holds_secret(body: Any) -> bool:
    """Return whether ``body`` is a form or a document that contains a token or a key."""
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, (bytes, bytearray)) or len(body) > _LONGEST_FORM:
        return False
    text = bytes(body).decode("utf-8", "replace")
    return redact_text(text) != text


def _unsendable(headers: Mapping[Any, Any] | None) -> tuple[str, str]:
    """Return name and value of the first header that cannot be sent; empty if all can."""
    for name, value in (headers or {}).items():
        if not isinstance(value, (str, bytes)):
            continue
        text = value if isinstance(value, str) else value.decode("latin-1")
        if text[:1].isspace() or "\n" in text or "\r" in text or max(text, default="") > "\xff":
            return str(name), text
    return "", ""


def _is_refusal(error: Exception) -> bool:
    """Return whether ``error`` refuses a header, as requests or only ``http.client`` does."""
    if is_a(error, {"requests.exceptions.RequestException"}):
        return is_a(error, _REFUSALS)
    return isinstance(error, ValueError)


def _drop_secrets_of_request(error: Any) -> None:
    """Replace the request of ``error`` by a copy without authorization and body."""
    response = getattr(error, "response", None)
    for holder in (error, response, *getattr(response, "history", ())):
        request = getattr(holder, "request", None)
        if is_a(request, {"requests.models.PreparedRequest"}):
            holder.request = _shown(request)


def _shown(request: Any) -> Any:
    from requests import PreparedRequest
    from requests.structures import CaseInsensitiveDict

    made = PreparedRequest()
    made.method, made.url = request.method, redact_text(request.url or "")
    headers: dict[str, Any] = redact_headers(request.headers)
    # An unknown header may be one that authorizes the request.
    known = {name: headers[name] for name in headers if name.lower() in _PUBLIC_HEADERS}
    made.headers = CaseInsensitiveDict({**dict.fromkeys(headers, REDACTED), **known})
    return made
