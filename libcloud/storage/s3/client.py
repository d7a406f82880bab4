# SPDX-License-Identifier: Apache-2.0
"""Sends requests to an S3 store, with retries, fallbacks for unsupported features and clear errors.

A driver *holds* one client and every operation goes through it. The client in turn uses the
driver's connection, which signs each attempt. Errors carry the operation, the names of container
and object, the status, and S3's own code and message.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from libcloud.common.aws import SignedAWSConnection
from libcloud.common.exceptions import is_unsent
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import s3, transfer
from libcloud.storage.s3.recovery import Recoveries
from libcloud.storage.transfer.client import PolicyOwner, StoreClient
from libcloud.storage.types import (
    ConditionalConflictError,
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    ObjectError,
    PreconditionFailedError,
)
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.s3.errors import ErrorDetail
    from libcloud.storage.s3.profiles.profile import S3Profile
    from libcloud.storage.transfer.values import Failure

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_Kind = type[ContainerError] | type[ObjectError]

_KINDS: Mapping[str, _Kind] = {
    "BucketAlreadyOwnedByYou": ContainerAlreadyExistsError,
    "ConditionalRequestConflict": ConditionalConflictError,
    "InvalidBucketName": InvalidContainerNameError,
    "NoSuchBucket": ContainerDoesNotExistError,
    "NoSuchKey": ObjectDoesNotExistError,
    "NoSuchVersion": ObjectDoesNotExistError,
    "PreconditionFailed": PreconditionFailedError,
}

# By method and status, where no code decides.
_OF_CONTAINERS: Mapping[tuple[str, int], _Kind] = {
    ("PUT", 400): ContainerError,
    ("PUT", 409): InvalidContainerNameError,
    ("DELETE", 409): ContainerIsNotEmptyError,
}

_NONE: frozenset[str] = frozenset()


class ClientOwner(PolicyOwner, Protocol):
    """The attributes of the driver that the client reads at each request: they may change."""

    name: Any
    profile: S3Profile
    http_vendor_prefix: str


class UnsupportedFeatures:
    """Features that a store has refused; later requests of all threads are sent without them.

    Only features that the library adds on its own account are ever dropped, see
    :mod:`libcloud.storage.s3.headers`.

    :param names: features that the user has turned off from the start.
    """

    def __init__(self, label: str, names: Iterable[str] = ()) -> None:
        self._label = label
        self._lock = PerProcess(threading.RLock)
        #: What requests are sent without.
        self.names = frozenset(names)

    def add(self, names: Iterable[str]) -> None:
        """Remember what the store refused; each is logged once."""
        with self._lock():
            new = frozenset(names) - self.names
            self.names |= new
        for name in sorted(new):
            _log.warning(
                "%s: the store does not support %s; it is no longer sent", self._label, name
            )


class S3Client(StoreClient[ClientOwner]):
    """Sends the requests of one driver, from the start without what is ``unsupported``."""

    successes = frozenset({200})
    listing_hint = (
        ". If the server speaks another version of the API than the driver assumes, name it by "
        "ex_s3_profile"
    )

    def __init__(self, owner: ClientOwner, unsupported: Iterable[str] = ()) -> None:
        super().__init__(owner, failure_of)
        #: Whether each kind of listing is requested with encoded names, as far as that is known.
        self.encoded_listings: dict[str, bool] = {}
        self.unsupported = UnsupportedFeatures(str(owner.name), unsupported)
        #: Names of containers in which the store requires a Content-MD5.
        self.md5_containers: set[str] = set()
        self._headers: Mapping[str, str] = {}  # of all requests

    def with_headers(self, headers: Mapping[str, str]) -> S3Client:
        """The same client, which sends ``headers`` with every request."""
        found = copy(self)
        found._headers = headers
        return found

    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] | None = None,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """:meth:`send` without retries.

        The request is sent again, and so are all later ones, without a feature that the library
        added and the store refuses, or with a Content-MD5 that it requires. It is also sent again
        after a recovery, see :mod:`libcloud.storage.s3.recovery`.
        """
        if self.unsupported.names:
            request = s3.headers.without_features(request, self.unsupported.names)
        if names[0] in self.md5_containers:
            request = s3.headers.with_md5(request)
        if self._headers:
            request = replace(request, headers={**self._headers, **request.headers})
        connection, refused = self.owner.connection, _NONE
        action, keywords = transfer.client.arguments_of(connection, request, raw=raw)
        recoveries = Recoveries(connection, action, request.method, request.body)
        late = s3.requests.takes_long(request)
        seconds = self.owner.ex_completion_timeout if late else 0.0
        while True:
            try:
                try:
                    with self._time_for(seconds):
                        response = connection.request(action, **keywords)
                except LibcloudError as error:
                    if recoveries.recover(getattr(error, "detail", None)):
                        continue
                    self._explain(error, request, what, names)
                    raise
                except Exception as error:
                    transfer.client.raise_if_lost(error, what, self.owner)
                    raise
                # The response class treats some errors as a success.
                if response.status == 400 and recoveries.recover(detail_of(response)):
                    continue
                valid = raw or s3.http_response.is_valid(connection, request, response, what)
                if not valid or response.status not in (ok or self.successes):
                    raise self.refusal(request, response, what, names)
            except LibcloudError as error:
                acceptable = None if refused else self._acceptable(error, request, names[0])
                if acceptable is None:
                    raise
                request, refused = acceptable
                action, keywords = transfer.client.arguments_of(connection, request, raw=raw)
            else:
                if refused:
                    self.unsupported.add(refused)
                return response

    def _acceptable(
        self, error: LibcloudError, request: HttpRequest, container_name: str
    ) -> tuple[HttpRequest, frozenset[str]] | None:
        """``request`` as the store may accept it, and what was removed; ``None``: it cannot."""
        detail = getattr(error, "detail", None)
        if s3.headers.needs_md5(detail, request):
            self.md5_containers.add(container_name)
            return s3.headers.with_md5(request), _NONE
        refused = s3.headers.refused_features(detail, request)
        if not refused:
            return None
        return s3.headers.without_features(request, refused), refused

    def _explain(
        self, error: LibcloudError, request: HttpRequest, what: str, names: tuple[str, str]
    ) -> None:
        """Add the operation to the text of ``error``, or raise the specific exception for it."""
        detail = getattr(error, "detail", None)
        if detail is not None or isinstance(error, MalformedResponseError):
            error.value = f"{what}: {error.value}"
        # Another host, such as the one that knows the endpoint of the account, has no objects.
        if type(error) is LibcloudError and detail is not None and not is_unsent(error):
            error.value += _hint_of(request, detail, {})
            translated = self.error_for(detail, error.value, names, request)
            if translated is not None:
                raise translated from error

    def refusal(
        self, request: HttpRequest, response: Any, what: str, names: tuple[str, str]
    ) -> LibcloudError:
        """The exception for a response to ``request`` that is not a success."""
        detail = detail_of(response)
        hint = _hint_of(request, detail, response.headers or {})
        text = f"{what}: {s3.errors.describe(detail)}{hint}"
        translated = self.error_for(detail, text, names, request)
        return translated or s3.errors.attach_detail(LibcloudError(text, driver=self.owner), detail)

    def error_for(
        self,
        detail: ErrorDetail,
        text: str,
        names: tuple[str, str],
        request: HttpRequest | None = None,
    ) -> LibcloudError | None:
        """The specific exception for an error of the store; ``None`` if there is none.

        :param request: that was refused; ``None``: it was not refused as a whole.
        """
        kind = _KINDS.get(detail.code)
        if kind is None and request is not None:
            kind = _kind_by_status(detail, names, request)
        if kind is None:
            return None
        name = names[0] if issubclass(kind, ContainerError) else names[1]
        return s3.errors.attach_detail(kind(text, self.owner, name), detail)

    def parse(self, parse: Callable[[Any], _T], response: Any, what: str) -> _T:
        """Parse the document in ``response``, which is perhaps an ``<Error>`` with status 200."""
        document = s3.http_response.page_of(response) or response.object
        if isinstance(document, str):
            raise MalformedResponseError(f"{what}: the response has no body", driver=self.owner)
        try:
            return parse(document)
        except s3.nodes.MalformedDocumentError as error:
            detail = detail_of(response)
            if not detail.code:
                raise MalformedResponseError(f"{what}: {error}", driver=self.owner) from error
            text = f"{what}: {s3.errors.describe(detail)}"
            raise s3.errors.attach_detail(LibcloudError(text, driver=self.owner), detail) from error

    def shares_store(self, driver: Any) -> bool:
        """Whether ``driver`` talks to the same store."""
        return _place_of(self.owner.connection) == _place_of(getattr(driver, "connection", None))

    def signature_version(self) -> str:
        """The signature version that protects bodies: ``"4"``, or ``"2"``, which does not.

        An anonymous upload is not signed; it counts as version 2, so it carries a Content-MD5.
        """
        connection = self.owner.connection
        signed = isinstance(connection, SignedAWSConnection) and not connection.anonymous
        return "4" if signed else "2"


def _place_of(connection: Any) -> tuple[Any, Any]:
    addressing = getattr(connection, "addressing", None)
    host = getattr(connection, "host", None) if addressing is None else addressing.host
    return host, getattr(connection, "port", None)


def failure_of(error: BaseException) -> Failure:
    """Classify an exception of a request."""
    detail = getattr(error, "detail", None)
    if isinstance(detail, s3.errors.ErrorDetail):
        return transfer.values.Failure(
            error,
            transient=s3.errors.is_transient(detail),
            upload_gone=detail.code == "NoSuchUpload" or (detail.status == 404 and not detail.code),
            condition_failed=detail.status == 412 or detail.code == "PreconditionFailed",
            throttled=detail.status in transfer.client.THROTTLED
            or detail.code in s3.errors.THROTTLING_CODES,
            retry_after=detail.retry_after,
        )
    return transfer.client.failure_without_detail(error)


def detail_of(response: Any) -> ErrorDetail:
    """The error in a response, which may be of a class that is not ours."""
    if isinstance(response, s3.http_response.S3Response):
        return response.error_detail()
    content = s3.http_response.text_of(response.body).encode()
    return s3.errors.error_detail(int(response.status), dict(response.headers or {}), content)


def _kind_by_status(
    detail: ErrorDetail, names: tuple[str, str], request: HttpRequest
) -> _Kind | None:
    """The specific exception for an error whose code has none, as that of HEAD."""
    container_name, object_name = names
    params = {name for name, _ in request.params}
    if detail.status == 412:
        return PreconditionFailedError
    # Amazon S3 User Guide, "Working with delete markers".
    if detail.status == 405 and "versionId" in params:
        return ObjectDoesNotExistError
    if container_name and not object_name and not params:
        kind = _OF_CONTAINERS.get((request.method, detail.status))
        if kind is not None:
            return kind
    is_of_upload = detail.code == "NoSuchUpload" or "uploadId" in params
    if detail.status != 404 or is_of_upload or not container_name:
        return None
    if request.method != "POST" and (request.method != "PUT" or params):
        return ObjectDoesNotExistError if object_name else ContainerDoesNotExistError
    # An object that is to be created can only lack its container; a copy may lack its source.
    is_new = object_name and not s3.requests.is_copy(request)
    return ContainerDoesNotExistError if is_new else None


def _hint_of(request: HttpRequest, detail: ErrorDetail, headers: Mapping[str, str]) -> str:
    """A hint to append to an error that may be about the version of an object."""
    if detail.status == 404 and headers.get("x-amz-delete-marker", "").lower() == "true":
        marker = headers.get("x-amz-version-id")
        which = f" {marker}" if marker else ""
        return f". The object was deleted (delete marker{which}); its versions are kept"
    version_id = dict(request.params).get("versionId")
    if version_id is not None and detail.status == 405:
        return ". The version is a delete marker: it has no data"
    if version_id is not None and detail.status == 400 and "Lock" not in detail.message:
        return f". Is {version_id!r} an id of a version in this store?"  # or it has no object lock
    return ""
