# SPDX-License-Identifier: Apache-2.0
"""Responses: the parsed body, or an exception.

Response       text; reads the whole body
 |- JsonResponse, XmlResponse   ``object`` is the parsed document
 `- RawResponse                 leaves the body unread
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from libcloud.common.exceptions import exception_from_message
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.utils.documents import parse_json, read_document
from libcloud.utils.misc import lowercase_keys
from libcloud.utils.redact import redact_text, secrets_in
from libcloud.utils.xml import parse_xml

if TYPE_CHECKING:
    from libcloud.http import HttpLibResponseProxy

# What a Response class accepts unless it overrides ``success``.
_SUCCESS = (200, 201, 202)

# Largest body whose encoding requests may guess, which is slow.
_LONGEST_GUESS = 64 * 1024

# Characters of a document that an error holds, and those that a secret in it may have.
_SHOWN = 64 * 1024
_LONGEST_SECRET = 4 * 1024


def error_text(response: Any) -> Any:
    """The body of an error, without secrets of the request, which it may repeat."""
    body = response.body
    if not isinstance(response, Response) or not isinstance(body, (str, bytes)):
        return body  # of a class that is not ours
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return response._without_secrets(text)


class Response:
    """A response whose body is read and parsed.

    Subclasses override :meth:`parse_body`, :meth:`parse_error` and :meth:`success`.

    :param response: the response of requests.
    :param connection: the connection that sent the request.
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
            self._parse()
        except BaseException as error:
            _abandon(response, error, self.status)
            raise

    def _without_secrets(self, text: str) -> str:
        """The start of ``text``, which a server has sent, without secrets of the request."""
        secrets = secrets_in(getattr(getattr(self, "request", None), "headers", None))
        # More is searched than is returned, so that no secret is cut off before it is found.
        return redact_text(text[: _SHOWN + _LONGEST_SECRET], secrets)[:_SHOWN]

    @property
    def body(self) -> Any:
        """The body as text without surrounding whitespace; of a raw response, the bytes."""
        if "body" not in self.__dict__:
            self.__dict__["body"] = self._load_body()
        return self.__dict__["body"]

    @body.setter
    def body(self, value: Any) -> None:
        self.__dict__["body"] = value
        self._content = None

    def _parse(self) -> None:
        self.object = self.parse_body()

    def parse_body(self) -> Any:
        """To be overridden: the parsed body, which becomes ``object``."""
        return self.body

    def parse_error(self) -> Any:
        """Return the error message of an unsuccessful response; may raise another exception."""
        return self.body

    def success(self) -> bool:
        return self.status in _SUCCESS

    def _take(self, response: Any) -> None:
        self._response = response
        self.headers = _lowercase(response.headers)
        self.error = response.reason
        self.status = response.status_code
        self.request = response.request
        self.iter_content = response.iter_content

    def _load_body(self) -> Any:
        return _text(self._response, self._content)

    def _document(self) -> Any:
        """The body for a parser: bytes if available, because they declare their encoding."""
        return self._content if isinstance(self._content, bytes) else self.body

    def _has_no_document(self) -> bool:
        if self._content != b"" and self._document().strip():
            return False
        return not self.parse_zero_length_body

    def _malformed(self, message: str) -> MalformedResponseError:
        driver = getattr(self.connection, "driver", None)
        return MalformedResponseError(
            message, body=self._without_secrets(str(self.body)), driver=driver
        )


class JsonResponse(Response):
    """A JSON response; an empty body stays an empty string.

    :raises MalformedResponseError: the body is not JSON.
    """

    def parse_body(self) -> Any:
        if self._has_no_document():
            return self.body
        try:
            return parse_json(self.body)
        except (ValueError, TypeError) as error:
            raise self._malformed("Failed to parse JSON") from error

    parse_error = parse_body


class XmlResponse(Response):
    """An XML response; an empty body stays an empty string.

    :raises MalformedResponseError: the body is not XML, or not safe to parse.
    """

    def parse_body(self) -> Any:
        if self._has_no_document():
            return self.body
        try:
            return parse_xml(self._document())
        except (ValueError, TypeError) as error:
            raise self._malformed("Failed to parse XML") from error

    parse_error = parse_body


class RawResponse(Response):
    """A response whose body the caller reads: with ``iter_content``, or with ``body`` as a whole.

    The body of an unsuccessful response is read at once, which frees the connection.

    :param connection: the connection that sent the request.
    :param response: the response of requests; ``None``: the connection provides it on first use.
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
            _abandon(response, error, self.status)
            raise

    @property
    def response(self) -> HttpLibResponseProxy:
        """The response with the interface of the standard library's."""
        if self._response is None:
            self._take(self.connection.connection.getresponse())
        from libcloud.http import HttpLibResponseProxy

        return HttpLibResponseProxy(self._response)

    @property
    def reason(self) -> Any:
        return self.response.reason

    def success(self) -> bool:
        return self.status in range(200, 300)

    def _load_body(self) -> Any:
        return self.response.body


def _lowercase(headers: Any) -> dict[str, str]:
    """``headers`` with names in lower case; the class of requests has them cached."""
    known = getattr(headers, "_store", None)
    if isinstance(known, dict):
        return dict(zip(known, map(itemgetter(1), known.values()), strict=True))
    return lowercase_keys(dict(headers))


def _text(response: Any, content: Any) -> str:
    if content == b"":
        return ""
    if isinstance(content, bytes) and getattr(response, "encoding", None) is None:
        # Without a declared encoding, requests would guess, which is slow.
        try:
            return content.decode("utf-8").strip()
        except UnicodeDecodeError:
            if len(content) > _LONGEST_GUESS:
                return content.decode("utf-8", "replace").strip()
    text = response.text
    return "" if text is None else str(text).strip()


def _abandon(response: Any, error: BaseException, status: int) -> None:
    response.close()
    if isinstance(error, LibcloudError) and error.http_code is None:
        error.http_code = status
