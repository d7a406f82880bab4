# SPDX-License-Identifier: Apache-2.0
"""What a behaviour is given to work with, and how behaviours are found."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.capabilities import Capabilities

Check = Callable[["Harness"], None]

# Promises beyond Capabilities that every target keeps, unless a deviation says otherwise.
PROMISES = frozenset(
    [
        "container_conflict",  # creating a container that one has is ContainerAlreadyExistsError
        "same_hash",  # the hash an upload returns is the hash get_object returns
        "foreign_abort",  # an upload aborted elsewhere fails, soon, with a LibcloudError
        "metadata_dashes",  # the key of metadata may contain a dash
        "line_breaks",  # any_object_name includes names with line breaks
    ]
)

FEATURES = frozenset({item.name for item in fields(Capabilities)} - {"limits"} | PROMISES)
"""All that a behaviour may need."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A function of the suite, and the features it needs; ``not_`` names those it must not have."""

    name: str
    check: Check
    needs: frozenset[str]
    not_: frozenset[str]

    def concerns(self, features: frozenset[str]) -> bool:
        """A driver with ``features`` is held to it."""
        return self.needs <= features and not self.not_ & features


def needs(*features: str, not_: Iterable[str] = ()) -> Callable[[Check], Check]:
    """Declare which features (names of capabilities or promises) a behaviour needs."""
    unknown = {*features, *not_} - FEATURES
    if unknown:
        raise ValueError(f"no such capability or promise: {unknown}")

    def mark(check: Check) -> Check:
        check.needs = frozenset(features)  # type: ignore[attr-defined]  # read by behaviours()
        check.not_ = frozenset(not_)  # type: ignore[attr-defined]  # read by behaviours()
        return check

    return mark


def behaviours(*modules: ModuleType) -> Iterator[Behaviour]:
    """The public functions of ``modules``, in the order of their definition."""
    for module in modules:
        for name, check in vars(module).items():
            if callable(check) and getattr(check, "__module__", "") == module.__name__:
                if name.startswith("_") or isinstance(check, type):
                    continue
                none: frozenset[str] = frozenset()
                yield Behaviour(
                    name, check, getattr(check, "needs", none), getattr(check, "not_", none)
                )


def declared(capabilities: Capabilities) -> frozenset[str]:
    """Names of the capabilities that are there, and the promises."""
    there = {
        item.name
        for item in fields(Capabilities)
        if item.name != "limits" and getattr(capabilities, item.name)
    }
    return PROMISES | there


def pattern(size: int, seed: int = 0) -> bytes:
    """``size`` bytes in which no two blocks of 251 bytes are alike: order and loss show up."""
    blocks = (
        (number + seed * 7919).to_bytes(8, "big") + bytes(range(243))
        for number in range(size // 251 + 1)
    )
    return b"".join(blocks)[:size]


@dataclass(slots=True)
class Harness:
    """A driver under test.

    :param features: what it is held to.
    :param part_size: bytes of a part in uploads of this suite: small where the store allows it.
    :param folder: an empty directory.
    """

    driver: StorageDriver
    features: frozenset[str]
    part_size: int
    folder: Path
    _containers: list[Container] = field(default_factory=list)

    def container(self) -> Container:
        """A new empty container, deleted in the end."""
        container = self.driver.create_container(f"conformance-{uuid.uuid4().hex[:16]}")
        self._containers.append(container)
        return container

    def stream(
        self,
        container: Container,
        name: str,
        source: Any,
        *,
        window: int | None = None,
        **rest: Any,
    ) -> Object:
        """Upload a stream, in parts of :attr:`part_size` if the driver can."""
        if "multipart" in self.features:
            rest["ex_part_size"] = self.part_size
            if window is not None:
                rest["ex_window"] = window
        return self.driver.upload_object_via_stream(source, container, name, **rest)

    def put(self, container: Container, name: str, data: bytes = b"content") -> Object:
        """Upload a little something."""
        return self.stream(container, name, iter([data]))

    def read(self, container: Container, name: str) -> bytes:
        """The bytes of an object."""
        found = self.driver.get_object(container.name, name)
        return b"".join(self.driver.download_object_as_stream(found))

    def names(self, container: Container, prefix: str | None = None) -> list[str]:
        """Names of the objects, in the order of the listing."""
        return [found.name for found in container.list_objects(prefix=prefix)]

    def unfinished(self, container: Container) -> list[str]:
        """Keys of in-progress uploads; empty if the store does not have any."""
        if "list_uploads" not in self.features:
            return []
        # Not part of StorageDriver: drivers with list_uploads have it.
        driver: Any = self.driver
        return [upload.key for upload in driver.ex_iterate_multipart_uploads(container)]

    def file(self, data: bytes, name: str = "source.bin") -> str:
        """Path of a new file with ``data``."""
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def clean_up(self) -> None:
        """Delete what the behaviour left; what cannot be deleted is left to the server's end."""
        for container in self._containers:
            with contextlib.suppress(LibcloudError):
                if "list_uploads" in self.features:
                    cleaner: Any = self.driver
                    cleaner.ex_cleanup_all_multipart_uploads(container)
                for found in container.list_objects():
                    found.delete()
                container.delete()
