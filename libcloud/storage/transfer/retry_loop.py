# SPDX-License-Identifier: Apache-2.0
"""Repeats the requests of one driver after transient failures.

The client of every protocol holds one :class:`RetryLoop`. What its requests share is here: the
retry budget, the concurrency limiter, and how to wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from libcloud.storage.transfer.concurrency import ConcurrencyLimiter
from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy, is_outcome_open
from libcloud.utils import cancellation
from libcloud.utils.per_process import PerProcess

if TYPE_CHECKING:
    from libcloud.storage.transfer.values import Failure

_T = TypeVar("_T")


class PolicyOwner(Protocol):
    """The driver, which its user may give another policy at any time."""

    @property
    def ex_retry_policy(self) -> RetryPolicy: ...


class RetryLoop:
    """Retries for all threads of one driver.

    :param owner: the driver.
    :param failure_of: classifies an exception of a request; must be picklable.

    ``sleep`` waits between attempts; tests replace it.
    """

    sleep: Callable[[float], object] = staticmethod(cancellation.sleep)

    retry_listener: ClassVar[Callable[[BaseException, float], object] | None] = None
    """For programs that show progress: called, in any thread, with the error and the delay in
    seconds before an attempt is repeated. It applies to all drivers of the process."""

    def __init__(self, owner: PolicyOwner, failure_of: Callable[[BaseException], Failure]) -> None:
        self._owner = owner
        self.failure_of = failure_of
        self._budget = RetryBudget(lock=PerProcess(threading.RLock))
        self.limiter = ConcurrencyLimiter(lock=PerProcess(threading.RLock))

    def retries(self) -> Retries:
        """The retry policy, and the budget and the limiter that the driver's requests share."""
        return Retries(self._owner.ex_retry_policy, self._budget, limiter=self.limiter)

    def run(self, operation: Callable[[], _T]) -> _T:
        """The result of ``operation``, which is repeated after transient failures."""
        retries = self.retries()
        attempt = 1
        while True:
            epoch = self.limiter.epoch
            try:
                result = operation()
            except Exception as error:
                failure = self.failure_of(error)
                if failure.throttled:
                    self.limiter.throttled(epoch)
                delay = retries.delay_after(attempt, failure)
                if delay is None:
                    raise
                if RetryLoop.retry_listener is not None:
                    RetryLoop.retry_listener(error, delay)
                self.sleep(delay)
                attempt += 1
            else:
                retries.succeeded()
                self.limiter.succeeded(epoch)
                return result

    def ensure(
        self,
        operation: Callable[[], _T],
        already: type[Exception] | tuple[type[Exception], ...],
        *,
        confirm: Callable[[], bool] | None = None,
    ) -> _T | None:
        """:meth:`run` an operation that may have succeeded in an attempt that seemed to fail.

        :param already: raised by ``operation`` if the store is in the state that it leads to: the
            object to delete is gone, the container to create exists. At a repeated attempt that is
            success if the outcome of an earlier one is not known.
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
