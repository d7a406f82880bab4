# SPDX-License-Identifier: Apache-2.0
"""Answers: what a server said, parsed, or an error.

Response       text; reads the whole body
 |- JsonResponse, XmlResponse   ``object`` is the parsed document
 `- RawResponse                 leaves the body unread
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libcloud.common.exceptions import exception_from_message
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.utils.documents import parse_json, read_document
from libcloud.utils.misc import lowercase_keys
from libcloud.utils.redact import redact_text, secrets_in
from libcloud.utils.xml import parse_xml

if TYPE_CHECKING:
    from libcloud.common.httplib import HTTPResponse as HTTPResponse
    from libcloud.http import HttpLibResponseProxy

__all__ = ["HTTPResponse", "JsonResponse", "RawResponse", "Response", "XmlResponse"]

# What a Response class accepts unless it overrides ``success``.
_SUCCESS = (200, 201, 202)

# Bytes of a body whose encoding requests may guess, by looking at all of them many times.
_LONGEST_GUESS = 64 * 1024

# Characters of a document that an error holds, and those that a secret in it may have.
_SHOWN = 64 * 1024
_LONGEST_SECRET = 4 * 1024


class Response:
    """An answer whose body was read and parsed.

    Subclasses override :meth:`parse_body`, :meth:`parse_error` and :meth:`success`.

    :param response: the response of requests.
    :param connection: the connection that asked.
    :raises BaseHTTPError: :meth:`success` is false. What :meth:`parse_error` returns is its
        message; what it raises itself comes in its place.
    """

    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012  part of the public API; instances have their own
    object: Any = None
    error: Any = None
    connection: Any = None
    _response: Any = None
    _content: Any = None
    parse_zero_length_body = False

    def __init__(self, response: Any, connection: Any) -> None:
        self.connection = connection
        self._take(response)
        try:
            self._content = read_document(response)
            if not self.success():
                message = self.parse_error()
                if isinstance(message, str):
                    message = self._without_secrets(message)
                raise exception_from_message(
                    code=self.status, message=message, headers=self.headers
                )
            self.object = self.parse_body()
        except BaseException as error:
            _give_up(response, error, self.status)
            raise

    def _without_secrets(self, text: str) -> str:
        """The start of ``text``, which a server said, without what it repeats of secrets."""
        secrets = secrets_in(getattr(getattr(self, "request", None), "headers", None))
        # Some more is looked at, so that no secret is cut before it is found.
        return redact_text(text[: _SHOWN + _LONGEST_SECRET], secrets)[:_SHOWN]

    @property
    def body(self) -> Any:
        """The body as text, without white space around it; bytes, as they came, of a raw answer."""
        if "body" not in self.__dict__:
            self.__dict__["body"] = self._load_body()
        return self.__dict__["body"]

    @body.setter
    def body(self, value: Any) -> None:
        self.__dict__["body"] = value
        self._content = None

    def parse_body(self) -> Any:
        """The parsed body; it becomes ``object``."""
        return self.body

    def parse_error(self) -> Any:
        """The message of the error that an unsuccessful answer becomes; may raise another one."""
        return self.body

    def success(self) -> bool:
        """Whether the status is what was hoped for."""
        return self.status in _SUCCESS

    def _take(self, response: Any) -> None:
        """Everything of ``response`` but its body."""
        self._response = response
        self.headers = _lowercase(response.headers)
        self.error = response.reason
        self.status = response.status_code
        self.request = response.request
        self.iter_content = response.iter_content

    def _load_body(self) -> Any:
        return _text(self._response, self._content)

    def _document(self) -> Any:
        """The body for a parser: bytes if there are any, for only they tell their encoding."""
        return self._content if isinstance(self._content, bytes) else self.body

    def _has_no_document(self) -> bool:
        """Whether the body is empty and counts as no document."""
        if self._content != b"" and self._document().strip():
            return False
        return not self.parse_zero_length_body

    def _malformed(self, message: str) -> MalformedResponseError:
        driver = getattr(self.connection, "driver", None)
        return MalformedResponseError(
            message, body=self._without_secrets(str(self.body)), driver=driver
        )


class JsonResponse(Response):
    """An answer in JSON; an empty one stays an empty text."""

    def parse_body(self) -> Any:
        """The document.

        :raises MalformedResponseError: it is not JSON.
        """
        if self._has_no_document():
            return self.body
        try:
            return parse_json(self.body)
        except (ValueError, TypeError) as error:
            raise self._malformed("Failed to parse JSON") from error

    parse_error = parse_body


class XmlResponse(Response):
    """An answer in XML; an empty one stays an empty text."""

    def parse_body(self) -> Any:
        """The root element.

        :raises MalformedResponseError: it is not XML, or not safe to read.
        """
        if self._has_no_document():
            return self.body
        try:
            return parse_xml(self._document())
        except (ValueError, TypeError) as error:
            raise self._malformed("Failed to parse XML") from error

    parse_error = parse_body


class RawResponse(Response):
    """An answer whose body is left to the caller: ``iter_content``, or ``body`` for all of it.

    The body of an unsuccessful answer is read, so that the connection is free for others.

    :param connection: the connection that asked.
    :param response: the response of requests; ``None`` asks the connection when it is needed.
    """

    def __init__(self, connection: Any, response: Any = None) -> None:
        self.connection = connection
        if response is None:
            return
        self._take(response)
        try:
            if self.status not in range(200, 300):
                read_document(response)
            if not self.success():
                self.parse_error()
        except BaseException as error:
            _give_up(response, error, self.status)
            raise

    @property
    def response(self) -> HttpLibResponseProxy:
        """The response, behind the methods of the standard library's."""
        if self._response is None:
            self._take(self.connection.connection.getresponse())
        from libcloud.http import HttpLibResponseProxy

        return HttpLibResponseProxy(self._response)

    @property
    def reason(self) -> Any:
        """Reason of the answer."""
        return self.response.reason

    def success(self) -> bool:
        """Whether the status is in the two hundreds."""
        return self.status in range(200, 300)

    def _load_body(self) -> Any:
        return self.response.body


def _lowercase(headers: Any) -> dict[str, str]:
    """``headers`` with names in lower case; those of requests know them already."""
    if hasattr(type(headers), "lower_items"):
        return dict(headers.lower_items())
    return lowercase_keys(dict(headers))


def _text(response: Any, content: Any) -> str:
    """The body of ``response`` as text."""
    if content == b"":
        return ""
    if isinstance(content, bytes) and getattr(response, "encoding", None) is None:
        # Without a declared encoding requests would guess, slowly.
        try:
            return content.decode("utf-8").strip()
        except UnicodeDecodeError:
            if len(content) > _LONGEST_GUESS:
                return content.decode("utf-8", "replace").strip()
    text = response.text
    return "" if text is None else str(text).strip()


def _give_up(response: Any, error: BaseException, status: int) -> None:
    """Free the connection of ``response``, and note the status on ``error``."""
    response.close()
    if isinstance(error, LibcloudError) and error.http_code is None:
        error.http_code = status


def __getattr__(name: str) -> Any:
    """The class that needs the standard library's HTTP client, which nothing else here does."""
    if name == "HTTPResponse":
        from libcloud.common.httplib import HTTPResponse

        return HTTPResponse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
