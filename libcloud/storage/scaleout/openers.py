# SPDX-License-Identifier: Apache-2.0
"""Functions that open the containers of a migration, in this process or in others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libcloud.storage.base import Container, check_container
from libcloud.storage.providers import get_driver
from libcloud.storage.scaleout import text
from libcloud.storage.types import Provider


@dataclass(frozen=True, eq=False)
class _Given:
    """A container of this process."""

    container: Container

    def __call__(self) -> Container:
        return self.container

    def __reduce__(self) -> Any:
        raise TypeError("a container and its credentials stay in this process")


@dataclass(frozen=True)
class _Elsewhere:
    """A container of a driver that ``from_env`` has created; other processes can do the same."""

    kind: str
    settings: str
    name: str

    def __call__(self) -> Container:
        return Container(self.name, {}, text.driver_of(self.kind, self.settings))


def opener_of(place: Any, name: str, local: bool) -> Callable[[], Container]:
    """:raises ValueError: a container cannot be used by other processes."""
    if isinstance(place, str):
        place = _from_url(place)
    if callable(place):
        return place  # type: ignore[no-any-return]
    check_container(place)
    if local:
        return _Given(place)
    spec = text.portable_driver(place.driver)
    if spec is None:
        raise ValueError(
            f"the credentials of {name} were passed to its driver in code, and are not sent to "
            "other machines. Create the driver with from_env() or from_url(), so that every worker "
            "finds its own credentials, or pass a function that returns the container there"
        )
    return _Elsewhere(*spec, place.name)


def _from_url(url: str) -> Container:
    scheme = url.partition("://")[0].lower()
    kinds = {"s3": Provider.S3, "az": Provider.AZURE_BLOBS, "swift": Provider.OPENSTACK_SWIFT}
    if scheme not in kinds:
        raise ValueError(f"no container: {scheme}://; use s3://, az:// or swift://, or a container")
    driver: Any = get_driver(kinds[scheme])
    container: Container | None = driver.from_url(url).ex_container
    if container is None:
        raise ValueError(f"the URL names no container: {scheme}://CONTAINER")
    return container
