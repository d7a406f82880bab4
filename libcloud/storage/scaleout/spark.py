# SPDX-License-Identifier: Apache-2.0
"""Spark: writes a DataFrame with one binary column as one object.

::

    spark.dataSource.register(ObjectDataSource)
    df.write.format("libcloud").mode("overwrite").save("s3://bucket/name")

The object has the rows of the first partition, then those of the second, and so on; sort before. A
task writes its partition as a temporary object, in bounded memory; Spark may run it again, or
twice. The process that commits has the store copy them into one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from libcloud.common.types import LibcloudError
from libcloud.storage.providers import get_driver
from libcloud.storage.scaleout.staging import StagedPiece, Staging
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.utils.environment import missing_extra

try:
    from pyspark import TaskContext
    from pyspark.sql.datasource import DataSource, DataSourceWriter, WriterCommitMessage
except ImportError as error:
    raise ImportError(missing_extra("pyspark", "spark")) from error

# Options become part of the query, of the tasks and of the log, so there is none for a secret.
_OPTIONS = {"path", "provider", "content_type", "storage_class"}


class ObjectDataSource(DataSource):  # type: ignore[misc]  # pyspark is not there for lint
    """The format ``libcloud``; its options:

    * ``path``: ``s3://bucket/name``, with the parameters that ``from_url`` of the driver takes
    * ``provider``: of the driver; ``s3`` by default
    * ``content_type`` and ``storage_class`` of the object

    Credentials are those that the driver and each worker find themselves.
    """

    @classmethod
    def name(cls) -> str:
        """The name of the format."""
        return "libcloud"

    def writer(self, schema: Any, overwrite: bool) -> ObjectWriter:
        """Check everything that can be checked before tasks run.

        :param overwrite: the mode is ``overwrite``. With ``append``, the object must not exist.
        :raises ValueError: an option, the URL or the schema is not supported.
        :raises LibcloudError: there are no credentials, or no such container.
        """
        unknown = sorted(set(self.options) - _OPTIONS)
        if unknown:
            raise ValueError(f"unknown option: {unknown[0]}; there are {', '.join(_OPTIONS)}")
        kinds = [field.dataType.typeName() for field in schema.fields]
        if kinds != ["binary"]:
            raise ValueError(f"one column of the type binary is written, not {kinds}")
        container, name = _target(self.options)
        if not overwrite:
            with contextlib.suppress(ObjectDoesNotExistError):
                container.get_object(name)
                raise ValueError(f"{container.name}/{name} exists: use the mode overwrite")
        return ObjectWriter(Staging.begin(container.driver, container, name), self.options)


@dataclass(frozen=True)
class PartitionWritten(WriterCommitMessage):  # type: ignore[misc]  # pyspark is not there for lint
    """The report of a task."""

    piece: StagedPiece


class ObjectWriter(DataSourceWriter):  # type: ignore[misc]  # pyspark is not there for lint
    """Writes partitions on workers, and publishes the object in the process that commits."""

    def __init__(self, staging: Staging, options: Mapping[str, str]) -> None:
        self._staging = staging
        self._content_type = options.get("content_type")
        self._storage_class = options.get("storage_class")

    def write(self, iterator: Iterator[Any]) -> PartitionWritten:
        """Write one partition. Runs on a worker."""
        number = TaskContext.get().partitionId()
        return PartitionWritten(self._staging.write(number, (row[0] for row in iterator)))

    def commit(self, messages: Iterable[PartitionWritten | None]) -> None:
        """Publish the object; if two attempts wrote different data, nothing is published.

        :raises LibcloudError: a task has failed. Nothing was published.
        """
        written = list(messages)
        if None in written:
            raise LibcloudError(f"partition {written.index(None)} was not written")
        extra = {"content_type": self._content_type} if self._content_type else {}
        self._staging.publish(
            [message.piece for message in written if message is not None],
            extra=extra,
            ex_storage_class=self._storage_class,
        )

    def abort(self, messages: Iterable[PartitionWritten | None]) -> None:
        """Remove what was written. Nothing was published."""
        self._staging.folder.discard()


def _target(options: Mapping[str, str]) -> tuple[Any, str]:
    url = urlsplit(options.get("path", ""))
    name = url.path.lstrip("/")
    if not url.netloc or not name:
        raise ValueError("pass a URL with a container and a name: save('s3://bucket/name')")
    kind: Any = get_driver(options.get("provider", "s3"))
    query = f"?{url.query}" if url.query else ""
    driver = kind.from_url(f"{url.scheme}://{url.netloc}{query}")
    return driver.get_container(url.netloc), name
