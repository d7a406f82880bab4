# SPDX-License-Identifier: Apache-2.0
"""The base class of the clients of all protocols: sends requests and retries them."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from libcloud.common.address import with_query
from libcloud.common.base import Connection
from libcloud.common.types import LibcloudError, MalformedResponseError, ResponseTooLargeError
from libcloud.storage.arguments import accepts_keyword
from libcloud.storage.driver_helpers import is_replaced
from libcloud.storage.transfer.retry import (
    ConcurrencyLimiter,
    Retries,
    RetryBudget,
    RetryPolicy,
    is_outcome_open,
)
from libcloud.storage.types import (
    IncompleteListingError,
)
from libcloud.utils import cancellation
from libcloud.utils.documents import UnexpectedDocumentError
from libcloud.utils.headers import http_date
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.values import Failure
    from libcloud.storage.worker_pool import WorkerPool

_T = TypeVar("_T")

THROTTLED = frozenset({429, 503, 509})
"""Statuses by which a store requests a lower rate."""

_NO_MORE_TIME = nullcontext()

HTML = ("text/html", "application/xhtml+xml")
"""Media types of web pages."""


class PolicyOwner(Protocol):
    """The attributes of the driver that a client reads at each request: they may change."""

    connection: Any

    @property
    def ex_retry_policy(self) -> RetryPolicy: ...

    @property
    def ex_completion_timeout(self) -> float: ...


def repeated(
    retries: Retries,
    operation: Callable[[], _T],
    failure_of: Callable[[Exception], Failure],
    *,
    may_repeat: Callable[[Exception, Failure], bool] | None = None,
    sleep: Callable[[float], object] = cancellation.sleep,
) -> _T:
    """The result of ``operation``, repeated after transient failures if ``may_repeat`` allows."""
    limiter, attempt = retries.limiter, 1
    while True:
        epoch = limiter.epoch
        try:
            result = operation()
        except Exception as error:
            failure = failure_of(error)
            again = may_repeat is None or may_repeat(error, failure)
            if not pause_after(failure, attempt if again else None, retries, epoch, sleep=sleep):
                raise
            attempt += 1
        else:
            retries.succeeded(epoch)
            return result


def pause_after(
    failure: Failure,
    attempt: int | None,
    retries: Retries,
    epoch: int,
    *,
    sleep: Callable[[float], object],
) -> bool:
    """Wait for the attempt after ``attempt``; false at once if there is none (``None``: never)."""
    if failure.throttled:
        retries.limiter.throttled(epoch)
    delay = None if attempt is None else retries.delay_after(attempt, failure)
    if delay is None:
        return False
    if RetryLoop.retry_listener is not None:
        RetryLoop.retry_listener(failure.error, delay)
    sleep(delay)
    return True


class RetryLoop:
    """Retries for all threads of one driver, the ``owner``; ``failure_of`` must be picklable."""

    sleep: Callable[[float], object] = staticmethod(cancellation.sleep)

    retry_listener: ClassVar[Callable[[BaseException, float], object] | None] = None
    """For programs that show progress: called, in any thread, with the error and the delay in
    seconds before an attempt is repeated. It applies to all drivers of the process."""

    def __init__(self, owner: PolicyOwner, failure_of: Callable[[BaseException], Failure]) -> None:
        self._owner = owner
        self.failure_of = failure_of
        budget = RetryBudget(lock=PerProcess(threading.RLock))
        self.limiter = ConcurrencyLimiter(lock=PerProcess(threading.RLock))
        self._retries = Retries(None, budget, limiter=self.limiter)

    def retries(self) -> Retries:
        """The retry policy, and the budget and the limiter that the driver's requests share."""
        self._retries.policy = self._owner.ex_retry_policy or RetryPolicy()
        return self._retries

    def run(self, operation: Callable[[], _T]) -> _T:
        """The result of ``operation``, which is repeated after transient failures."""
        return repeated(self.retries(), operation, self.failure_of, sleep=self.sleep)

    def ensure(
        self,
        operation: Callable[[], _T],
        already: type[Exception] | tuple[type[Exception], ...],
        *,
        confirm: Callable[[], bool] | None = None,
    ) -> _T | None:
        """:meth:`run` an operation that may have succeeded in an attempt that seemed to fail.

        :param already: raised by ``operation`` if the store is in the state that it leads to: the
            object to delete does not exist, the container to create exists. At a repeated attempt
            that is success if the outcome of an earlier one is not known.
        :param confirm: called then; whether that state is due to this operation. ``None``: it is.
        :return: the result of ``operation``; ``None`` if an earlier attempt has succeeded.
        """
        is_open = False

        def attempt() -> _T | None:
            nonlocal is_open
            try:
                return operation()
            except already:
                if not is_open or (confirm is not None and not confirm()):
                    raise
                return None
            except Exception as error:
                unknown = self.failure_of(error).effect_unknown
                is_open = is_open or unknown or is_outcome_open(error)
                raise

        return self.run(attempt)


