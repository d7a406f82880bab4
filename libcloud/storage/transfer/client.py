# SPDX-License-Identifier: Apache-2.0
"""What the clients of all protocols share: sending a request until it succeeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from libcloud.storage.transfer.retry_loop import PolicyOwner, RetryLoop

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.values import Failure

OwnerT = TypeVar("OwnerT", bound=PolicyOwner)


class StoreClient(ABC, Generic[OwnerT]):
    """Sends the requests of one driver; thread-safe as far as the driver's connection is.

    :param owner: the driver. It is also the ``driver`` of the exceptions.
    :param failure_of: classifies an exception of a request; must be picklable.
    """

    #: Statuses that are not an error unless a request says otherwise.
    successes: ClassVar[Collection[int]] = frozenset({200, 201, 202})

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
        return self.retry_loop.run(
            partial(self.send_once, request, what, ok=ok, raw=raw, names=names)
        )

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
