# SPDX-License-Identifier: Apache-2.0
"""What Google's JSON services answer, and the errors among it.

The classes are public as ``libcloud.common.google``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from libcloud.common.base import JsonResponse
from libcloud.common.types import LibcloudError, ProviderError
from libcloud.utils.documents import parse_json

__all__ = [
    "GoogleAuthError",
    "GoogleBaseError",
    "GoogleResponse",
    "InvalidRequestError",
    "JsonParseError",
    "QuotaExceededError",
    "ResourceExistsError",
    "ResourceInUseError",
    "ResourceNotFoundError",
]


class GoogleAuthError(LibcloudError):
    """Credentials could not be used, or no token could be had."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)

    def __str__(self) -> str:
        return repr(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class GoogleBaseError(ProviderError):
    """A service answered with an error.

    :param code: Google's word for it; ``None`` if there is none.
    """

    def __init__(self, value: Any, http_code: int, code: Any, driver: Any = None) -> None:
        super().__init__(value, http_code, driver)
        self.code = code


class InvalidRequestError(GoogleBaseError):
    """The request was refused as it stands (400)."""


class JsonParseError(GoogleBaseError):
    """The answer says success and is not JSON."""


class ResourceNotFoundError(GoogleBaseError):
    """There is no such thing (404)."""


class QuotaExceededError(GoogleBaseError):
    """The project has used up what it may use."""


class ResourceExistsError(GoogleBaseError):
    """There is such a thing already."""


class ResourceInUseError(GoogleBaseError):
    """Something else uses it at present."""


class GoogleResponse(JsonResponse):
    """An answer in JSON. An error raises from here, whatever the status of the answer."""

    valid_response_codes = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)

    def success(self) -> bool:
        """Always: :meth:`parse_body` raises what is not a success."""
        return True

    def parse_body(self) -> Any:
        """The parsed answer; an empty body stays empty.

        :raises JsonParseError: the status is a success and the body is not JSON.
        :raises GoogleBaseError: the answer is an error; a subclass if it is one that is known.
        """
        status = int(self.status)
        succeeded = status in self.valid_response_codes
        if not self.body and not self.parse_zero_length_body:
            if status >= 400:
                raise self._failure(status, f"Status code: {status}", None)
            return self.body
        try:
            body = parse_json(self.body)
        except ValueError:
            if succeeded:
                text = self._without_secrets(self.body)
                raise JsonParseError(text, status, None, self._driver()) from None
            raise self._failure(status, self.body, None) from None
        if _is_dict(body) and "error" in body:
            code, message = self._get_error(body)
            raise self._failure(status, message, code)
        if not succeeded:
            raise self._failure(status, body, None)
        return body

    def _get_error(self, body: dict[str, Any]) -> tuple[Any, Any]:
        """Code and message of an error, in any of the forms that Google's services use."""
        error = body["error"]
        if not _is_dict(error):
            return None, body.get("error_description", error)
        listed = error.get("errors")
        if listed:
            first = listed[0]
            if "code" in first:
                return first["code"], first.get("message")
            return first.get("reason"), first
        return error.get("code"), error.get("message")

    def _failure(self, status: int, message: Any, code: Any) -> GoogleBaseError:
        """The error to raise: the status decides, and the code where the status says nothing."""
        kind = GoogleBaseError
        if status == HTTPStatus.NOT_FOUND:
            kind = ResourceNotFoundError
        elif status == HTTPStatus.BAD_REQUEST:
            kind = InvalidRequestError
        elif status in self.valid_response_codes or status == HTTPStatus.CONFLICT:
            kind = _kind_of(str(code))
        if isinstance(message, str):
            message = self._without_secrets(message)
        return kind(message, status, code, self._driver())

    def _driver(self) -> Any:
        return getattr(self.connection, "driver", None)


def _kind_of(code: str) -> type[GoogleBaseError]:
    if code == "QUOTA_EXCEEDED":
        return QuotaExceededError
    if code in ("RESOURCE_ALREADY_EXISTS", "alreadyExists"):
        return ResourceExistsError
    if code.startswith("RESOURCE_IN_USE"):
        return ResourceInUseError
    return GoogleBaseError


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)
