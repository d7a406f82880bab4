# SPDX-License-Identifier: Apache-2.0
"""Receives the authorization code of Google's consent page on a loopback port.

Reference: RFC 8252, "OAuth 2.0 for Native Apps", section 7.3.
"""

from __future__ import annotations

import hmac
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Authorization</title></head><body><p>%s</p></body></html>"
)


class CodeServer(HTTPServer):
    """Listens on 127.0.0.1, on any free port or a given one, for the redirect of the consent page.

    Requests with neither a code nor an error, such as for an icon, are ignored. The redirect must
    contain ``state``.
    """

    def __init__(self, port: int, state: str) -> None:
        self.state = state
        self.answer: dict[str, str] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def wait(self) -> str:
        """Wait for the code and return it.

        :raises PermissionError: the user or Google refused, or the state is wrong.
        """
        while not self.answer:
            self.handle_request()
        refusal = _refusal(self.answer, self.state)
        if refusal:
            raise PermissionError(refusal)
        return self.answer["code"]


class _Handler(BaseHTTPRequestHandler):
    server: CodeServer

    # Browsers open connections in advance and send nothing; these must not block others.
    timeout = 5

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        refusal = "Not found."
        if "code" in query or "error" in query:
            self.server.answer = query
            refusal = _refusal(query, self.server.state)
        self.send_response(400 if refusal else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(_PAGE % (refusal or "You may close this window.").encode("utf-8"))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the request line contains the code."""


def _refusal(answer: dict[str, str], state: str) -> str:
    """Return why the redirect is rejected; empty if it is valid. Quotes nothing of it."""
    if not hmac.compare_digest(answer.get("state", "").encode("utf-8"), state.encode("utf-8")):
        return "The state in the response is not the one that was sent: authorization is aborted."
    if "code" not in answer:
        return "Authorization was refused."
    return ""
