# SPDX-License-Identifier: Apache-2.0
"""The libraries, each with its defaults, behind the same three calls as the floor.

A library is imported when its client is made, so that one that is not installed is noticed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from .floor import Floor
from .workloads import MIB, PieceReader

KEY, SECRET, REGION = "key", "secret", "us-east-1"


class Client(Protocol):
    """A client of one bucket, connected: it has had one answer already."""

    def upload(self, name: str, pieces: Iterator[bytes]) -> None:
        """Put an object of unknown length."""

    def download(self, name: str) -> int:
        """Take in an object as a stream; the number of its bytes."""

    def count_keys(self) -> int:
        """Look at every key; their number."""


class Fork:
    """This library."""

    def __init__(self, host: str, port: int, bucket: str) -> None:
        from libcloud.storage.providers import get_driver
        from libcloud.storage.types import Provider

        driver_class = get_driver(Provider.S3)
        self._driver: Any = driver_class(KEY, SECRET, host=host, port=port, secure=False)
        self._container = self._driver.get_container(bucket)

    def upload(self, name: str, pieces: Iterator[bytes]) -> None:
        self._driver.upload_object_via_stream(pieces, self._container, name)

    def download(self, name: str) -> int:
        found = self._driver.get_object(self._container.name, name)
        return sum(map(len, self._driver.download_object_as_stream(found)))

    def count_keys(self) -> int:
        return sum(1 for _ in self._driver.iterate_container_objects(self._container))


class Boto3:
    """boto3 takes no iterator: it gets a file over the pieces."""

    def __init__(self, host: str, port: int, bucket: str) -> None:
        import boto3

        self._client: Any = boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        self._bucket = bucket
        self._client.head_bucket(Bucket=bucket)

    def upload(self, name: str, pieces: Iterator[bytes]) -> None:
        self._client.upload_fileobj(PieceReader(pieces), self._bucket, name)

    def download(self, name: str) -> int:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        return sum(map(len, body.iter_chunks(MIB)))

    def count_keys(self) -> int:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return sum(1 for page in pages for _ in page["Contents"])


class Obstore:
    """obstore, the object_store of Rust for Python."""

    def __init__(self, host: str, port: int, bucket: str) -> None:
        import obstore
        from obstore.store import S3Store

        self._obstore: Any = obstore
        self._store = S3Store(
            bucket,
            endpoint=f"http://{host}:{port}",
            region=REGION,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        self._obstore.head(self._store, "sized-0")

    def upload(self, name: str, pieces: Iterator[bytes]) -> None:
        self._obstore.put(self._store, name, pieces)

    def download(self, name: str) -> int:
        blocks = self._obstore.get(self._store, name).stream(min_chunk_size=MIB)
        return sum(map(len, blocks))

    def count_keys(self) -> int:
        pages = self._obstore.list(self._store, chunk_size=1000)
        return sum(1 for page in pages for _ in page)


@dataclass(frozen=True)
class Kind:
    """How a client is made, what a program imports that uses it, and what pip calls it."""

    make: Callable[[str, int, str], Client]
    imports: str
    distribution: str | None


FLOOR, FORK = "floor", "libcloud-storage"

# The floor comes first: the others are told as multiples of it.
CLIENTS = {
    FLOOR: Kind(Floor, "socket, hashlib", None),
    FORK: Kind(Fork, "libcloud.storage.drivers.s3", "libcloud-storage"),
    "obstore": Kind(Obstore, "obstore.store", "obstore"),
    "boto3": Kind(Boto3, "boto3", "boto3"),
}
