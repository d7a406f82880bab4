# SPDX-License-Identifier: Apache-2.0
"""Containers of an S3 store, and what lies in them: objects and unfinished uploads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.arguments import check_container, check_prefix
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_pages import bucket_pages, object_pages, upload_pages
from libcloud.storage.drivers.s3_uploads import S3Uploads
from libcloud.storage.s3.client import detail_of
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
)

if TYPE_CHECKING:
    from libcloud.storage.s3.values import ObjectRecord

__all__ = ["RESPONSES_PER_REQUEST", "S3Containers", "S3MultipartUpload"]

RESPONSES_PER_REQUEST = 100
"""Unfinished uploads asked for at once, unless a driver class says otherwise."""


class S3MultipartUpload:
    """An unfinished upload.

    :param key: name of the object that it will become.
    :param id: the upload id.
    :param created_at: aware time of its beginning; ``None`` if the store does not tell.
    :param initiator: who began it; ``None`` if the store does not tell.
    :param owner: who will own the object; likewise.
    """

    def __init__(
        self,
        key: str,
        id: str,
        created_at: datetime | None,
        initiator: str | None,
        owner: str | None,
    ) -> None:
        self.key = key
        self.id = id
        self.created_at = created_at
        self.initiator = initiator
        self.owner = owner

    def __repr__(self) -> str:
        return f"<S3MultipartUpload: key={self.key}>"


class S3Containers(S3Uploads):
    """Containers, listings, unfinished uploads."""

    ex_location_name = ""
    #: Unfinished uploads asked for at once; ``None`` leaves it to :data:`RESPONSES_PER_REQUEST`.
    RESPONSES_PER_REQUEST: int | None = None

    def iterate_containers(self) -> Iterator[Container]:
        for _, document in bucket_pages(self):
            yield from self._to_containers(document, "Buckets/Bucket")

    def get_container(self, container_name: str) -> Container:
        """The container, after one HEAD request.

        :raises ContainerDoesNotExistError: there is none of that name. One that may not be looked
            at (403) is taken to exist.
        :raises LibcloudError: it is in another region, or the store said something else.
        """
        container = Container(name=container_name, extra={}, driver=self)
        request = s3.requests.head(self._get_container_path(container))
        try:
            response = self._client.send(
                request,
                f"Error looking for the container {container_name}",
                ok=(200, 404),
                container_name=container_name,
            )
        except LibcloudError as error:
            if getattr(error, "status", None) != 403:
                raise
            return container
        if response.status == 404:
            raise self._client.container_not_found(response, container_name)
        return container

    def create_container(self, container_name: str) -> Container:
        container = Container(name=container_name, extra={}, driver=self)
        path = self._get_container_path(container)
        request = s3.requests.create_bucket(path, location=self._location())
        if isinstance(request.body, bytes):
            # Text: connection classes of test suites give it back as the text of the answer.
            request = replace(request, body=request.body.decode("ascii"))
        response = self._client.send_once(
            request,
            f"Error creating the container {container_name}",
            ok=(200, 400, 409),
            container_name=container_name,
        )
        if response.status == 200:
            return container
        detail = detail_of(response)
        kind: type[ContainerError] = ContainerError
        if "BucketAlreadyOwnedByYou" in (response.body or ""):
            kind = ContainerAlreadyExistsError
        elif response.status == 409 or "InvalidBucketName" in (response.body or ""):
            kind = InvalidContainerNameError
        raise s3.errors.attach_detail(
            kind(s3.errors.describe(detail), self, container_name), detail
        )

    def delete_container(self, container: Container) -> bool:
        check_container(container)
        response = self._client.send(
            s3.requests.delete(self._get_container_path(container)),
            f"Error deleting the container {container.name}",
            ok=(200, 204, 404, 409),
            container_name=container.name,
        )
        if response.status == 409:
            detail = detail_of(response)
            said = s3.errors.describe(detail)
            text = f"the container is not empty; delete its objects first. {said}"
            error = ContainerIsNotEmptyError(text, self, container.name)
            raise s3.errors.attach_detail(error, detail)
        if response.status == 404:
            raise self._client.container_not_found(response, container.name)
        return bool(response.status == 204)

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        check_prefix(prefix)
        prefix = self._normalize_prefix_argument(prefix, ex_prefix)
        for page, document in object_pages(self, container, prefix):
            yield from self._objects_of(document, page.objects, container)

    def ex_iterate_multipart_uploads(
        self, container: Container, prefix: str | None = None, delimiter: str | None = None
    ) -> Iterator[S3MultipartUpload]:
        """Unfinished uploads, in the store's order.

        :param prefix: only those of objects whose names begin so.
        :param delimiter: leave out names that hold it after the prefix.
        """
        check_prefix(prefix)
        if not self.supports_s3_multipart_upload:
            raise LibcloudError("Feature not supported", driver=self)
        pages = upload_pages(
            self,
            container,
            prefix=prefix,
            delimiter=delimiter,
            page_size=self.RESPONSES_PER_REQUEST or RESPONSES_PER_REQUEST,
        )
        begun = False
        try:
            for page, _ in pages:
                begun = True
                for upload in page.uploads:
                    created = s3.values.parse_time(upload.initiated)
                    yield S3MultipartUpload(
                        upload.key, upload.upload_id, created, upload.initiator, upload.owner
                    )
        except LibcloudError as error:
            # "rclone serve s3" 1.75.2 says so of a bucket in which no upload was ever begun.
            if begun or getattr(error, "code", None) != "NoSuchUpload":
                raise

    def ex_cleanup_all_multipart_uploads(
        self, container: Container, prefix: str | None = None
    ) -> None:
        """Abort every unfinished upload, also those that are still being sent.

        One that is gone meanwhile counts as aborted; an error with one does not stop the others.
        ``ex_cleanup_multipart_uploads`` can spare young ones.

        :raises LibcloudError: the first error, after all have been tried.
        """
        first: LibcloudError | None = None
        for upload in self.ex_iterate_multipart_uploads(container, prefix):
            try:
                self._abort_multipart(container, upload.key, upload.id)
            except LibcloudError as error:
                # A store that replaces characters in listings does not know the name it showed.
                if getattr(error, "status", None) != 404 or "\ufffd" in upload.key:
                    first = first or error
        if first is not None:
            raise first

    # Inside.

    def _location(self) -> str | None:
        """The region to create containers in, if the store wants it named."""
        region = getattr(self, "region_name", None) or ""
        return self.ex_location_name or self.profile.location(region)

    def _to_containers(self, obj: Any, xpath: str) -> Iterator[Container]:
        for element in _named(obj, xpath):
            yield self._to_container(element)

    def _to_container(self, element: Any) -> Container:
        bucket = s3.xml.bucket_record(element)
        return Container(bucket.name, {"creation_date": bucket.creation_date}, self)

    def _objects_of(
        self, root: Any, records: tuple[ObjectRecord, ...], container: Container
    ) -> Iterator[Object]:
        """The objects of a page; through ``_to_obj`` where a subclass has its own."""
        if type(self)._to_obj is not S3Containers._to_obj:
            return iter(self._to_objs(root, "Contents", container))
        return (self._from_record(record, container) for record in records)

    def _to_objs(self, obj: Any, xpath: str, container: Container) -> list[Object]:
        return [self._to_obj(element, container) for element in _named(obj, xpath)]

    def _to_obj(self, element: Any, container: Container) -> Object:
        return self._from_record(s3.xml.object_record(element), container)

    def _from_record(self, record: ObjectRecord, container: Container) -> Object:
        return Object(
            record.key,
            record.size,
            record.etag,
            {"last_modified": record.last_modified},
            {"owner": {"id": record.owner_id, "display_name": record.owner_name}},
            container,
            self,
        )


def _named(root: Any, xpath: str) -> list[Any]:
    """The elements at ``xpath`` (names between slashes), in any namespace or none."""
    nodes = [root]
    for name in xpath.split("/"):
        nodes = [child for node in nodes for child in node if _local(child) == name]
    return nodes


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
