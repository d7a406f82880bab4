# SPDX-License-Identifier: Apache-2.0
"""What the tests of copies share."""

from __future__ import annotations

from typing import Any

from libcloud.storage.capabilities import MIB
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern


def put(made: Store, size: int = 10, name: str = "source", **options: Any) -> Any:
    """A new object, as the driver finds it."""
    made.stream(iter([pattern(size)]), name, ex_part_size=10 * MIB, **options)
    return found(made, name)


def found(made: Store, name: str) -> Any:
    return made.driver.get_object(BUCKET, name)


def in_parts(made: Store, obj: Any, name: str = "copy", **options: Any) -> Any:
    return made.driver.ex_copy_object(
        obj, made.container, name, **{"ex_part_size": PART, **options}
    )


def copies(made: Store) -> list[str]:
    """The requests that change something at the store."""
    return [
        operation
        for operation in made.server.operations()
        if operation not in ("HeadBucket", "HeadObject", "PutObject")
    ]
