# SPDX-License-Identifier: Apache-2.0
"""Sends requests to Azure Blob Storage: retries, and errors that say what was tried.

A driver *holds* one client and every operation goes through it. The client in turn uses the
driver's connection, which authorizes each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from libcloud.common.base import Connection
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import azure, transfer
from libcloud.storage.transfer.retry_loop import RetryLoop
from libcloud.storage.types import InvalidContainerNameError, InvalidObjectNameError

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.retry import RetryPolicy
    from libcloud.storage.transfer.values import Failure

_T = TypeVar("_T")

_OK = frozenset({200, 201, 202})
_HTML = ("text/html", "application/xhtml+xml")


class ClientOwner(Protocol):
    """What a client reads from the driver that holds it, at each request: it may change."""

    connection: Any

    @property
    def ex_retry_policy(self) -> RetryPolicy: ...

    @property
    def ex_completion_timeout(self) -> float: ...


class AzureClient:
    """Sends the requests of one driver; thread-safe as far as the driver's connection is.

    :param owner: the driver. It is also the ``driver`` of the exceptions.
    """

    def __init__(self, owner: ClientOwner) -> None:
        self.owner = owner
        self.retry_loop = RetryLoop(owner, failure_of)

    def send(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] = _OK,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """Send ``request``, which is safe to repeat, and retry transient failures.

        :param what: the operation, for messages: ``"Error listing the container a"``.
        :param ok: statuses that are not an error.
        :param raw: do not read the body of the response.
        :param names: of the container and of the blob.
        :raises LibcloudError: the last response has another status.
        """
        return self.retry_loop.run(
            lambda: self.send_once(request, what, ok=ok, raw=raw, names=names)
        )

    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] = _OK,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """:meth:`send` without retries."""
        with self._time_for(request):
            try:
                response = transfer.sending.send_once(
                    self.owner.connection, request, what, raw=raw, driver=self.owner
                )
            except MalformedResponseError as error:
                error.value = f"{what}: {error.value}"
                raise
        if response.status not in ok:
            raise self._refusal(response, what, names)
        if _is_page(response.headers):
            raise MalformedResponseError(
                f"{what}: the response has status {response.status} and is a web page, not a "
                "response of Azure Storage. Is the host the blob service?",
                driver=self.owner,
            )
        return response

    def read(
        self,
        parse: Callable[[Any], _T],
        request: HttpRequest,
        what: str,
        *,
        names: tuple[str, str] = ("", ""),
    ) -> _T:
        """What ``parse`` reads from the response to ``request``; a malformed one is retried."""
        return self.retry_loop.run(
            lambda: self.parse(parse, self.send_once(request, what, names=names), what)
        )

    def parse(self, parse: Callable[[Any], _T], response: Any, what: str) -> _T:
        """What ``parse`` reads from the document in ``response``.

        :raises MalformedResponseError: it is another document than expected.
        """
        document = response.object
        try:
            if isinstance(document, str):
                raise azure.responses.MalformedDocumentError("the response has no document")
            return parse(document)
        except azure.responses.MalformedDocumentError as error:
            raise MalformedResponseError(f"{what}: {error}", driver=self.owner) from error

    def container_path(self, name: str) -> str:
        """The path of a container.

        :raises InvalidContainerNameError: it cannot have this name. Nothing was sent.
        """
        try:
            azure.requests.check_container_name(name)
        except ValueError as error:
            raise InvalidContainerNameError(str(error), self.owner, name) from error
        return azure.requests.container_path(name)

    def blob_path(self, container_name: str, name: str) -> str:
        """The path of a blob.

        :raises InvalidObjectNameError: it cannot have this name. Nothing was sent.
        """
        self.container_path(container_name)
        try:
            azure.requests.check_blob_name(name)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self.owner, name) from error
        return azure.requests.blob_path(container_name, name)

    def _refusal(self, response: Any, what: str, names: tuple[str, str]) -> LibcloudError:
        from libcloud.storage.error_details import describe

        body = response.body
        content = body.encode() if isinstance(body, str) else bytes(body or b"")
        detail = azure.errors.error_detail(int(response.status), response.headers, content)
        text = f"{what}: {describe(detail)}"
        return azure.errors.error_for(detail, text, self.owner, *names)

    def _time_for(self, request: HttpRequest) -> AbstractContextManager[None]:
        """Allow more time before the response to a block list, which the store works for."""
        connection = self.owner.connection
        late = request.method == "PUT" and ("comp", "blocklist") in request.params
        if not late or not isinstance(connection, Connection):
            return nullcontext()
        return connection.extended_timeout(self.owner.ex_completion_timeout)


def failure_of(error: BaseException) -> Failure:
    """What an exception of a request means."""
    return azure.errors.failure_of(error)


def _is_page(headers: Any) -> bool:
    """Whether the response is from a console, a proxy or a login page.

    A blob may be a web page; its response has an ETag and the headers of the service.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _HTML or headers.get("content-length") == "0":
        return False
    return not any(name == "etag" or name.startswith("x-ms-") for name in headers)
