# SPDX-License-Identifier: Apache-2.0
"""What is known of the request that a connection carries.

It decides whether the connection may carry another one: only if all of the request was sent, the
response ended where it said it would, and nothing came behind it.
"""

from __future__ import annotations

from libcloud.http.received import InvalidResponseError

__all__ = ["RequestState"]

# A server that refuses a request may leave so much of it unread. It would take the rest for the
# next request, or wait for it. Servers read some of it in order to keep the connection: nginx and
# Go 256 KiB, but others nothing.
_LARGE = 64 * 1024

# From here on, statuses say that the request was not carried out.
_REFUSED = 300


class RequestState:
    """Of one request; a connection gets a new one for each.

    :ivar received: bytes of the response that came while the request was being sent.
    :ivar error: came after ``received``; ``None``: the connection has the rest.
    :ivar size: bytes that were sent.
    :ivar unsent: the server did not take all of it.
    :ivar final: the response itself has begun, not only interim ones.
    :ivar answered: the response was read to its end, and nothing is behind it.
    """

    __slots__ = ("answered", "error", "final", "received", "size", "unsent")

    def __init__(self) -> None:
        self.received = b""
        self.error: OSError | None = None
        self.size = 0
        self.unsent = self.final = self.answered = False

    def check(self, status: int) -> None:
        """Refuse a success for a request that the server does not have.

        :raises InvalidResponseError: ``status`` says so.
        """
        if self.unsent and status < _REFUSED:
            raise InvalidResponseError(
                f"the server answered with status {status} before it had the whole request"
            )

    def may_be_unread(self, status: int) -> bool:
        """Whether the server may have left some of the request unread."""
        return self.unsent or (status >= _REFUSED and self.size > _LARGE)
