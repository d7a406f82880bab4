# SPDX-License-Identifier: Apache-2.0
"""Responses and errors of Google's JSON services, public as ``libcloud.common.google``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from libcloud.common.base import JsonResponse
from libcloud.common.types import LibcloudError, ProviderError
from libcloud.utils.documents import parse_json


class GoogleAuthError(LibcloudError):
    """Credentials are not usable, or no token could be obtained."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)

    def __str__(self) -> str:
        return repr(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class GoogleBaseError(ProviderError):
    """A service returned an error; ``code`` is Google's own."""

    def __init__(self, value: Any, http_code: int, code: Any, driver: Any = None) -> None:
        super().__init__(value, http_code, driver)
        self.code = code


class InvalidRequestError(GoogleBaseError):
    """The request is invalid (400)."""


class JsonParseError(GoogleBaseError):
    """A successful response is not JSON."""


class ResourceNotFoundError(GoogleBaseError):
    """The resource does not exist (404)."""


class QuotaExceededError(GoogleBaseError):
    """The quota of the project is exhausted."""


class ResourceExistsError(GoogleBaseError):
    """The resource already exists."""


class ResourceInUseError(GoogleBaseError):
    """The resource is in use."""


class GoogleResponse(JsonResponse):
    """A JSON response. Raises for errors, regardless of the status."""

    valid_response_codes = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)

    def success(self) -> bool:
        """Always true: :meth:`parse_body` raises the errors."""
        return True

    def parse_body(self) -> Any:
        """:raises JsonParseError, GoogleBaseError: the body is not JSON, or it is an error."""
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
        if isinstance(body, dict) and "error" in body:
            code, message = self._get_error(body)
            raise self._failure(status, message, code)
        if not succeeded:
            raise self._failure(status, body, None)
        return body

    def _get_error(self, body: dict[str, Any]) -> tuple[Any, Any]:
        """Code and message of an error, in any of the formats of Google's services."""
        error = body["error"]
        if not isinstance(error, dict):
            return None, body.get("error_description", error)
        listed = error.get("errors")
        if listed:
            first = listed[0]
            if "code" in first:
                return first["code"], first.get("message")
            return first.get("reason"), first
        return error.get("code"), error.get("message")

    def _failure(self, status: int, message: Any, code: Any) -> GoogleBaseError:
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