OwnerT = TypeVar("OwnerT", bound=PolicyOwner)


class StoreClient(ABC, Generic[OwnerT]):
    """Sends the requests of a driver, its ``owner``; thread-safe as far as its connection is."""

    #: Statuses that are not an error unless a request says otherwise.
    successes: ClassVar[Collection[int]] = frozenset({200, 201, 202})

    #: What to do about an incomplete listing.
    listing_hint = ""

    def __init__(self, owner: OwnerT, failure_of: Callable[[BaseException], Failure]) -> None:
        self.owner = owner
        self.retry_loop = RetryLoop(owner, failure_of)

    def send(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] | None = None,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """Send ``request``, which is safe to repeat, and retry transient failures.

        :param what: the operation, for messages: ``"Error listing the container a"``.
        :param ok: statuses that are not an error; ``None``: :attr:`successes`.
        :param raw: do not read the body of the response.
        :param names: of the container and the object that the request concerns.
        :raises LibcloudError: the last response has another status; the error names container,
            object, status and the store's code.
        """
        once = partial(self.send_once, request, what, ok=ok, raw=raw, names=names)
        return self.retry_loop.run(once)

    def ensure(
        self,
        request: HttpRequest,
        what: str,
        already: type[Exception] | tuple[type[Exception], ...],
        *,
        ok: Collection[int] | None = None,
        names: tuple[str, str] = ("", ""),
        confirm: Callable[[], bool] | None = None,
    ) -> Any:
        """:meth:`send` a request that is not safe to repeat; see :meth:`RetryLoop.ensure`."""
        once = partial(self.send_once, request, what, ok=ok, names=names)
        return self.retry_loop.ensure(once, already, confirm=confirm)

    def read(
        self,
        parse: Callable[[Any], _T],
        request: HttpRequest,
        what: str,
        *,
        names: tuple[str, str] = ("", ""),
    ) -> _T:
        """Send ``request`` and parse the response; a malformed one is retried."""
        return self.retry_loop.run(
            lambda: self.parse(parse, self.send_once(request, what, names=names), what)
        )

    def parse(self, parse: Callable[[Any], _T], response: Any, what: str) -> _T:
        """Parse the document in ``response``; an unexpected one is an error."""
        try:
            return parse(response.object)
        except UnexpectedDocumentError as error:
            raise MalformedResponseError(f"{what}: {error}", driver=self.owner) from error

    def earliest_now(self, head: HttpRequest) -> datetime:
        """The current time by the store's clock or ours, whichever is earlier.

        So no upload seems older than it is.

        :param head: a request whose response has the store's time.
        """
        now = datetime.now(timezone.utc)
        try:
            response = self.send(head, "Error asking for the time")
        except LibcloudError:
            return now
        return min(now, http_date(response.headers.get("date", "")) or now)

    def check_listed(self, names: Sequence[str], prefix: str | None, what: str) -> None:
        """Check that the store listed only names that begin with ``prefix``, in any order.

        A store that takes ``//`` for ``/`` lists other objects, which the caller might delete.
        """
        if not prefix or not names:
            return
        # All names between two with the same prefix have it, too.
        for name in (min(names), max(names)):
            if name.startswith(prefix):
                continue
            if is_replaced(self.owner.connection):
                return  # tests written for Apache Libcloud list the same names for any prefix
            raise MalformedResponseError(
                f"{what}: the store listed {name!r}, which does not begin with the requested "
                f"prefix {prefix!r}. It seems to change such names, so they cannot be used",
                driver=self.owner,
            )

    def pages(
        self,
        fetch: Callable[[Any], _T],
        listed: Callable[[_T], tuple[Sequence[str], bool, Any]],
        what: str,
        *,
        container_name: str = "",
        prefix: str | None = None,
        marker: Any = None,
        pool: WorkerPool | None = None,
    ) -> Iterator[_T]:
        """The pages of a listing, from that at ``marker`` to the last one.

        :param fetch: requests the page at a marker; ``None``: the first one.
        :param listed: names on a page, whether others follow, and the marker of the next one.
        :param prefix: that is requested.
        :param pool: requests pages ahead, from the third one on; ``None``: none is.
        :raises IncompleteListingError: the store reports more entries, and no marker to continue
            from, or one that was used before. A listing never ends early without an error.
        """
        # Hashes, for a listing of 1,000,000,000 objects has 1,000,000 markers of up to 1,024 bytes.
        seen = {hash(marker)}
        count = entries = 0
        last: str | None = None
        pending: Callable[[], _T] = partial(fetch, marker)
        while True:
            page = pending()
            found, is_truncated, marker = listed(page)
            self.check_listed(found, prefix, what)
            is_new = is_truncated and marker is not None and hash(marker) not in seen
            # A store that ignores the marker repeats the page.
            is_repeated = is_truncated and not is_new and bool(found) and found[-1] == last
            count, entries = count + 1, entries + (0 if is_repeated else len(found))
            last = found[-1] if found else last
            if is_new:
                seen.add(hash(marker))
                # Callers that need only a few entries find them on the first page.
                pending = partial(fetch, marker)
                if pool is not None and count > 1:
                    pending = _read_ahead(pool, pending)
            if not is_repeated:
                yield page
            if not is_truncated:
                return
            if not is_new:
                why = "a marker that was used before" if marker else "no marker to continue from"
                raise IncompleteListingError(
                    f"{what}: the store reports more entries and returns {why}. The listing got as "
                    f"far as {last!r}: {entries:,} entries in {count:,} pages{self.listing_hint}",
                    self.owner,
                    container_name,
                    entries=entries,
                    pages=count,
                    last=last,
                )

    def _time_for(self, seconds: float) -> AbstractContextManager[None]:
        """Allow more time before the response to a request for which the store has to work."""
        connection = self.owner.connection
        if not seconds or not isinstance(connection, Connection):
            return _NO_MORE_TIME
        return connection.extended_timeout(seconds)

    @abstractmethod
    def send_once(
        self,
        request: HttpRequest,
        what: str,
        *,
        ok: Collection[int] | None = None,
        raw: bool = False,
        names: tuple[str, str] = ("", ""),
    ) -> Any:
        """:meth:`send` without retries."""


