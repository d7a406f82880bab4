# SPDX-License-Identifier: Apache-2.0
"""How an S3 driver talks to its store: paths, requests, retries, and errors that say more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from libcloud import common
from libcloud.common.aws import SignedAWSConnection
from libcloud.common.base import Connection
from libcloud.common.types import LibcloudError, MalformedResponseError, ResponseTooLargeError
from libcloud.storage import drivers, s3api, transfer
from libcloud.storage.base import Container
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.drivers.s3_access import S3Access
from libcloud.storage.drivers.s3_connection import attach_detail
from libcloud.storage.s3api.names import check_bucket, check_object_name, encode_name
from libcloud.storage.s3api.profile import capabilities
from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy
from libcloud.storage.types import (
    ConditionalConflictError,
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.per_process import PerProcess

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.drivers.s3_optional import GivenUp
    from libcloud.storage.s3api.errors import ErrorDetail
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.values import Failure

__all__ = ["S3Calls", "detail_of", "failure_of", "text_of"]

_T = TypeVar("_T")

_OK = frozenset({200})
_AS_USUAL = nullcontext()
_THROTTLED = frozenset({429, 503, 509})
_UPLOAD_GONE = ("NoSuchUpload", "")


class S3Calls(S3Access):
    """What all S3 drivers share below their public methods."""

    #: How often and how patiently requests are made again.
    ex_retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    #: Seconds of silence that are allowed before answers which have to be worked out: to the
    #: completion of an upload, and to a copy. A ``timeout`` of the driver holds if it is longer.
    ex_completion_timeout: ClassVar[float] = 300.0
    #: Bytes of parts that one upload holds at once, or a budget that several share; ``None``: the
    #: default of :class:`~libcloud.storage.transfer.upload.session.UploadOptions`.
    ex_max_memory: ClassVar[int | MemoryBudget | None] = None
    supports_s3_multipart_upload = True

    _sleep: Callable[[float], object] = staticmethod(time.sleep)

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do, by its profile and the driver's flags."""
        return capabilities(
            self.profile,
            multipart=self.supports_s3_multipart_upload,
            chunked_encoding=self.supports_chunked_encoding,
        )

    # Paths.

    def _clean_object_name(self, name: str) -> str:
        """``name`` as it stands in a path: percent-encoded, but for ``/`` and ``~``."""
        return encode_name(name)

    def _get_container_path(self, container: Container) -> str:
        """Path of a container, checked before anything is sent."""
        try:
            check_bucket(container)
        except ValueError as error:
            raise InvalidContainerNameError(str(error), self, container.name) from error
        return f"/{encode_name(container.name)}"

    def _get_object_path(self, container: Container, object_name: str) -> str:
        """Path of an object, checked before anything is sent."""
        container_path = self._get_container_path(container)
        try:
            check_object_name(object_name, listed=True)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return f"{container_path}/{self._clean_object_name(object_name)}"

    # Requests.

    def _call(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] = _OK,
        raw: bool = False,
        container_name: str = "",
        object_name: str = "",
    ) -> Any:
        """Make ``request``, again when that may help, until the answer has a status in ``ok``.

        For requests that can be repeated without harm.

        :param what: the deed, for messages: ``"listing a"``.
        :raises LibcloudError: another answer, with container, object, status and S3's code in it.
        """
        return self._patiently(
            lambda: self._call_once(
                request,
                what,
                ok=ok,
                raw=raw,
                container_name=container_name,
                object_name=object_name,
            )
        )

    def _patiently(self, deed: Callable[[], _T]) -> _T:
        """What ``deed`` gives; it is done again when it fails and that may help."""
        retries = self._retries()
        attempt = 1
        while True:
            try:
                answer = deed()
            except Exception as error:
                delay = retries.delay_after(attempt, failure_of(error))
                if delay is None:
                    raise
                self._sleep(delay)
                attempt += 1
            else:
                retries.succeeded()
                return answer

    def _call_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] = _OK,
        raw: bool = False,
        container_name: str = "",
        object_name: str = "",
    ) -> Any:
        """:meth:`_call` without a second attempt.

        But a request that was refused for something which nobody asked for is made without it.
        """
        names = (container_name, object_name)
        given_up = self._given_up()
        request = s3api.optional.without(request, given_up.names)
        try:
            return self._ask(request, what, ok=ok, raw=raw, names=names)
        except LibcloudError as error:
            found = s3api.optional.refused(getattr(error, "detail", None), request)
            if not found:
                raise
        request = s3api.optional.without(request, found)
        answer = self._ask(request, what, ok=ok, raw=raw, names=names)
        given_up.add(found)
        return answer

    def _ask(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int],
        raw: bool,
        names: tuple[str, str],
    ) -> Any:
        """The answer to ``request`` as it is; see :meth:`_call`.

        :param names: of the container and of the object.
        """
        action, params = _action_of(request)
        try:
            with self._time_for(request):
                response = self.connection.request(
                    action,
                    params=params,
                    data=request.body,
                    headers=dict(request.headers),
                    method=request.method,
                    raw=raw,
                    retry_failed=False,
                    **({"stream": True} if raw else {}),
                )
        except LibcloudError as error:
            detail = getattr(error, "detail", None)
            if isinstance(error, MalformedResponseError):
                error.value = f"{what}: {error.value}"
            if detail is None:
                raise
            if type(error) is LibcloudError:
                translated = self._translated(detail, error.value, *names)
                if translated is not None:
                    translated.value = f"{what}: {translated.value}"
                    raise translated from error
            error.value = f"{what}: {error.value}"
            raise
        except Exception as error:
            from libcloud.http import network_error

            lost = network_error(error, what, self)
            if lost is None:
                raise
            raise lost from error
        connection = self.connection
        proven = raw or drivers.s3_evidence.is_proven(connection, request, response, what)
        if proven and response.status in ok:
            return response
        detail = detail_of(response)
        text = f"{what}: {s3api.errors.describe(detail)}"
        translated = self._translated(detail, text, *names)
        raise translated or attach_detail(LibcloudError(text, driver=self), detail)

    def _time_for(self, request: HttpRequest) -> AbstractContextManager[None]:
        if not s3api.operations.is_answered_late(request) or not isinstance(
            self.connection, Connection
        ):
            return _AS_USUAL
        return self.connection.allowing(self.ex_completion_timeout)

    def _translated(
        self, detail: ErrorDetail, text: object, container_name: str, object_name: str
    ) -> LibcloudError | None:
        """The exception that libcloud has for what the store said, if it has one of its own."""
        error: LibcloudError
        if detail.code == "NoSuchBucket":
            error = ContainerDoesNotExistError(text, self, container_name)
        elif detail.code == "InvalidBucketName":
            error = InvalidContainerNameError(text, self, container_name)
        elif detail.code == "NoSuchKey":
            error = ObjectDoesNotExistError(text, self, object_name)
        elif detail.status == 412 or detail.code == "PreconditionFailed":
            error = PreconditionFailedError(text, self, object_name)
        elif detail.code == "ConditionalRequestConflict":
            error = ConditionalConflictError(text, self, object_name)
        else:
            return None
        return attach_detail(error, detail)

    def _no_container(self, response: Any, name: str) -> ContainerDoesNotExistError:
        """The exception for a 404 of a container, with what the store said."""
        detail = detail_of(response)
        return attach_detail(
            ContainerDoesNotExistError(s3api.errors.describe(detail), self, name), detail
        )

    def _no_object(self, response: Any, container_name: str, object_name: str) -> LibcloudError:
        """The exception for a 404 of an object, with what the store said.

        The answer to a HEAD does not tell whether the container is there.
        """
        detail = detail_of(response)
        if detail.code == "NoSuchBucket":
            return self._no_container(response, container_name)
        text = f"{container_name}/{object_name}: {s3api.errors.describe(detail)}"
        return attach_detail(ObjectDoesNotExistError(text, self, object_name), detail)

    def _parsed(self, parse: Callable[[Any], _T], response: Any, what: str) -> _T:
        """What ``parse`` reads in the document of ``response``.

        :raises LibcloudError: it is that of an error, though the answer began well.
        :raises MalformedResponseError: it is another document than it should be.
        """
        document = response.object
        if isinstance(document, str):
            raise MalformedResponseError(f"{what}: the answer has no body", driver=self)
        try:
            return parse(document)
        except s3api.nodes.MalformedAnswerError as error:
            detail = detail_of(response)
            if not detail.code:
                raise MalformedResponseError(f"{what}: {error}", driver=self) from error
            text = f"{what}: {s3api.errors.describe(detail)}"
            raise attach_detail(LibcloudError(text, driver=self), detail) from error

    def _retries(self) -> Retries:
        """Policy, budget and limiter; the last two are shared by all that the driver does."""
        budget = vars(self).get("_retry_budget")
        if budget is None:
            made = RetryBudget(lock=PerProcess(threading.RLock))
            budget = vars(self).setdefault("_retry_budget", made)
        limiter = vars(self).get("_limiter")
        if limiter is None:
            limiter = vars(self).setdefault(
                "_limiter",
                transfer.concurrency.ConcurrencyLimiter(lock=PerProcess(threading.RLock)),
            )
        return Retries(self.ex_retry_policy, budget, limiter=limiter)

    def _given_up(self) -> GivenUp:
        """What requests of this driver do without."""
        found = vars(self).get("_refused")
        if found is None:
            unwanted = self._checksum_calculation == "when_required"
            names = (s3api.optional.CHECKSUM,) if unwanted else ()
            made = drivers.s3_optional.GivenUp(str(self.name), names)
            found = vars(self).setdefault("_refused", made)
        return found  # type: ignore[no-any-return]

    def _concurrency(self) -> int | None:
        """How many requests the connection can make at once; ``None``: as many as wanted.

        A connection that others have written or replaced is not assumed to be safe in threads.
        """
        connection = self.connection
        if not isinstance(connection, Connection) or "request" in vars(connection):
            return 1
        if type(connection).request is not Connection.request:
            return 1
        from libcloud.http import allowed_concurrency

        return allowed_concurrency(type(connection.connection))

    def _shares_store(self, driver: Any) -> bool:
        """Whether ``driver`` talks to the store of this one."""
        mine, other = self.connection, getattr(driver, "connection", None)
        return all(
            getattr(mine, name, None) == getattr(other, name, None) for name in ("host", "port")
        )

    def _signature(self) -> str:
        """The version that protects bodies; what is not signed counts as version 2, which does not.

        So an anonymous upload carries a Content-MD5.
        """
        if getattr(self.connection, "anonymous", False):
            return "2"
        return "4" if isinstance(self.connection, SignedAWSConnection) else "2"


