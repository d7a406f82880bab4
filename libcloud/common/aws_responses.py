# SPDX-License-Identifier: Apache-2.0
"""Responses of services with Amazon's protocols, public as ``libcloud.common.aws``."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, ClassVar

from libcloud.common.base import JsonResponse, XmlResponse
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.utils.xml import findall_ignore_namespace, findtext_ignore_namespace

__all__ = ["AWSBaseResponse", "AWSGenericResponse", "AWSJsonResponse"]


class AWSBaseResponse(XmlResponse):
    """An XML response whose errors consist of a code and a message."""

    namespace: str | None = None

    def _parse_error_details(self, element: Any) -> tuple[str | None, str | None]:
        """Return code and message below ``element``, with or without a namespace."""
        code = findtext_ignore_namespace(element=element, xpath="Code", namespace=self.namespace)
        message = findtext_ignore_namespace(
            element=element, xpath="Message", namespace=self.namespace
        )
        return code, message


class AWSGenericResponse(AWSBaseResponse):
    """A response with a list of errors at :attr:`xpath`; :attr:`exceptions` maps their codes."""

    xpath: str | None = None
    exceptions: ClassVar[dict[str, type[LibcloudError]]] = {}

    def success(self) -> bool:
        return self.status in (200, 201, 202)

    def parse_error(self) -> str:
        """Return the errors of the response as lines of ``Code: message``.

        :raises InvalidCredsError: the status is 403.
        :raises LibcloudError: a subclass that :attr:`exceptions` has for a code of the response.
        :raises MalformedResponseError: the response is not XML.
        """
        if self.status == 403:
            raise InvalidCredsError(self._without_secrets(str(self.body)))
        driver = self.connection.driver
        try:
            body = self.parse_body()
        except Exception as error:
            raise self._malformed("Failed to parse XML") from error
        if not hasattr(body, "findall"):
            return str(body)
        lines = []
        for element in self._error_elements(body):
            code, message = self._parse_error_details(element=element)
            failure = self.exceptions.get(code or "")
            if failure is not None:
                context = getattr(self.connection, "context", None) or {}
                raise failure(value=message, driver=driver, **_accepted(failure, context))
            lines.append(f"{code}: {message}")
        return "\n".join(lines)

    def _error_elements(self, body: Any) -> list[Any]:
        if not self.xpath:
            return [body]
        return findall_ignore_namespace(element=body, xpath=self.xpath, namespace=self.namespace)


def _accepted(failure: type[LibcloudError], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of ``context`` that the constructor of ``failure`` accepts."""
    parameters = signature(failure).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(context)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in context.items() if name in names}


class AWSJsonResponse(JsonResponse):
    """A JSON response whose errors consist of ``__type`` and ``message``."""

    def parse_error(self) -> str:
        """Return the error as ``Type: message``."""
        response = self.parse_body() or {}
        return f"{response.get('__type')}: {response.get('message', '')}"
