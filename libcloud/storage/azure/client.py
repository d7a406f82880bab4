# SPDX-License-Identifier: Apache-2.0
"""Sends requests to Azure Blob Storage: retries, and errors that name the operation.

A driver *holds* one client and every operation goes through it. The client in turn uses the
driver's connection, which authorizes each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from libcloud.common.azure_storage import AzureBlobsConnection
from libcloud.common.response import error_text
from libcloud.storage import azure
from libcloud.storage.transfer.client import PolicyOwner
from libcloud.storage.transfer.naming_client import NamingClient
from libcloud.storage.types import ContainerAlreadyExistsError, InvalidContainerNameError

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.common.types import LibcloudError
    from libcloud.storage.azure.responses import Page
    from libcloud.storage.error_details import ErrorDetail


# Of the creation of a container, by a service that is not Azure's and says no code.
_REFUSALS = {400: InvalidContainerNameError, 409: ContainerAlreadyExistsError}


class AzureClient(NamingClient[PolicyOwner]):
    """Sends the requests of one driver."""

    own_headers = ("etag", "x-ms-")

    def __init__(self, owner: PolicyOwner) -> None:
        super().__init__(owner, azure.errors.failure_of)

    @property
    def requests(self) -> Any:
        return azure.requests

    def detail_of(self, response: Any) -> ErrorDetail:
        return azure.errors.error_detail(
            int(response.status), response.headers, error_text(response)
        )

    def error_for(
        self, request: HttpRequest, detail: ErrorDetail, text: str, names: tuple[str, str]
    ) -> LibcloudError:
        is_creation = request.method == "PUT" and names[0] and not names[1]
        if is_creation and not detail.code and detail.status in _REFUSALS:
            return _REFUSALS[detail.status](text, self.owner, names[0])
        return azure.errors.error_for(detail, text, self.owner, *names)

    def _patience(self, request: HttpRequest) -> float:
        late = request.method == "PUT" and ("comp", "blocklist") in request.params
        return self.owner.ex_completion_timeout if late else 0.0

    def _recovery(self) -> Callable[[ErrorDetail], bool]:
        connection = self.owner.connection
        if not isinstance(connection, AzureBlobsConnection):
            return super()._recovery()
        return lambda detail: connection.recover(detail.status, detail.code, detail.date)

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
