# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift, and Cloud Files of Rackspace, which is a Swift with a CDN."""

from __future__ import annotations

import hmac
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from libcloud.common.types import LibcloudError
from libcloud.storage import swift
from libcloud.storage.arguments import check_object, container_url, remember_settings
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.cloudfiles_connection import (
    AUTH_URL,
    CloudFilesConnection,
    CloudFilesRawResponse,
    CloudFilesResponse,
    OpenStackSwiftConnection,
)
from libcloud.storage.drivers.swift import SwiftStorageDriver
from libcloud.storage.keywords import (
    CloudFilesKeywords,
    OpenStackEnvironmentKeywords,
    OpenStackKeywords,
)
from libcloud.storage.swift.multipart import SwiftMultipartUpload
from libcloud.utils.headers import authority

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = [
    "AUTH_URL", "CloudFilesConnection", "CloudFilesRawResponse", "CloudFilesResponse",
    "CloudFilesStorageDriver", "OpenStackSwiftConnection", "OpenStackSwiftStorageDriver",
    "SwiftMultipartUpload", "SwiftStorageDriver",
]  # fmt: skip

# Keys of a URL, and the keyword that each is.
_URL_KEYS = {"cloud": "cloud", "region": "region", "interface": "ex_interface"}

_REGIONS = ("ord", "dfw", "iad", "lon", "hkg", "syd")


class CloudFilesStorageDriver(SwiftStorageDriver):
    """Cloud Files of Rackspace.

    :param region: one of :meth:`list_regions`.
    :param use_internal_url: use the endpoint for machines in the same network.
    """

    name = "CloudFiles"
    website = "http://www.rackspace.com/"
    connectionCls: Any = CloudFilesConnection

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        region: str | None = "ord",
        use_internal_url: bool = False,
        **kwargs: Unpack[CloudFilesKeywords],
    ) -> None:
        self.use_internal_url = use_internal_url
        super().__init__(key, secret, secure, host, port, region, **kwargs)

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        internal = {"use_internal_url": True} if self.use_internal_url else {}
        return {**super()._ex_connection_class_kwargs(), **internal}

    @classmethod
    def list_regions(cls) -> list[str]:
        """Regions of Cloud Files."""
        return list(_REGIONS)

    # The account, temporary URLs, static websites and the CDN.

    def ex_get_meta_data(self) -> dict[str, Any]:
        """``container_count``, ``object_count``, ``bytes_used`` (bytes) and ``temp_url_key``."""
        found = self._client.send(swift.requests.head(""), "Error looking for the account").headers
        return {
            "container_count": int(found.get("x-account-container-count", 0)),
            "object_count": int(found.get("x-account-object-count", 0)),
            "bytes_used": int(found.get("x-account-bytes-used", 0)),
            "temp_url_key": found.get("x-account-meta-temp-url-key"),
        }

    def ex_set_account_metadata_temp_url_key(self, key: str) -> bool:
        """Set the key that signs temporary URLs.

        :param key: a secret; any text.
        """
        return self._post("", {"X-Account-Meta-Temp-URL-Key": key}, "")

    def ex_get_object_temp_url(self, obj: Object, method: str = "GET", timeout: int = 60) -> str:
        """A URL that allows ``method`` on an object without a token.

        Reference: Swift, "Temporary URL middleware" (api/temporary_url_middleware).

        :param method: the HTTP method that the URL is for.
        :param timeout: seconds that it is valid.
        :raises KeyError: the account has no key for such URLs.
        """
        check_object(obj)
        key = self.ex_get_meta_data().get("temp_url_key")
        if not key:
            raise KeyError("the account has no temp_url_key: ex_set_account_metadata_temp_url_key")
        connection = self.connection
        path = connection.request_path + self._client.object_path(obj.container.name, obj.name)
        expires = int(time() + timeout)
        digest = self._client.profile().temp_url_digest
        # The path is signed as it is before it is percent-encoded.
        text = f"{method}\n{expires}\n{unquote(path)}"
        signed = hmac.new(key.encode(), text.encode(), digest)
        scheme = "https" if connection.secure else "http"
        place = authority(connection.host, connection.port, scheme=scheme)
        query = f"temp_url_sig={signed.hexdigest()}&temp_url_expires={expires}"
        return f"{scheme}://{place}{path}?{query}"

    def ex_enable_static_website(
        self, container: Container, index_file: str = "index.html"
    ) -> bool:
        """Serve the container as a website.

        :param index_file: name of the object that is shown for a directory.
        """
        return self._post(container.name, {"X-Container-Meta-Web-Index": index_file})

    def ex_set_error_page(self, container: Container, file_name: str = "error.html") -> bool:
        """Set the page of a static website that is shown for errors.

        :param file_name: name of its object.
        """
        return self._post(container.name, {"X-Container-Meta-Web-Error": file_name})

    def _post(self, container_name: str, headers: dict[str, str], path: str | None = None) -> bool:
        path = self._client.container_path(container_name) if path is None else path
        self._client.send(
            swift.requests.post(path, headers),
            f"Error changing {container_name or 'the account'}",
            ok=(200, 201, 202, 204),
            names=(container_name, ""),
        )
        return True

    def get_container_cdn_url(self, container: Container, ex_ssl_uri: bool = False) -> str:
        """The URL of the container in Rackspace's CDN.

        :param ex_ssl_uri: that begins with ``https``.
        :raises ContainerDoesNotExistError: there is no such container in the CDN.
        :raises LibcloudError: the store has no CDN.
        """
        found = self._cdn_request(
            "HEAD", self._client.container_path(container.name), {}, container
        )
        return str(found.headers["x-cdn-ssl-uri" if ex_ssl_uri else "x-cdn-uri"])

    def get_object_cdn_url(self, obj: Object) -> str:
        """The URL of the object in Rackspace's CDN."""
        container_url = self.get_container_cdn_url(container=obj.container)
        return f"{container_url}/{quote(obj.name)}"

    def enable_container_cdn(self, container: Container, ex_ttl: int | None = None) -> bool:
        """Publish the container in Rackspace's CDN.

        :param ex_ttl: seconds that the CDN keeps objects.
        """
        headers = {"X-CDN-Enabled": "True"}
        if ex_ttl:
            headers["X-TTL"] = str(ex_ttl)
        self._cdn_request("PUT", self._client.container_path(container.name), headers, container)
        return True

    def _upload_object_part(
        self,
        container: Container,
        object_name: str,
        part_number: int,
        iterator: Any,
        verify_hash: bool = True,
    ) -> Object:
        """Upload a segment of a dynamic large object; nothing here calls it."""
        return self._put_object(
            container=container,
            object_name=f"{object_name}/{part_number:08}",
            extra=None,
            stream=iterator,
            verify_hash=verify_hash,
        )

    def ex_purge_object_from_cdn(self, obj: Object, email: str | None = None) -> bool:
        """Remove an object from the edges of Rackspace's CDN.

        :param email: address that is notified when it is done.
        """
        headers = {"X-Purge-Email": email} if email else {}
        path = self._client.object_path(obj.container.name, obj.name)
        return bool(self._cdn_request("DELETE", path, headers, obj.container).status == 204)

    def _cdn_request(
        self, method: str, path: str, headers: dict[str, str], container: Container
    ) -> Any:
        response = self.connection.request(path, method=method, headers=headers, cdn_request=True)
        if response.status in (200, 201, 202, 204):
            return response
        detail = self._client.detail_of(response)
        text = f"Error asking the CDN for {container.name}: {swift.errors.describe(detail)}"
        raise swift.errors.attach_detail(LibcloudError(text, self), detail)


