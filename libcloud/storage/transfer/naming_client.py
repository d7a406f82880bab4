# SPDX-License-Identifier: Apache-2.0
"""The base class of the clients for Azure and Swift, which make paths of names.

S3 lets drivers make them, because users override that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from libcloud.common.exceptions import is_unsent
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.error_details import ErrorDetail, attach_detail, describe
from libcloud.storage.transfer.client import OwnerT, StoreClient, is_web_page, send_once
from libcloud.storage.types import (
    ContainerError,
    InvalidContainerNameError,
    InvalidObjectNameError,
)
from libcloud.utils.arguments import check_name

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.types import ObjectError

# A token may expire again, or be revoked, before the request that it was renewed for arrives.
_RECOVERIES = 2


class NamingClient(StoreClient[OwnerT]):
    """A client that makes the paths of containers and objects from their names."""

    #: What the names of headers begin with that only the store sends.
    own_headers: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def requests(self) -> Any:
        """The module that builds the requests of the protocol."""

    @abstractmethod
    def detail_of(self, response: Any) -> ErrorDetail:
        """The error in a response, which may be of a class that is not ours."""

    @abstractmethod
    def error_for(
        self, request: HttpRequest, detail: ErrorDetail, text: str, names: tuple[str, str]
    ) -> LibcloudError:
        """The exception for an error of the store."""

    def _patience(self, request: HttpRequest) -> float:
        """Seconds without data that are allowed before the response; 0: the usual ones."""
        return 0.0

    def _recovery(self) -> Callable[[ErrorDetail], bool]:
        """Corrects the connection after a refusal of the request that is sent next.

        It returns whether the request, which had no effect, may be accepted now.
        """
        return lambda detail: False

    def _is_web_page(self, response: Any, *, raw: bool) -> bool:
        return is_web_page(response.headers, self.own_headers)

    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] | None = None,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """:meth:`send` without retries, except after a wrong clock or with another token."""
        seconds, recoveries = self._patience(request), 0
        while True:
            is_page, recover = False, self._recovery()
            with self._time_for(seconds):
                response, detail = self._attempt(request, what, raw=raw)
            if detail is None:
                is_page = self._is_web_page(response, raw=raw)
                is_expected = response.status in (ok or self.successes)
                if is_expected and not is_page:
                    return response
                # The request may have been carried out.
                if is_expected or response.status in range(200, 300):
                    why = "is a web page" if is_page else f"has status {response.status}"
                    text = f"{what}: the response {why}. Is this the store's API?"
                    raise MalformedResponseError(text, driver=self.owner)
                detail = self.detail_of(response)
            if recoveries == _RECOVERIES or not recover(detail):
                break
            recoveries += 1
        text = f"{what}: {describe(detail)}"
        if detail.status in range(301, 309):
            text += ": redirects are not followed; use the URL that the store has now"
        error = self.error_for(request, detail, text, ("", "") if is_page else names)
        raise attach_detail(error, detail)

    def _attempt(
        self, request: HttpRequest, what: str, *, raw: bool
    ) -> tuple[Any, ErrorDetail | None]:
        """The response, or what the response class raised because of its status."""
        try:
            to = self.owner.connection
            return send_once(to, request, what, raw=raw, driver=self.owner), None
        except LibcloudError as error:
            detail = getattr(error, "detail", None)
            is_of_token = is_unsent(error) and (detail is not None or error.http_code)
            if detail is not None and not is_of_token:
                return None, detail
            if is_of_token or isinstance(error, MalformedResponseError):
                error.value = f"{what}: {error.value}"
            if is_of_token and detail is None:  # refused, perhaps only for now
                code = str(getattr(error, "code", None) or "")
                attach_detail(error, ErrorDetail(error.http_code or 0, code))
            raise

    def container_path(self, name: str) -> str:
        """The path of a container; nothing is sent if none can have this name."""
        self._check_name(self.requests.check_container_name, name, InvalidContainerNameError)
        return str(self.requests.container_path(name))

    def object_path(self, container_name: str, name: str) -> str:
        """The path of an object; nothing is sent if none can have this name."""
        self.container_path(container_name)
        self._check_name(self.requests.check_object_name, name, InvalidObjectNameError)
        return str(self.requests.object_path(container_name, name))

    def head(
        self, container_name: str, name: str | None = None, what: str = ""
    ) -> Mapping[str, str]:
        """The headers that describe a container or an object; ``what``: for messages."""
        if name is None:
            label, path = f"the container {container_name}", self.container_path(container_name)
        else:
            label, path = f"{container_name}/{name}", self.object_path(container_name, name)
        what, names = what or f"Error looking for {label}", (container_name, name or "")
        found = self.send(self.requests.head(path), what, names=names)
        return found.headers  # type: ignore[no-any-return]

    def _check_name(
        self, check: Callable[[str], None], name: str, kind: type[ContainerError | ObjectError]
    ) -> None:
        """Check the name of a container or of an object; ``kind`` is the error if it is refused."""
        check_name(name, "container_name" if issubclass(kind, ContainerError) else "object_name")
        try:
            check(name)
        except ValueError as error:
            raise kind(str(error), self.owner, name) from error
