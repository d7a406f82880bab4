# SPDX-License-Identifier: Apache-2.0
"""Operations on single containers and blobs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.azure import requests
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.error_details import attach_detail
from libcloud.storage.transfer.download.start import AS_STORED
from libcloud.storage.transfer.upload.times import is_recent
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    MissingContainerError,
    ObjectDoesNotExistError,
)

_REFUSALS = MappingProxyType({400: InvalidContainerNameError, 409: ContainerAlreadyExistsError})


def head_container(client: AzureClient, name: str) -> Any:
    path = client.container_path(name)
    what = f"Error looking for the container {name}"
    return client.send(requests.head(path), what, names=(name, ""))


def create_container(client: AzureClient, name: str) -> Any:
    """Create a container, which must not exist."""
    what = f"Error creating the container {name}"
    path, begun = client.container_path(name), time.monotonic()

    def is_ours() -> bool:
        return is_recent(head_container(client, name).headers, time.monotonic() - begun)

    def create() -> Any:
        try:
            return client.send_once(requests.create_container(path), what, names=(name, ""))
        except LibcloudError as error:
            detail = vars(error).get("detail")
            if detail is None or detail.code or detail.status not in _REFUSALS:
                raise
            # A service that is not Azure's may say no code.
            refusal = _REFUSALS[detail.status](error.value, client.owner, name)
            raise attach_detail(refusal, detail) from error

    created = client.retry_loop.ensure(create, ContainerAlreadyExistsError, confirm=is_ours)
    return head_container(client, name) if created is None else created


def delete_container(client: AzureClient, name: str) -> None:
    """Delete a container with all blobs in it."""
    path = client.container_path(name)
    request, what = requests.delete(path), f"Error deleting the container {name}"
    client.retry_loop.ensure(
        lambda: client.send_once(request, what, ok=(200, 202, 204), names=(name, "")),
        ContainerDoesNotExistError,
    )


def head_blob(client: AzureClient, container: str, name: str) -> Any:
    request = requests.head(client.blob_path(container, name), AS_STORED)
    what = f"Error looking for {container}/{name}"
    return client.send(request, what, names=(container, name))


def delete_blob(client: AzureClient, container: str, name: str) -> None:
    """Delete a blob with its snapshots."""
    headers = {"x-ms-delete-snapshots": "include"}
    request = requests.delete(client.blob_path(container, name), headers)
    what = f"Error deleting {container}/{name}"
    try:
        client.retry_loop.ensure(
            lambda: client.send_once(request, what, names=(container, name)),
            ObjectDoesNotExistError,
        )
    except ContainerDoesNotExistError as error:
        raise MissingContainerError.of(error, name) from error


def set_metadata(
    client: AzureClient, container: str, name: str, meta_data: Mapping[str, str]
) -> None:
    headers = requests.metadata_headers(meta_data)
    request = requests.set_metadata(client.blob_path(container, name), headers)
    client.send(request, f"Error setting metadata of {container}/{name}", names=(container, name))


def set_tier(client: AzureClient, container: str, name: str, tier: str) -> None:
    request = requests.set_tier(client.blob_path(container, name), tier)
    client.send(request, f"Error moving {container}/{name} to {tier}", names=(container, name))
