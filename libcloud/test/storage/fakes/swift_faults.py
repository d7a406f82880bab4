# SPDX-License-Identifier: Apache-2.0
"""Faults that a test plans for a request to the fake: ``fake.faults.append((step, drop))``."""

from __future__ import annotations

from dataclasses import replace

from libcloud.test.storage.fakes.faults import Dropped
from libcloud.test.storage.fakes.swift import FakeSwift, Fault
from libcloud.test.storage.fakes.wire import Answer, Incoming


def drop(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
    """A fault: the connection breaks, and nothing is done."""
    raise Dropped


def lose_answer(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
    """A fault: the request is carried out, and the connection breaks."""
    fake.perform(request)
    raise Dropped


def refuse(status: int, **headers: str) -> Fault:
    """A fault: the request is refused with ``status``."""

    def fault(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
        found = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return Answer(status, found, b"fault")

    return fault


def give_up(status: int) -> Fault:
    """A fault: the request is carried out, and a proxy answers with ``status`` meanwhile."""

    def fault(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
        fake.perform(request)
        return Answer(status, (), b"fault")

    return fault


def other_etag(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
    """A fault: the request is carried out, and the ETag in the response is another one."""
    answer = fake.perform(request)
    kept = tuple(item for item in answer.headers if item[0].lower() != "etag")
    return replace(answer, headers=(*kept, ("Etag", '"0"')))


def web_page(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
    """A fault: something else answers, with success."""
    return Answer(200, (("Content-Type", "text/html"),), b"<html>Log in</html>")


def damage(fake: FakeSwift, operation: str, request: Incoming) -> Answer | None:
    """A fault: a byte is flipped on the way."""
    body = bytes(request.body)
    return fake.perform(replace(request, body=bytes([body[0] ^ 1]) + body[1:]))
