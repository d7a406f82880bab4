# SPDX-License-Identifier: Apache-2.0
"""Operations on single objects: look up and delete; ``download_port`` downloads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud.storage import s3
from libcloud.storage.base import Container, Object
from libcloud.utils.etags import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

_EXTRA_HEADERS = {
    "content-type": "content_type",
    "etag": "etag",
    "content-encoding": "content_encoding",
    "last-modified": "last_modified",
}


def look_up(
    client: S3Client,
    path: str,
    container_name: str,
    object_name: str,
    headers: Mapping[str, str] | None = None,
) -> Mapping[str, str]:
    """The headers of the object at ``path``, names in lower case, by one HEAD request.

    :raises ObjectDoesNotExistError: there is no such object.
    """
    response = client.send(
        s3.requests.head(path, {**s3.download_port.AS_STORED, **(headers or {})}),
        f"Error looking for {container_name}/{object_name}",
        ok=(200, 404),
        container_name=container_name,
        object_name=object_name,
    )
    if response.status == 404:
        raise client.object_not_found(response, container_name, object_name)
    return response.headers  # type: ignore[no-any-return]


def object_from(
    headers: Mapping[str, str], name: str, size: str | None, container: Container, driver: Any
) -> Object:
    """The object that the ``headers`` of a response describe.

    :param size: as the driver found it in the headers.
    """
    if size is None:
        raise KeyError(f"Can not deduce object size from headers for object {name}")
    return Object(
        name=name,
        size=int(size),
        hash=strip_etag(headers["etag"]) if "etag" in headers else None,
        extra={key: headers[header] for header, key in _EXTRA_HEADERS.items() if header in headers},
        meta_data=s3.headers.metadata_in(headers, driver.http_vendor_prefix),
        container=container,
        driver=driver,
    )


def delete(client: S3Client, path: str, container_name: str, object_name: str) -> bool:
    """Delete the object at ``path``.

    :return: whether the store answered with 204, as S3 does.
    :raises ObjectDoesNotExistError: there is none, and the store reports that (Amazon does not).
    """
    response = client.send(
        s3.requests.delete(path),
        f"Error deleting {container_name}/{object_name}",
        ok=(200, 204, 404),
        container_name=container_name,
        object_name=object_name,
    )
    if response.status == 404:
        raise client.object_not_found(response, container_name, object_name)
    return bool(response.status == 204)
