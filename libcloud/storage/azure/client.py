# SPDX-License-Identifier: Apache-2.0
"""Sends requests to Azure Blob Storage: retries, and errors that name the operation.

A driver *holds* one client and every operation goes through it. The client in turn uses the
driver's connection, which authorizes each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from libcloud.common.azure_storage import AzureBlobsConnection
from libcloud.common.exceptions import is_unsent
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import azure, transfer
from libcloud.storage.error_details import ErrorDetail, attach_detail
from libcloud.storage.transfer.client import NamingClient, PolicyOwner

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.azure.responses import Page

_OWN_HEADERS = ("etag", "x-ms-")

# A token may expire, or be revoked, again on the way.
_RECOVERIES = 2


class ClientOwner(PolicyOwner, Protocol):
    """The attributes of the driver that the client reads, in addition to the retry policy."""

    @property
    def ex_completion_timeout(self) -> float: ...


class AzureClient(NamingClient[ClientOwner]):
    """Sends the requests of one driver."""

    def __init__(self, owner: ClientOwner) -> None:
        super().__init__(owner, azure.errors.failure_of)

    @property
    def requests(self) -> Any:
        return azure.requests

    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] | None = None,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """:meth:`send` without retries, except after a wrong clock or a token that has expired."""
        recoveries = 0
        late = request.method == "PUT" and ("comp", "blocklist") in request.params
        seconds = self.owner.ex_completion_timeout if late else 0.0
        while True:
            with self._time_for(seconds):
                response = self._attempt(request, what, raw=raw)
            is_page = transfer.client.is_web_page(response.headers, _OWN_HEADERS)
            is_expected = response.status in (ok or self.successes)
            if is_expected and not is_page:
                return response
            # The request may have been carried out.
            if is_expected or response.status in range(200, 300):
                raise MalformedResponseError(
                    f"{what}: the response has status {response.status}"
                    f"{' and is a web page' if is_page else ''}. Is the host the blob service?",
                    driver=self.owner,
                )
            status, headers = int(response.status), response.headers
            detail = azure.errors.error_detail(status, headers, response.body)
            if recoveries == _RECOVERIES or not self._recover(detail):
                known = ("", "") if is_page else names
                raise azure.errors.error_for(detail, what, self.owner, *known)
            recoveries += 1

    def listing(
        self,
        parse: Callable[[Any], Page],
        request: Callable[..., HttpRequest],
        what: str,
        container_name: str = "",
        prefix: str | None = None,
    ) -> Iterator[Page]:
        """The pages of a listing; ``request``, which asks for ``prefix``, takes a ``marker``."""
        return self.pages(
            lambda marker: self.read(
                parse, request(marker=marker), what, names=(container_name, "")
            ),
            lambda page: (page.names(), bool(page.marker), page.marker),
            what,
            container_name=container_name,
            prefix=prefix,
        )

    def _attempt(self, request: HttpRequest, what: str, *, raw: bool) -> Any:
        connection = self.owner.connection
        try:
            return transfer.client.send_once(connection, request, what, raw=raw, driver=self.owner)
        except MalformedResponseError as error:
            error.value = f"{what}: {error.value}"
            raise
        except LibcloudError as error:
            # A request for a token was refused, perhaps only for now.
            if is_unsent(error) and error.http_code and not hasattr(error, "detail"):
                error.value = f"{what}: {error.value}"
                attach_detail(error, ErrorDetail(error.http_code))  # repeated if it may pass
            raise

    def _recover(self, detail: ErrorDetail) -> bool:
        """Whether a refused request, which had no effect, may be accepted if it is sent again."""
        connection = self.owner.connection
        if not isinstance(connection, AzureBlobsConnection):
            return False
        return connection.recover(detail.status, detail.code, detail.date)