def _read_ahead(pool: WorkerPool, fetch: Callable[[], _T]) -> Callable[[], _T]:
    """Start to fetch a page; call the result for it. A forked process fetches it again."""
    pid, future = os.getpid(), pool.submit(fetch)
    return lambda: future.result() if os.getpid() == pid else fetch()


# Requests through the connection of a driver, whatever its protocol.


def arguments_of(
    connection: Any, request: HttpRequest, *, raw: bool = False
) -> tuple[str, dict[str, Any]]:
    """The arguments for the ``request`` method of a connection: the action, and keywords.

    Overrides written for older versions of Apache Libcloud do not take ``retry_failed``.
    """
    action, params = request.path, {}
    if request.params:
        bare = [(name, value) for name, value in request.params if value is None]
        params = {name: value for name, value in request.params if value is not None}
        action = with_query(action, bare)
    method = connection.request
    keywords: dict[str, Any] = {
        "params": params,
        "data": request.body,
        "headers": dict(request.headers),
        "method": request.method,
        "raw": raw,
    }
    is_own = str(getattr(method, "__module__", "")).startswith("libcloud.")
    takes = is_own or accepts_keyword(method, "retry_failed")
    if takes:
        keywords["retry_failed"] = False
    if raw:
        keywords["stream"] = True
    return action, keywords


def send_once(
    connection: Any, request: HttpRequest, what: str, *, raw: bool = False, driver: Any = None
) -> Any:
    """The response to ``request``, whatever its status; errors name the operation, ``what``.

    :raises LibcloudError: there was no response; or what the connection raises.
    """
    action, keywords = arguments_of(connection, request, raw=raw)
    try:
        return connection.request(action, **keywords)
    except LibcloudError:
        raise
    except Exception as error:
        raise_if_lost(error, what, driver)
        raise


def raise_if_lost(error: Exception, what: str, driver: Any) -> None:
    """Raise a :class:`LibcloudError` for an error of the network."""
    from libcloud.http import network_error

    lost = network_error(error, what, driver)
    if lost is not None:
        raise lost from error


def is_web_page(headers: Mapping[str, str], own: tuple[str, ...]) -> bool:
    """Whether a success is from a console, a proxy or a login page, and not from the store.

    :param own: what the names of headers begin with that only the store sends.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in HTML or headers.get("content-length") == "0":
        return False
    return not any(name.startswith(own) for name in headers)


def failure_without_detail(error: BaseException) -> Failure:
    """Classify an exception that was not caused by an error response."""
    from libcloud.http import is_transient, never_sent
    from libcloud.storage.transfer.values import Failure

    if isinstance(error, MalformedResponseError):  # cut short, or not from the store at all
        passing = not isinstance(error, ResponseTooLargeError) or (error.http_code or 0) >= 500
        transient = passing and getattr(error, "transient", True)
        return Failure(error, transient=transient, effect_unknown=not never_sent(error))
    if is_transient(error):
        return Failure(error, transient=True, effect_unknown=not never_sent(error))
    return Failure(error)
