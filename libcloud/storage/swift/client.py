# SPDX-License-Identifier: Apache-2.0
"""Sends requests to a Swift cluster: retries, renewed tokens, and clear errors.

A driver *holds* one client and every operation goes through it. The client in turn uses the
driver's connection, which adds the token to each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.response import error_text
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.driver_helpers import concurrency_of
from libcloud.storage.swift import errors, profiles, requests, responses
from libcloud.storage.swift.responses import ContainerRecord, ObjectRecord
from libcloud.storage.transfer.client import PolicyOwner
from libcloud.storage.transfer.naming_client import NamingClient
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    ObjectError,
    ObjectHashMismatchError,
    ObjectTooLargeError,
    PreconditionFailedError,
)

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.swift.errors import ErrorDetail
    from libcloud.storage.swift.profiles import SwiftProfile

_T = TypeVar("_T")
_RecordT = TypeVar("_RecordT", ContainerRecord, ObjectRecord)

_OF_OBJECTS: Mapping[int, type[ObjectError]] = {
    412: PreconditionFailedError,
    413: ObjectTooLargeError,
    422: ObjectHashMismatchError,
}


class SwiftClient(NamingClient[PolicyOwner]):
    """Sends the requests of one driver.

    ``etag_of_manifest``: the store has not refused an ETag that it stores a manifest with.
    """

    requests = requests
    own_headers = ("x-trans-id", "x-openstack-request-id", "x-timestamp", "etag", "last-modified")
    successes = frozenset({200, 204})

    def __init__(self, owner: PolicyOwner) -> None:
        super().__init__(owner, errors.failure_of)
        self._profile: SwiftProfile | None = None
        self.etag_of_manifest = True

    def _patience(self, request: HttpRequest) -> float:
        # The store responds when it has copied everything.
        return self.owner.ex_completion_timeout if "X-Copy-From" in request.headers else 0.0

    def _recovery(self) -> Callable[[ErrorDetail], bool]:
        connection = self.owner.connection
        token, renew = (getattr(connection, name, None) for name in ("auth_token", "renew_token"))
        return lambda detail: detail.status == 401 and renew is not None and renew(token)

    def _is_web_page(self, response: Any, *, raw: bool) -> bool:
        return super()._is_web_page(response, raw=raw) and (raw or not self.third_party)

    def error_for(
        self, request: HttpRequest, detail: ErrorDetail, text: str, names: tuple[str, str]
    ) -> LibcloudError:
        owner, (container_name, object_name) = self.owner, names
        if detail.status == 401:
            return InvalidCredsError(text, owner)
        if detail.status == 404 and object_name and request.method != "PUT":
            return ObjectDoesNotExistError(text, owner, object_name)
        if detail.status == 404 and container_name:
            return ContainerDoesNotExistError(text, owner, container_name)
        if detail.status == 409 and request.method == "DELETE" and not object_name:
            return ContainerIsNotEmptyError(text, owner, container_name)
        if detail.status == 400 and request.method == "PUT" and not object_name and container_name:
            return InvalidContainerNameError(text, owner, container_name)
        kind = _OF_OBJECTS.get(detail.status)
        if kind is not None and object_name:
            return kind(text, owner, object_name)
        return LibcloudError(text, driver=owner)

    def detail_of(self, response: Any) -> ErrorDetail:
        """The error in a response, which may be of a class that is not ours."""
        headers = dict(response.headers or {})
        body = "" if response.status in (200, 206) else error_text(response)
        return errors.error_detail(int(response.status), headers, body)

    def parse(self, parse: Callable[[Any], _T], response: Any, what: str) -> _T:
        if response.object == "" and response.status != 204 and not self.third_party:
            text = f"{what}: the response has no document"
            raise MalformedResponseError(text, driver=self.owner)
        return super().parse(parse, response, what)

    def containers(self) -> Iterator[ContainerRecord]:
        what = "Error listing the containers"
        return self._listed(responses.parse_containers, requests.list_containers, what)

    def objects(
        self, container_name: str, *, prefix: str = "", after: str = ""
    ) -> Iterator[ObjectRecord]:
        """The objects of a container, in the order of their names, from the one after ``after``."""
        what = f"Error listing the container {container_name}"
        request = partial(requests.list_objects, container_name, prefix=prefix)
        place = {"container_name": container_name, "prefix": prefix}
        return self._listed(responses.parse_objects, request, what, marker=after, **place)

    def _listed(
        self,
        parse: Callable[[Any], list[_RecordT]],
        request: Callable[..., HttpRequest],
        what: str,
        *,
        marker: str = "",
        container_name: str = "",
        prefix: str = "",
    ) -> Iterator[_RecordT]:
        def fetch(marker: str) -> list[_RecordT]:
            return self.read(parse, request(marker=marker), what, names=(container_name, ""))

        def listed(page: list[_RecordT]) -> tuple[list[str], bool, str | None]:
            names = [record.name for record in page]
            if not names:
                return names, False, None
            # A cluster that does not say how many names it puts on a page ends with an empty one,
            # and so do the listings of objects that tests written for Apache Libcloud provide.
            limit = self.profile().listing_limit or 1
            is_full = len(names) >= (1 if self.third_party and container_name else limit)
            return names, is_full, names[-1]

        for page in self.pages(
            fetch, listed, what, container_name=container_name, prefix=prefix, marker=marker
        ):
            yield from page

    def profile(self) -> SwiftProfile:
        """Limits and features of the cluster; they are requested once.

        Those of Swift's documentation if it does not report them, or if the connection is of a
        third party.
        """
        if self._profile is None:
            if self.third_party:
                return profiles.DEFAULT
            try:
                document = self.send(requests.info(), "Error asking for limits", ok=(200,)).object
            except LibcloudError:  # the log of requests has it
                document = None
            known = isinstance(document, dict) and "swift" in document
            self._profile = profiles.profile_of(document if known else {})
        return self._profile

    @property
    def third_party(self) -> bool:
        """Whether the connection may understand nothing but what Apache Libcloud sends."""
        return self.concurrency() == 1

    def concurrency(self) -> int | None:
        """Requests that the connection can make at once; ``None``: no limit."""
        return concurrency_of(self.owner.connection, overrides=True)
