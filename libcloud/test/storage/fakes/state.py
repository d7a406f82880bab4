# SPDX-License-Identifier: Apache-2.0
"""What the fake S3 server stores: buckets, objects, unfinished uploads. All in memory."""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Buffer, Incoming

Headers = dict[str, str]


@dataclass(slots=True)
class StoredObject:
    """One object.

    :param body: its bytes; empty if the server keeps no bodies, see ``size``.
    :param etag: without quotes.
    :param headers: what GET and HEAD send back, names in lower case.
    :param checksums: by algorithm, as in ``x-amz-checksum-*``.
    :param customer_key: MD5 of the SSE-C key, base64.
    :param version_id: ``None`` in a bucket that never kept versions.
    """

    body: Buffer | memoryview = field(repr=False)
    size: int
    etag: str
    modified: datetime
    headers: Headers = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    checksum_type: str = "FULL_OBJECT"
    customer_key: str | None = None
    version_id: str | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """User metadata, without its prefix."""
        prefix = "x-amz-meta-"
        return {
            name[len(prefix) :]: value
            for name, value in self.headers.items()
            if name.startswith(prefix)
        }


@dataclass(slots=True)
class Version:
    """A version of an object.

    :param stored: ``None`` for a delete marker.
    """

    version_id: str
    modified: datetime
    stored: StoredObject | None


@dataclass(slots=True)
class Part:
    """One part of an upload."""

    body: Buffer = field(repr=False)
    size: int
    etag: str
    modified: datetime
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Upload:
    """A multipart upload that was created and not yet completed.

    :param in_flight: parts whose request has begun and whose answer is not yet decided.
    :param aborted: an abort came; true again for the abort of parts that landed after it.
    """

    bucket: str
    key: str
    upload_id: str
    initiated: datetime
    headers: Headers = field(default_factory=dict)
    algorithm: str | None = None
    checksum_type: str | None = None
    customer_key: str | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    in_flight: int = 0
    aborted: bool = False


class State:
    """Everything stored, behind one lock. Bodies are hashed outside of it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.buckets: dict[str, datetime] = {}
        self.objects: dict[tuple[str, str], StoredObject] = {}
        self.versioning: dict[str, str] = {}
        self.versions: dict[tuple[str, str], list[Version]] = {}
        self.lifecycles: dict[str, tuple[bytes, tuple[tuple[str, str], ...]]] = {}
        self.uploads: dict[str, Upload] = {}
        self.completing: dict[str, Upload] = {}
        self.violations: list[str] = []
        self.peaks: Counter[str] = Counter()
        self._serial = itertools.count(1)
        self._parts_in_flight = 0

    def need_bucket(self, bucket: str) -> None:
        """:raises S3Error: there is no such bucket, or another account owns it."""
        if bucket in self.options.foreign_buckets:
            raise S3Error(403, "AccessDenied", "Access Denied")
        if bucket not in self.buckets:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")

    def need_object(self, bucket: str, key: str) -> StoredObject:
        """:raises S3Error: there is no such bucket or key."""
        self.need_bucket(bucket)
        try:
            return self.objects[bucket, key]
        except KeyError:
            raise S3Error(404, "NoSuchKey", "The specified key does not exist.") from None

    def need_upload(self, call: Call, upload_id: str) -> Upload:
        """:raises S3Error: the upload is not there, completed, aborted or another key's."""
        self.need_bucket(call.bucket)
        upload = self.uploads.get(upload_id)
        if upload is None or (upload.bucket, upload.key) != (call.bucket, call.key):
            raise S3Error(
                404,
                "NoSuchUpload",
                "The specified upload does not exist. The upload ID may be invalid, "
                "or the upload may have been aborted or completed.",
            )
        return upload

    def new_upload_id(self) -> str:
        """Sortable by creation, and in need of percent-encoding, as some stores' ids are."""
        return f"{next(self._serial):06d}~{uuid.uuid4().hex}+/="

    def new_version_id(self) -> str:
        """In need of percent-encoding, as Amazon's are."""
        return f"{next(self._serial):06d}/{uuid.uuid4().hex}+="

    def etag(self, body: Buffer, *, opaque: bool = False) -> str:
        """The ETag of ``body``: its MD5 unless this server or the encryption says otherwise."""
        if opaque or not self.options.md5_etags:
            return uuid.uuid4().hex
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    def part_begins(self, upload: Upload) -> None:
        """A part's request has started: its head is read, its body perhaps not."""
        with self.lock:
            upload.in_flight += 1
            self._parts_in_flight += 1
            self.peaks["parts"] = max(self.peaks["parts"], self._parts_in_flight)
            self.peaks[upload.upload_id] = max(self.peaks[upload.upload_id], upload.in_flight)

    def part_ends(self, upload: Upload) -> None:
        """The counterpart of :meth:`part_begins`, before the answer is written."""
        with self.lock:
            upload.in_flight -= 1
            self._parts_in_flight -= 1

    def complete_begins(self, upload: Upload) -> None:
        """A Complete has arrived and has no response yet."""
        with self.lock:
            self.completing[upload.upload_id] = upload

    def complete_ends(self, upload: Upload) -> None:
        """The counterpart of :meth:`complete_begins`."""
        with self.lock:
            self.completing.pop(upload.upload_id, None)


@dataclass(slots=True)
class Call:
    """One request on its way through the server."""

    state: State
    request: Incoming
    operation: str
    bucket: str
    key: str
    upload: Upload | None = None

    @property
    def options(self) -> Options:
        """How the server behaves."""
        return self.state.options