def _action_of(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """What to ask a connection for: the path with bare keys, and all other parameters."""
    if not request.params:
        return request.path, {}
    bare = [(name, value) for name, value in request.params if value is None]
    params = {name: value for name, value in request.params if value is not None}
    return common.request.join_target(request.path, bare), params


def failure_of(error: BaseException) -> Failure:
    """What an exception of a request means."""
    from libcloud.http import is_transient, never_sent

    detail = getattr(error, "detail", None)
    if isinstance(detail, s3api.errors.ErrorDetail):
        return transfer.values.Failure(
            error,
            transient=s3api.errors.is_transient(detail),
            upload_gone=detail.code == "NoSuchUpload"
            or (detail.status == 404 and detail.code in _UPLOAD_GONE),
            condition_failed=detail.status == 412 or detail.code == "PreconditionFailed",
            throttled=detail.status in _THROTTLED or detail.code in s3api.errors.THROTTLING_CODES,
            retry_after=detail.retry_after,
        )
    if isinstance(error, MalformedResponseError):  # cut short, or not from the store at all
        passing = not isinstance(error, ResponseTooLargeError) or (error.http_code or 0) >= 500
        transient = passing and getattr(error, "transient", True)
        return transfer.values.Failure(error, transient=transient, effect_unknown=True)
    if is_transient(error):
        return transfer.values.Failure(error, transient=True, effect_unknown=not never_sent(error))
    return transfer.values.Failure(error)


def detail_of(response: Any) -> ErrorDetail:
    """What an answer says of an error, also one of a class that is not ours."""
    if hasattr(response, "error_detail"):
        return response.error_detail()  # type: ignore[no-any-return]
    content = text_of(response.body).encode()
    return s3api.errors.error_detail(int(response.status), dict(response.headers or {}), content)


def text_of(body: object) -> str:
    """The body of an answer as text, also of one of a class that is not ours."""
    return (
        body.decode("utf-8", "replace") if isinstance(body, (bytes, bytearray)) else str(body or "")
    )
