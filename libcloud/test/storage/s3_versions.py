# SPDX-License-Identifier: Apache-2.0
"""What the tests of versions share: a bucket that keeps them, and what is done with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from libcloud.storage.base import Object, ObjectVersion
from libcloud.test.storage.fakes.faults import Action
from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.s3_servers import Store, store


@contextlib.contextmanager
def versioned(options: Options = AMAZON) -> Iterator[Store]:
    """A store whose bucket keeps versions."""
    with store(options) as made:
        made.driver.ex_set_versioning(made.container, True)
        made.server.log.clear()
        yield made


@dataclass(frozen=True, slots=True)
class Page(Action):
    """Answers with another document."""

    body: bytes

    def verified(self, request: Incoming) -> Incoming:
        return replace(request, target=request.raw_path + "?versions")  # any page will do

    def answered(self, answer: Answer) -> Answer:
        return Answer(200, (), self.body)


def put(made: Store, *contents: bytes, name: str = "object") -> list[Any]:
    """Upload versions of an object; the oldest first."""
    upload = made.driver.upload_object_via_stream
    return [upload(iter([content]), made.container, name) for content in contents]


def listed(made: Store, **selection: Any) -> list[ObjectVersion]:
    """The versions, the newest first."""
    return list(made.driver.ex_iterate_object_versions(made.container, **selection))


def read(obj: Object) -> bytes:
    """The data of an object or a version."""
    return b"".join(obj.as_stream())
