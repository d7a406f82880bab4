# SPDX-License-Identifier: Apache-2.0
"""What the fake of Azure Blob Storage does with a request whose signature is right."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from libcloud.test.storage.fakes.azure_digests import crc64, md5
from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.wire import Answer, Incoming

_CONTAINER = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass
class Blob:
    """What is published.

    :param blocks: ids and sizes of the blocks it consists of; empty for a Put Blob.
    :param coming: what it will contain when the copy to it succeeds.
    """

    body: bytes
    headers: dict[str, str]
    etag: str
    modified: datetime
    blocks: list[tuple[str, int]] = field(default_factory=list)
    coming: bytes = b""


class Account(Protocol):
    """What operations need of the server."""

    page_size: int
    max_blocks: int
    clock: Any
    containers: dict[str, datetime]
    blobs: dict[tuple[str, str], Blob]
    uncommitted: dict[tuple[str, str], dict[str, bytes]]
    leases: dict[tuple[str, str], str]
    copy_statuses: list[str]
    violations: list[str]

    def new_etag(self) -> str: ...

    def create_container(self, name: str) -> None: ...


class Operations:
    """One request, about to be carried out.

    :param blob: names of the container and of the blob.
    """

    def __init__(self, fake: Account, request: Incoming, blob: tuple[str, str]) -> None:
        self.fake = fake
        self.request = request
        self.blob = blob
        self.container, self.name = blob

    def perform(self, operation: str) -> Answer:
        """:raises S3Error: it is refused."""
        answer: Answer = getattr(self, f"do_{operation}")()
        return answer

    def _check_lease(self) -> None:
        held = self.fake.leases.get(self.blob)
        if held and self.request.header("x-ms-lease-id") != held:
            raise S3Error(412, "LeaseIdMissing")

    def _check_conditions(self) -> None:
        there = self.fake.blobs.get(self.blob)
        match = self.request.header("if-match")
        if match and (there is None or (match != "*" and match != there.etag)):
            raise S3Error(412, "ConditionNotMet")
        if self.request.header("if-none-match") == "*" and there is not None:
            raise S3Error(409, "BlobAlreadyExists")

    def _check_container(self) -> None:
        if self.container not in self.fake.containers:
            raise S3Error(404, "ContainerNotFound")

    def _found(self) -> Blob:
        self._check_container()
        if self.blob not in self.fake.blobs:
            raise S3Error(404, "BlobNotFound")
        return self.fake.blobs[self.blob]

    # Containers.

    def do_ListContainers(self) -> Answer:
        names = sorted(self.fake.containers)
        page, marker = self._page(names)
        items = "".join(
            f"<Container><Name>{name}</Name><Properties><Last-Modified>"
            f"{format_datetime(self.fake.containers[name], usegmt=True)}</Last-Modified>"
            "<Etag>0x1</Etag></Properties></Container>"
            for name in page
        )
        return _document(f"<Containers>{items}</Containers>", marker)

    def do_CreateContainer(self) -> Answer:
        if not _CONTAINER.fullmatch(self.container):
            raise S3Error(400, "InvalidResourceName")
        if self.container in self.fake.containers:
            raise S3Error(409, "ContainerAlreadyExists")
        self.fake.create_container(self.container)
        return Answer(201, (("ETag", '"0x1"'),))

    def do_GetContainerProperties(self) -> Answer:
        self._check_container()
        modified = format_datetime(self.fake.containers[self.container], usegmt=True)
        return Answer(200, (("ETag", '"0x1"'), ("Last-Modified", modified)))

    def do_DeleteContainer(self) -> Answer:
        self._check_container()
        del self.fake.containers[self.container]
        for key in [key for key in self.fake.blobs if key[0] == self.container]:
            self.fake.violations.append(f"the container was deleted with the blob {key[1]}")
            del self.fake.blobs[key]
        return Answer(202)

    def do_ListBlobs(self) -> Answer:
        self._check_container()
        prefix = self.request.query.get("prefix", "")
        delimiter = self.request.query.get("delimiter", "")
        found: dict[str, None] = {}
        for container, name in sorted(self.fake.blobs):
            if container == self.container and name.startswith(prefix):
                head, cut, _ = name[len(prefix) :].partition(delimiter or "\0")
                folded = f"{prefix}{head}{delimiter}" if delimiter and cut else ""
                found[f"p{folded}" if folded else f"b{name}"] = None
        page, marker = self._page(sorted(found, key=lambda item: item[1:]))
        items = "".join(self._listed(item[0], item[1:]) for item in page)
        return _document(f"<Blobs>{items}</Blobs>", marker)

    def _listed(self, kind: str, name: str) -> str:
        text = f'<Name Encoded="true">{quote(name)}</Name>'
        if not _UNSAFE.search(name):
            text = f"<Name>{escape(name, {chr(13): '&#13;'})}</Name>"
        if kind == "p":
            return f"<BlobPrefix>{text}</BlobPrefix>"
        blob = self.fake.blobs[self.container, name]
        properties = {
            "Last-Modified": format_datetime(blob.modified, usegmt=True),
            "Etag": blob.etag.strip('"'),
            "Content-Length": str(len(blob.body)),
            "Content-Type": blob.headers.get("Content-Type", ""),
            "Content-MD5": blob.headers.get("Content-MD5", ""),
            "BlobType": "BlockBlob",
        }
        metadata = {
            name.removeprefix("x-ms-meta-"): value
            for name, value in blob.headers.items()
            if name.startswith("x-ms-meta-")
        }
        return (
            f"<Blob>{text}<Properties>{_elements(properties)}</Properties>"
            f"<Metadata>{_elements(metadata)}</Metadata></Blob>"
        )

    def _page(self, names: list[str]) -> tuple[list[str], str]:
        first = int(self.request.query.get("marker", "2!0").partition("!")[2])
        size = min(int(self.request.query.get("maxresults", "5000")), self.fake.page_size)
        after = first + size
        return names[first:after], f"2!{after}" if after < len(names) else ""

    # Blobs.

    def do_PutBlob(self) -> Answer:
        self._check_container()
        self._check_conditions()
        self._check_lease()
        if self.request.header("x-ms-blob-type") != "BlockBlob":
            raise S3Error(400, "MissingRequiredHeader", "x-ms-blob-type")
        body = bytes(self.request.body)
        return self._publish(body, {"Content-MD5": md5(body)}, [])

    def do_PutBlock(self) -> Answer:
        self._check_container()
        self._check_lease()
        block = self.request.query.get("blockid", "")
        try:
            decoded = base64.b64decode(block, validate=True)
        except binascii.Error as error:
            raise S3Error(400, "InvalidQueryParameterValue", "blockid is not base64") from error
        if not decoded or len(decoded) > 64:
            raise S3Error(400, "InvalidQueryParameterValue", "blockid has 1 to 64 bytes")
        if not self.request.body:
            raise S3Error(400, "InvalidHeaderValue", "a block has at least one byte")
        blocks = self.fake.uncommitted.setdefault(self.blob, {})
        if any(len(other) != len(block) for other in blocks):
            raise S3Error(400, "InvalidBlobOrBlock", "ids of blocks have one length")
        blocks[block] = bytes(self.request.body)
        if self.request.header("x-ms-content-crc64"):
            return Answer(201, (("x-ms-content-crc64", crc64(self.request.body)),))
        return Answer(201, (("Content-MD5", md5(self.request.body)),))

    def do_PutBlockList(self) -> Answer:
        self._check_container()
        self._check_conditions()
        self._check_lease()
        wanted = re.findall(
            r"<Uncommitted>([^<]*)</Uncommitted>", bytes(self.request.body).decode()
        )
        if len(wanted) > self.fake.max_blocks:
            raise S3Error(400, "BlockListTooLong")
        blocks = self.fake.uncommitted.get(self.blob, {})
        if not wanted or any(block not in blocks for block in wanted):
            raise S3Error(400, "InvalidBlockList")
        body = b"".join(blocks[block] for block in wanted)
        whole = self.request.header("x-ms-blob-content-md5")
        if whole and whole != md5(body):
            self.fake.violations.append(f"the MD5 of {self.name} is not that of its blocks")
        return self._publish(body, {}, [(block, len(blocks[block])) for block in wanted])

    def _publish(
        self, body: bytes, headers: Mapping[str, str], blocks: list[tuple[str, int]]
    ) -> Answer:
        given = self.request.header_values
        if any(not name[10:].isidentifier() for name in given if name[:10] == "x-ms-meta-"):
            raise S3Error(400, "InvalidMetadata")
        kept = {"Content-Type": "application/octet-stream", **headers}
        for name, value in given.items():
            if name.startswith("x-ms-blob-") and name != "x-ms-blob-type":
                kept[name.removeprefix("x-ms-blob-").title().replace("Md5", "MD5")] = value
            elif name.startswith("x-ms-meta-") or name == "x-ms-access-tier":
                kept[name] = value
        blob = Blob(body, kept, self.fake.new_etag(), self.fake.clock(), blocks)
        self.fake.blobs[self.blob] = blob
        self.fake.uncommitted.pop(self.blob, None)
        return Answer(201, (*self._versions(blob), ("Content-MD5", md5(self.request.body))))

    def _versions(self, blob: Blob) -> tuple[tuple[str, str], ...]:
        modified = format_datetime(blob.modified, usegmt=True)
        return ("ETag", blob.etag), ("Last-Modified", modified)

    def do_GetBlockList(self) -> Answer:
        kind = self.request.query.get("blocklisttype", "committed")
        waiting = self.fake.uncommitted.get(self.blob, {})
        blob = self.fake.blobs.get(self.blob) if waiting else self._found()
        lists = {
            "Committed": blob.blocks if blob is not None else [],
            "Uncommitted": [(block, len(waiting[block])) for block in waiting],
        }
        text = "".join(
            f"<{name}Blocks>{''.join(map(_block, blocks))}</{name}Blocks>"
            for name, blocks in lists.items()
            if kind in ("all", name.lower())
        )
        headers = self._versions(blob) if blob is not None else ()
        return Answer(200, headers, f"<BlockList>{text}</BlockList>".encode())

    def do_GetBlobProperties(self) -> Answer:
        blob = self._found()
        if blob.headers.get("x-ms-copy-status") == "pending":
            self._copy_on(blob)
        headers = (*self._versions(blob), *blob.headers.items(), ("x-ms-blob-type", "BlockBlob"))
        return Answer(200, headers, content_length=len(blob.body))

    def do_GetBlob(self) -> Answer:
        blob = self._found()
        self._check_conditions()
        headers = (*self._versions(blob), *blob.headers.items(), ("x-ms-blob-type", "BlockBlob"))
        span = self.request.header("x-ms-range") or self.request.header("range")
        if not span:
            return Answer(200, headers, blob.body)
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", span).groups()  # type: ignore[union-attr]
        start, total = int(first), len(blob.body)
        end = min(int(last or total), total - 1)
        if start >= total:
            raise S3Error(416, "InvalidRange")
        kept = tuple(item for item in headers if item[0] != "Content-MD5")
        named = ("Content-Range", f"bytes {start}-{end}/{total}")
        return Answer(206, (*kept, named), blob.body[start : end + 1])

    def do_DeleteBlob(self) -> Answer:
        self._found()
        self._check_conditions()
        self._check_lease()
        del self.fake.blobs[self.blob]
        return Answer(202)

    def do_SetBlobMetadata(self) -> Answer:
        blob = self._found()
        given = self.request.header_values
        kept = {n: v for n, v in blob.headers.items() if not n.startswith("x-ms-meta-")}
        blob.headers = {**kept, **{n: v for n, v in given.items() if n.startswith("x-ms-meta-")}}
        blob.etag = self.fake.new_etag()
        return Answer(200, self._versions(blob))

    def do_SetBlobTier(self) -> Answer:
        self._found().headers["x-ms-access-tier"] = self.request.header_values["x-ms-access-tier"]
        return Answer(200)

    def do_LeaseBlob(self) -> Answer:
        self._found()
        action = self.request.header("x-ms-lease-action")
        if action == "acquire":
            proposed = self.request.header("x-ms-proposed-lease-id") or str(uuid.uuid4())
            if self.fake.leases.setdefault(self.blob, proposed) != proposed:
                raise S3Error(409, "LeaseAlreadyPresent")
            return Answer(201, (("x-ms-lease-id", self.fake.leases[self.blob]),))
        self._check_lease()
        if action == "release":
            self.fake.leases.pop(self.blob, None)
        return Answer(200)

    def do_CopyBlob(self) -> Answer:
        self._check_container()
        self._check_conditions()
        path = (self.request.header("x-ms-copy-source") or "").split("/", 5)
        source = self.fake.blobs.get((unquote(path[4]), unquote(path[5])))
        if source is None:
            raise S3Error(404, "CannotVerifyCopySource")
        match = self.request.header("x-ms-source-if-match")
        if match and match != source.etag:
            raise S3Error(412, "SourceConditionNotMet")
        copied = {
            "x-ms-copy-id": str(uuid.uuid4()),
            "x-ms-copy-source": self.request.header("x-ms-copy-source") or "",
            "x-ms-copy-status": "pending",
        }
        blob = Blob(
            b"",
            {**source.headers, **copied},
            self.fake.new_etag(),
            self.fake.clock(),
            list(source.blocks),
            source.body,
        )
        self.fake.blobs[self.blob] = blob
        status = self._copy_on(blob)
        return Answer(202, (*self._versions(blob), *{**copied, "x-ms-copy-status": status}.items()))

    def _copy_on(self, blob: Blob) -> str:
        status = self.fake.copy_statuses.pop(0) if self.fake.copy_statuses else "success"
        if status != "pending":
            blob.headers["x-ms-copy-status"] = status
            blob.headers["x-ms-copy-status-description"] = f"{status} as scripted"
            blob.body = blob.coming if status == "success" else b""
            blob.etag = self.fake.new_etag()
        return status

    def do_AbortCopyBlob(self) -> Answer:
        blob = self._found()
        if blob.headers.get("x-ms-copy-id") != self.request.query.get("copyid"):
            raise S3Error(409, "CopyIdMismatch")
        status = blob.headers.get("x-ms-copy-status")
        if status != "pending" or self._copy_on(blob) != "pending":
            raise S3Error(409, "NoPendingCopyOperation")
        blob.headers["x-ms-copy-status"] = "aborted"
        return Answer(204)


def _elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _document(content: str, marker: str) -> Answer:
    text = f"<EnumerationResults>{content}<NextMarker>{marker}</NextMarker></EnumerationResults>"
    document = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{text}'
    return Answer(200, (("Content-Type", "application/xml"),), document.encode())


def _block(block: tuple[str, int]) -> str:
    return f"<Block><Name>{block[0]}</Name><Size>{block[1]}</Size></Block>"
