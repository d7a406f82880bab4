# SPDX-License-Identifier: Apache-2.0
"""The client that an S3 driver holds, and the paths of containers and objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from libcloud.storage import s3, transfer
from libcloud.storage.base import Container
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.drivers.s3_access import S3Access
from libcloud.storage.drivers.s3_constants import STORAGE_CLASSES
from libcloud.storage.s3.client import S3Client
from libcloud.storage.s3.names import check_bucket, check_object_name, encode_name
from libcloud.storage.s3.profiles import capabilities
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import InvalidContainerNameError, InvalidObjectNameError

if TYPE_CHECKING:
    from libcloud.storage.scheduler import Limiter
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.types import Deletion

__all__ = ["S3Calls"]


class S3Calls(S3Access):
    """What all S3 drivers share below their public methods."""

    #: How often and how patiently requests are made again.
    ex_retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    #: Seconds of silence that are allowed before answers which have to be worked out: to the
    #: completion of an upload, and to a copy. A ``timeout`` of the driver holds if it is longer.
    ex_completion_timeout: ClassVar[float] = 300.0
    #: Bytes of parts that one upload holds at once, or a budget that several share; ``None``: the
    #: default of :class:`~libcloud.storage.transfer.upload.session.UploadOptions`.
    ex_max_memory: ClassVar[int | MemoryBudget | None] = None
    supports_s3_multipart_upload = True
    http_vendor_prefix = "x-amz"

    @property
    def _client(self) -> S3Client:
        """Sends the requests; one for all threads of the driver, created at first use."""
        client = vars(self).get("_s3_client")
        if client is None:
            without = (s3.optional.CHECKSUM,)
            unsupported = without if self._checksum_calculation == "when_required" else ()
            client = vars(self).setdefault("_s3_client", S3Client(self, unsupported))
        return client  # type: ignore[no-any-return]

    def _concurrency_limiter(self) -> Limiter:
        return self._client.limiter

    def _max_concurrency(self) -> int | None:
        return self._client.concurrency()

    def _shares_store(self, driver: Any) -> bool:
        return self._client.shares_store(driver)

    def _delete_places(
        self, places: Iterable[tuple[Container, str]], quiet: bool
    ) -> Iterator[Deletion]:
        return s3.deletion.BulkDeletion(
            self._client,
            self._pool,
            self._get_container_path,
            self._delete_place,
            supported=self.profile.bulk_delete,
            quiet=quiet,
        ).delete(places)

    def _options_of_many_uploads(self, options: dict[str, Any]) -> dict[str, Any]:
        """Let the uploads share one memory budget."""
        if options.get("ex_max_memory") is None and self.ex_max_memory is None:
            size = transfer.upload.session.DEFAULT_MEMORY
            options["ex_max_memory"] = transfer.budget.MemoryBudget(size, strict=False)
        return options

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do, by its profile and the driver's flags."""
        return capabilities(
            self.profile,
            multipart=self.supports_s3_multipart_upload,
            chunked_encoding=self.supports_chunked_encoding,
        )

    # Paths.

    def _clean_object_name(self, name: str) -> str:
        """``name`` as it stands in a path: percent-encoded, but for ``/`` and ``~``."""
        return encode_name(name)

    def _get_container_path(self, container: Container) -> str:
        """Path of a container, checked before anything is sent."""
        try:
            check_bucket(container)
        except ValueError as error:
            raise InvalidContainerNameError(str(error), self, container.name) from error
        return f"/{encode_name(container.name)}"

    def _get_object_path(self, container: Container, object_name: str) -> str:
        """Path of an object, checked before anything is sent."""
        container_path = self._get_container_path(container)
        try:
            check_object_name(object_name, listed=True)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return f"{container_path}/{self._clean_object_name(object_name)}"

    def _get_new_object_path(self, container: Container, object_name: str) -> str:
        """Path of an object to create, whose name must be valid UTF-8."""
        path = self._get_object_path(container, object_name)
        try:
            s3.names.check_object_name(object_name)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return path

    def _with_storage_class(
        self, headers: Mapping[str, str] | None, storage_class: str | None
    ) -> dict[str, str]:
        """A copy of ``headers`` with one class: ``storage_class``, or else the header's own."""
        own = f"{self.http_vendor_prefix}-storage-class"
        sent = dict(headers or {})
        given = [name for name in sent if name.lower() == own]
        if storage_class is None and given:
            return sent
        for name in given:
            del sent[name]
        return {**sent, **self._to_storage_class_headers(storage_class)}

    def _to_storage_class_headers(self, storage_class: str | None) -> dict[str, str]:
        """:raises ValueError: there is no such class. Nothing was sent."""
        name = str(storage_class or "standard").lower()
        if name not in STORAGE_CLASSES:
            raise ValueError(f"Invalid storage class value: {storage_class}")
        return {f"{self.http_vendor_prefix}-storage-class": STORAGE_CLASSES[name]}
