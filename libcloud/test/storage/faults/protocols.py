# SPDX-License-Identifier: Apache-2.0
"""What the matrix of faults needs to know of a protocol: its requests, a driver, what is left."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from libcloud.http import LibcloudConnection
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.profiles import AMAZON, S3Profile
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.fakes import routes
from libcloud.test.storage.fakes.azure import operation_of as azure_operation
from libcloud.test.storage.fakes.faults import Rule
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.swift import ACCOUNT
from libcloud.test.storage.fakes.swift import operation_of as swift_operation
from libcloud.test.storage.fakes.wire import Incoming

ATTEMPTS = 3
STALLED_ATTEMPTS = 2
# Of the requests that are stalled only: a busy server takes its time for the others.
STALL_SECONDS = 0.5
PATIENCE = 60.0

Left = Callable[[Any, Any, str, "BaseException | None"], str]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol.

    :param operations: names of the requests that the columns of the table stand for.
    :param operation_of: the name of a request.
    :param second_part: whether a request sends the second part of an upload.
    :param driver: a class of drivers.
    :param place: keywords of a driver for an endpoint.
    :param left: of a direct driver, a container, a name and the error: what stays behind.
    """

    operations: Mapping[str, str]
    operation_of: Callable[[Incoming], str]
    second_part: Callable[[Incoming], bool]
    driver: type[Any]
    place: Callable[[Endpoint], dict[str, Any]]
    left: Left


def connected(
    protocol: Protocol, profile: S3Profile, endpoint: Endpoint, *, stalls: Rule | None = None
) -> Any:
    """A driver that does not wait between attempts.

    :param profile: of an S3 store.
    :param stalls: the requests that are not answered.
    """
    members: dict[str, Any] = {
        "ex_retry_policy": RetryPolicy(STALLED_ATTEMPTS if stalls else ATTEMPTS, base=0.0),
        "ex_completion_timeout": STALL_SECONDS if stalls else 60.0,
    }
    place = protocol.place(endpoint)
    if protocol is S3:
        limits = replace(profile.limits, min_part_size=1)
        members["profile"] = place["ex_profile"] = replace(profile, limits=limits)
    kind: Any = type("Driver", (protocol.driver,), members)
    driver = kind(endpoint.key, endpoint.secret, secure=False, **place)
    if stalls:
        driver.connection.conn_class = _impatient(stalls, protocol.operation_of)
        driver.connection.connect()
    return driver


def _impatient(stalls: Rule, operation_of: Callable[[Incoming], str]) -> type[LibcloudConnection]:
    """A connection class that waits for the answers to all requests but those that are stalled."""

    class Impatient(LibcloudConnection):
        def prepared_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            self._choose_timeout(method, url)
            super().prepared_request(method, url, *args, **kwargs)

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            self._choose_timeout(method, url)
            super().request(method, url, *args, **kwargs)

        def _choose_timeout(self, method: str, url: str) -> None:
            due = replace(stalls).due  # a copy: nothing is counted
            request = Incoming(method, url, ())
            is_stalled = due(operation_of(request), request)
            self.session.timeout = STALL_SECONDS if is_stalled else PATIENCE

    return Impatient


def _left_in_s3(direct: Any, container: Any, name: str, error: BaseException | None) -> str:
    text, orphans = "", 0
    for upload in direct.ex_iterate_multipart_uploads(container, prefix=name):
        if upload.id == getattr(error, "upload_id", None):
            text += "+id"
        elif list(direct.ex_list_parts(container, upload)):
            text += " PARTS LEFT"
        else:
            orphans += 1
    return text + ("+orphan" if orphans else "") + ("s" if orphans > 1 else "")


def _left_in_azure(direct: Any, container: Any, name: str, error: BaseException | None) -> str:
    """Blocks that are not committed, whose ids begin with that of the upload."""
    from libcloud.storage.azure import requests, responses

    client = direct._client
    request = requests.get_block_list(client.object_path(container.name, name), "uncommitted")
    response = client.send(request, "Error listing blocks")
    blocks = responses.parse_blocks(response.object, "UncommittedBlocks")
    if not blocks:
        return ""
    upload_id = getattr(error, "upload_id", None)
    named = all(b64decode(block.id).decode().startswith(f"{upload_id}-") for block in blocks)
    return "+id" if named else " BLOCKS LEFT"


def _left_in_swift(direct: Any, container: Any, name: str, error: BaseException | None) -> str:
    """Segments that no manifest names."""
    upload_id = getattr(error, "upload_id", None)
    found = [upload.id for upload in direct.ex_iterate_multipart_uploads(container, prefix=name)]
    return "".join("+id" if each == upload_id else " SEGMENTS LEFT" for each in found)


def _swift_place(endpoint: Endpoint) -> dict[str, Any]:
    # The fake names itself in the storage URL, and not the proxy.
    place = {"host": endpoint.host, "port": endpoint.port}
    return {**place, "ex_force_base_url": f"http://{endpoint.host}:{endpoint.port}{ACCOUNT}"}


def _swift_request(request: Incoming) -> str:
    """The name of a request: segments are deleted by one request, or one by one."""
    name = swift_operation(request)
    return "POST bulk" if name == "DELETE segment" else name


def _block_number(request: Incoming) -> int:
    found = b64decode(request.query.get("blockid", "")).decode().split("-")
    return int(found[1]) if len(found) > 1 else 0


S3 = Protocol(
    operations={
        "put": "PutObject",
        "create": "CreateMultipartUpload",
        "part": "UploadPart",
        "complete": "CompleteMultipartUpload",
        "abort": "AbortMultipartUpload",
        "head": "HeadObject",
        "get": "GetObject",
        "list": "ListObjectsV2",
    },
    operation_of=routes.operation_of,
    second_part=lambda request: request.query.get("partNumber") == "2",
    driver=S3StorageDriver,
    place=lambda endpoint: {
        "host": endpoint.host,
        "port": endpoint.port,
        "region": endpoint.region,
    },
    left=_left_in_s3,
)

AZURE = Protocol(
    # An upload in blocks has no beginning and no abort.
    operations={
        "put": "PutBlob",
        "part": "PutBlock",
        "complete": "PutBlockList",
        "confirm": "GetBlockList",
        "head": "GetBlobProperties",
        "get": "GetBlob",
        "list": "ListBlobs",
    },
    operation_of=azure_operation,
    second_part=lambda request: _block_number(request) == 2,
    driver=AzureBlobsStorageDriver,
    place=lambda endpoint: {"host": endpoint.host, "port": endpoint.port},
    left=_left_in_azure,
)

SWIFT = Protocol(
    operations={
        "put": "PUT object",
        "create": "PUT container",
        "part": "PUT segment",
        "complete": "PUT manifest",
        "abort": "POST bulk",
        "head": "HEAD object",
        "get": "GET object",
        "list": "GET container",
    },
    operation_of=_swift_request,
    second_part=lambda request: unquote(request.raw_path).endswith("/00000002"),
    driver=OpenStackSwiftStorageDriver,
    place=_swift_place,
    left=_left_in_swift,
)

NO_PROFILE = AMAZON
"""Of servers that do not speak S3."""