class OpenStackSwiftStorageDriver(CloudFilesStorageDriver):
    """Any cluster of OpenStack Swift."""

    type = "cloudfiles_swift"
    name = "OpenStack Swift"
    website = "https://docs.openstack.org/swift/"
    connectionCls: Any = OpenStackSwiftConnection

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        region: str | None = None,
        **kwargs: Unpack[OpenStackKeywords],
    ) -> None:
        super().__init__(key, secret, secure, host, port, region, **kwargs)

    @classmethod
    def from_env(
        cls, *, cloud: str | None = None, **options: Unpack[OpenStackEnvironmentKeywords]
    ) -> Self:
        """A driver with the credentials and settings of ``clouds.yaml`` or the environment.

        These are, in this order: the cloud that is named; that of ``OS_CLOUD``; ``OS_STORAGE_URL``
        with ``OS_AUTH_TOKEN``; ``OS_AUTH_URL`` with ``OS_USERNAME`` and ``OS_PASSWORD``, or with
        ``OS_APPLICATION_CREDENTIAL_ID`` and ``OS_APPLICATION_CREDENTIAL_SECRET``; ``ST_AUTH`` with
        ``ST_USER`` and ``ST_KEY``.

        :param cloud: name of a cloud in ``clouds.yaml``.
        :raises CredentialsNotFoundError: there are no credentials.
        :raises ProfileFileError: there is no such cloud, or the file cannot be read.
        """
        from libcloud.common.credentials.openstack import discover_openstack

        found = {} if options.get("key") else discover_openstack(cloud)
        given = {name: value for name, value in options.items() if value is not None}
        driver = cls(**{**found, **given})
        remember_settings(driver, {"cloud": cloud, **given})
        return driver

    @classmethod
    def from_url(cls, url: str, **options: Unpack[OpenStackEnvironmentKeywords]) -> Self:
        """A driver by a URL such as ``swift://container?cloud=backup&region=RegionOne``.

        What the URL does not say is as in :meth:`from_env`. Keys of the query are ``cloud``,
        ``region`` and ``interface``, and none for credentials.

        :return: a driver; its ``ex_container`` is the container that the URL names, or ``None``.
        :raises ValueError: it is no such URL, or holds credentials. The message shows none of them.
        """
        example = "swift://CONTAINER?cloud=NAME"
        name, settings = container_url(url, ["swift"], _URL_KEYS, example=example)
        driver = cls.from_env(**{**settings, **options})
        if name:
            driver.ex_container = Container(name, {}, driver)
        return driver
