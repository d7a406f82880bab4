# SPDX-License-Identifier: Apache-2.0
"""Ray Data: writes a dataset as one object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libcloud.storage.base import Container
from libcloud.storage.scaleout.ray import RayExecutor
from libcloud.storage.scaleout.staging import StagedPiece, Staging
from libcloud.utils.environment import missing_extra

try:
    from ray.data import DataContext, Datasink
    from ray.data.block import BlockAccessor
except ImportError as error:
    raise ImportError(missing_extra("ray[data]", "ray")) from error


class ObjectSink(Datasink):  # type: ignore[misc]  # ray is not there for lint
    """Writes a dataset of Ray Data as one object: ``dataset.write_datasink(ObjectSink(...))``.

    The bytes of one column become the object, in the order of the dataset, which must be kept:
    ``dataset.context.execution_options.preserve_order = True``. Each task writes a temporary
    object; when all have, the store copies them into one.

    :param driver: made by ``from_env`` or ``from_url``: workers find their own credentials.
    :param column: contains bytes.
    :param options: of ``ex_upload_with``: ``extra``, ``headers``, ``ex_storage_class``.
    :raises ValueError: workers could not connect as ``driver`` does.
    """

    def __init__(
        self,
        driver: Any,
        container: Container,
        object_name: str,
        *,
        column: str = "bytes",
        **options: Any,
    ) -> None:
        self._staging = Staging.begin(driver, container, object_name, **options)
        self._column = column
        self._options = options

    def on_write_start(self, schema: Any = None) -> None:
        """:raises ValueError: the order of the dataset is not kept."""
        if not DataContext.get_current().execution_options.preserve_order:
            raise ValueError(
                "the object would not have the order of the dataset: set "
                "dataset.context.execution_options.preserve_order = True"
            )

    def write(self, blocks: Iterable[Any], ctx: Any) -> StagedPiece:
        """Write the blocks of one task. Runs on a worker."""
        tables = (BlockAccessor.for_block(block).to_arrow() for block in blocks)
        values = (value.as_py() for table in tables for value in table[self._column])
        return self._staging.write(ctx.task_idx, values)

    def on_write_complete(self, write_result: Any) -> None:
        """Publish the object."""
        self._staging.publish(write_result.write_returns, RayExecutor(), **self._options)

    def on_write_failed(self, error: BaseException) -> None:
        """Remove what was written. Nothing was published."""
        self._staging.folder.discard()
