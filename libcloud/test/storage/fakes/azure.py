# SPDX-License-Identifier: Apache-2.0
"""A fake of Azure Blob Storage that checks what it is sent.

It verifies the signature (Shared Key, and shared access signatures of blobs), the clock, MD5s, the
ids of blocks (base64, of one length within a blob), their order, sizes and conditions. It is
written from the Azure Storage REST API and shares no code with the driver.

::

    with FakeAzure() as server:
        driver = server.connect()
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.fakes.azure_digests import crc64, md5
from libcloud.test.storage.fakes.azure_operations import Blob, Operations
from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.faults import Dropped
from libcloud.test.storage.fakes.log import KEPT_BODY
from libcloud.test.storage.fakes.server import FakeServer
from libcloud.test.storage.fakes.wire import Answer, Incoming

_SKEW = timedelta(minutes=15)
_OPERATIONS = {
    ("PUT", "block"): "PutBlock",
    ("PUT", "blocklist"): "PutBlockList",
    ("GET", "blocklist"): "GetBlockList",
    ("PUT", "metadata"): "SetBlobMetadata",
    ("PUT", "tier"): "SetBlobTier",
    ("PUT", "lease"): "LeaseBlob",
    ("PUT", "copy"): "AbortCopyBlob",
    ("PUT", ""): "PutBlob",
    ("GET", ""): "GetBlob",
    ("HEAD", ""): "GetBlobProperties",
    ("DELETE", ""): "DeleteBlob",
}
_OF_CONTAINERS = {
    "PUT": "CreateContainer",
    "HEAD": "GetContainerProperties",
    "DELETE": "DeleteContainer",
    "GET": "ListBlobs",
}


def operation_of(request: Incoming) -> str:
    """The name of a request, whose path begins with the account."""
    query, method = request.query, request.method
    if not "".join(request.raw_path.split("/", 3)[2:3]):
        return "ListContainers"
    if query.get("restype") == "container":
        return _OF_CONTAINERS.get(method, "Unknown")
    if request.header("x-ms-copy-source"):
        return "CopyBlob"
    return _OPERATIONS.get((method, query.get("comp", "")), "Unknown")


class FakeAzure(FakeServer):
    """A blob service on a free loopback port.

    :param page_size: entries of a page of a listing.
    :param max_blocks: of a blob.
    :param clock: the time of the server, aware.

    ``tokens`` has the tokens of Entra ID that it accepts, ``copy_statuses`` what a copy goes
    through, one for each request; without any, it succeeds at once.
    """

    key = "devaccount"
    secret = base64.b64encode(b"a key of the fake server").decode()

    def __init__(
        self,
        *,
        page_size: int = 7,
        max_blocks: int = 50_000,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        super().__init__()
        self.page_size = page_size
        self.max_blocks = max_blocks
        self.clock = clock
        self.lock = threading.RLock()
        self.containers: dict[str, datetime] = {}
        self.blobs: dict[tuple[str, str], Blob] = {}
        self.uncommitted: dict[tuple[str, str], dict[str, bytes]] = {}
        self.leases: dict[tuple[str, str], str] = {}
        self.copy_statuses: list[str] = []
        self.in_flight: Counter[tuple[str, str]] = Counter()
        self.violations: list[str] = []
        self.tokens: set[str] = set()
        self._etags = 0

    def connect(self, **options: Any) -> AzureBlobsStorageDriver:
        """A driver for this server, which does not wait between attempts."""
        where = {"secure": False, "host": self.host, "port": self.port}
        options = {"key": self.key, "secret": self.secret, **where, **options}
        driver = AzureBlobsStorageDriver(**options)
        vars(driver)["ex_retry_policy"] = RetryPolicy(base=0.0)
        return driver

    def exchange(self, request: Incoming) -> AzureExchange:
        return AzureExchange(self, request)

    def new_etag(self) -> str:
        """Different from all others."""
        with self.lock:
            self._etags += 1
            return f'"0x{self._etags:016X}"'

    def create_container(self, name: str) -> None:
        """Make a container without a request."""
        self.containers[name] = self.clock()

    def body(self, container: str, name: str) -> bytes:
        """The bytes of a blob."""
        return self.blobs[container, name].body

    def unfinished_uploads(self) -> list[tuple[str, str]]:
        """Blobs with blocks that are not published."""
        return sorted(key for key, blocks in self.uncommitted.items() if blocks)

    def reset(self) -> None:
        """Forget requests, faults, containers and blobs."""
        self.faults.clear()
        self.log.clear()
        with self.lock:
            for store in (self.containers, self.blobs, self.uncommitted, self.leases):
                store.clear()
            self.violations.clear()
            self.copy_statuses.clear()
            self.tokens.clear()


class AzureExchange:
    """One request and its answer."""

    def __init__(self, fake: FakeAzure, request: Incoming) -> None:
        self.fake = fake
        self.request = request
        _, self.account, *rest = [*request.raw_path.split("/", 3), "", ""][:5]
        self.container, self.name = unquote(rest[0]), unquote(rest[1])
        self.blob = (self.container, self.name)
        self.operation = operation_of(request)
        self.entry = fake.log.begin(request, self.operation, self.container, self.name)
        self.action = fake.faults.take(self.operation, request)
        with fake.lock:
            if self.operation == "PutBlock":
                fake.in_flight[self.blob] += 1
            elif self.operation == "PutBlockList" and fake.in_flight[self.blob]:
                fake.violations.append(f"PutBlockList of {self.name} while blocks were in flight")

    def leave(self) -> None:
        if self.operation == "PutBlock":
            with self.fake.lock:
                self.fake.in_flight[self.blob] -= 1

    def early_answer(self, length: str) -> Answer | None:
        if self.request.method == "PUT" and not length.isdigit():
            return self._refuse(S3Error(411, "MissingContentLengthHeader"))
        return None

    def answer(self, request: Incoming) -> Answer:
        self.entry.body_length = len(request.body)
        if len(request.body) <= KEPT_BODY:
            self.entry.body = bytes(request.body)
        try:
            request = self.action.received(request)
            self._authenticate(request)
            self._check_body(request)
            self.request = self.action.verified(request)
            with self.fake.lock:
                answer = Operations(self.fake, self.request, self.blob).perform(self.operation)
        except S3Error as error:
            return self._refuse(error)
        except (Dropped, OSError):
            raise
        except Exception as error:
            self.fake.violations.append(f"{self.operation}: the fake server failed: {error!r}")
            return self._refuse(S3Error(500, "InternalError", repr(error)))
        answer = self.action.answered(answer)
        self.fake.log.end(self.entry, answer.status)
        return answer.with_headers(self._common())

    def _refuse(self, error: S3Error) -> Answer:
        self.fake.log.end(self.entry, error.status, error.code)
        text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        headers = [("x-ms-error-code", error.code), ("Content-Type", "application/xml")]
        headers += [*error.headers.items(), *self._common()]
        return Answer(error.status, tuple(headers), f"\ufeff{text}".encode())

    def _common(self) -> list[tuple[str, str]]:
        now = format_datetime(self.fake.clock(), usegmt=True)
        return [
            ("Date", now),
            ("x-ms-request-id", str(uuid.uuid4())),
            ("x-ms-version", "2021-12-02"),
        ]

    # Checks.

    def _authenticate(self, request: Incoming) -> None:
        if self.account != self.fake.key:
            raise S3Error(400, "InvalidUri", f"no account {self.account!r}")
        if "sig" in request.query:
            return self._check_sas(request)
        given = request.header("authorization")
        if not given:
            raise S3Error(401, "NoAuthenticationInformation")
        if given.startswith("Bearer "):
            if given.removeprefix("Bearer ") in self.fake.tokens:
                return None
            raise S3Error(401, "InvalidAuthenticationInfo")
        date = request.header("x-ms-date")
        if not date or abs(parsedate_to_datetime(date) - self.fake.clock()) > _SKEW:
            raise S3Error(403, "AuthenticationFailed", f"the date {date} is not now")
        if not request.header("x-ms-version"):
            raise S3Error(400, "MissingRequiredHeader", "x-ms-version")
        expected = f"SharedKey {self.fake.key}:{self._sign(self._string_to_sign(request))}"
        if not hmac.compare_digest(given, expected):
            raise S3Error(403, "AuthenticationFailed", "the signature does not match")

    def _sign(self, text: str) -> str:
        key = base64.b64decode(self.fake.secret)
        return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()

    def _string_to_sign(self, request: Incoming) -> str:
        header = request.header_values
        length = header.get("content-length", "")
        text = [request.method, header.get("content-encoding", "")]
        text += [header.get("content-language", ""), "" if length == "0" else length]
        text += [header.get("content-md5", ""), header.get("content-type", ""), ""]
        text += [
            header.get(name, "")
            for name in (
                "if-modified-since",
                "if-match",
                "if-none-match",
                "if-unmodified-since",
                "range",
            )
        ]
        text += [f"{n}:{header[n]}" for n in sorted(header) if n.startswith("x-ms-")]
        text.append(f"/{self.fake.key}{request.raw_path}")
        text += [f"{name}:{request.query[name]}" for name in sorted(request.query)]
        return "\n".join(text)

    def _check_sas(self, request: Incoming) -> None:
        query = request.query
        fields = [query["sp"], query.get("st", ""), query["se"]]
        fields.append(f"/blob/{self.fake.key}/{self.container}/{self.name}")
        fields += ["", "", query.get("spr", ""), query["sv"], query["sr"], *[""] * 7]
        letter = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}[request.method]
        if self._sign("\n".join(fields)) != query["sig"]:
            raise S3Error(403, "AuthenticationFailed", "the signature does not match")
        if letter not in query["sp"]:
            raise S3Error(403, "AuthorizationPermissionMismatch")
        if query["se"] < self.fake.clock().strftime("%Y-%m-%dT%H:%M:%SZ"):
            raise S3Error(403, "AuthenticationFailed", "the signature has expired")

    def _check_body(self, request: Incoming) -> None:
        given = request.header("content-md5")
        if given and given != md5(request.body):
            raise S3Error(400, "Md5Mismatch")
        given = request.header("x-ms-content-crc64")
        if given and given != crc64(request.body):
            raise S3Error(400, "Crc64Mismatch")
