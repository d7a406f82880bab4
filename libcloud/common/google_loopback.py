# SPDX-License-Identifier: Apache-2.0
"""Receiving the code that Google's consent page hands to a browser, on a port of this machine.

Reference: RFC 8252, "OAuth 2.0 for Native Apps", section 7.3.
"""

from __future__ import annotations

import hmac
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

__all__ = ["receive_code"]

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Authorization</title></head><body><p>%s</p></body></html>"
)


def receive_code(port: int, state: str) -> str:
    """Wait for the browser to come back with a code, and return the code.

    Requests that bring neither a code nor an error, such as for an icon, are not waited for.

    :param port: port to listen on, on 127.0.0.1 only.
    :param state: what was given to the consent page, and must come back.
    :raises PermissionError: the user or Google refused, or another page tried to slip in a code.
    """
    answer: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {
                name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()
            }
            if "code" in query or "error" in query:
                answer.update(query)
            refusal = _refusal(answer, state) if answer else "Nothing is here."
            self.send_response(400 if refusal else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(_PAGE % (refusal or "You may close this window.").encode("utf-8"))

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent: the request line holds the code."""

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        while not answer:
            server.handle_request()
    refusal = _refusal(answer, state)
    if refusal:
        raise PermissionError(refusal)
    return answer["code"]


def _refusal(answer: dict[str, str], state: str) -> str:
    """Why ``answer`` is not good; empty if it is. Quotes nothing of it."""
    if not hmac.compare_digest(answer.get("state", "").encode("utf-8"), state.encode("utf-8")):
        return "The state in the answer is not the one that was sent: authorization is aborted."
    if "code" not in answer:
        return "Authorization was refused."
    return ""
