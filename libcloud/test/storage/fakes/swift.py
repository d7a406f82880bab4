# SPDX-License-Identifier: Apache-2.0
"""A fake Swift that checks what it is sent: token, ETag, manifest, limits, order of requests.

What it answers is what Swift 2.30 of Debian answers. TempAuth is at ``/auth/v1.0``, Keystone at
``/v2.0/tokens`` and ``/v3/auth/tokens``.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import formatdate
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.fakes.connections import Connections
from libcloud.test.storage.fakes.swift_keystone import keystone
from libcloud.test.storage.fakes.swift_sockets import Listener
from libcloud.test.storage.fakes.wire import Answer, Incoming

ACCOUNT = "/v1/AUTH_test"
_PROPERTIES = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-delete-at",
    }
)
_SEGMENT = re.compile(r"(.+/\.slo/[0-9a-f]{24})/\d{8}", re.DOTALL)

Fault = Callable[["FakeSwift", str, Incoming], "Answer | None"]


@dataclass(frozen=True, slots=True)
class SwiftLimits:
    """What ``/info`` says; sizes are small, so that tests are quick.

    :param page_size: names on a page of a listing.
    :param shows_manifests: otherwise it has an empty response to a request for one, as Ceph RGW.
    :param copies_manifests: a copy of a large object has the same segments, as in Ceph RGW.
    :param checks_manifests: otherwise it refuses a manifest with an ETag, as Ceph RGW.
    :param reported: names on a page as ``/info`` says, of accounts and of containers.
    """

    max_file_size: int = 1_000_000
    max_segments: int = 1000
    min_segment_size: int = 1
    max_deletes: int = 10
    page_size: int = 7
    reported: Mapping[str, int] = field(default_factory=dict)
    info: bool = True
    shows_manifests: bool = True
    copies_manifests: bool = False
    checks_manifests: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """An object.

    :param segments: of a static large object, as the manifest names them.
    """

    body: bytes
    headers: dict[str, str]
    modified: float
    segments: tuple[dict[str, Any], ...] | None = None


class RefusedError(Exception):
    """The answer is an error."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status, text)
        self.answer = Answer(status, (("Content-Type", "text/plain"),), text.encode())


def operation_of(request: Incoming) -> str:
    """The name of a request, such as ``"PUT segment"``."""
    path, query = unquote(request.raw_path), request.query
    if not path.startswith(ACCOUNT):
        return f"{request.method} {path}"
    _, _, rest = path[len(ACCOUNT) :].partition("/")
    container, _, name = rest.partition("/")
    kind = "object" if name else "container" if container else "account"
    if "multipart-manifest" in query:
        kind = "manifest"
    elif _SEGMENT.fullmatch(name):
        kind = "segment"
    elif "bulk-delete" in query:
        kind = "bulk"
    return f"{request.method} {kind}"


@dataclass
class FakeSwift:
    """A fake Swift on a free loopback port; a context manager."""

    limits: SwiftLimits = field(default_factory=SwiftLimits)
    user: str = "test:tester"
    key: str = "testing"
    containers: dict[str, dict[str, Stored]] = field(default_factory=dict)
    container_headers: dict[str, dict[str, str]] = field(default_factory=dict)
    account_headers: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    clock: float = 1_700_000_000.0

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._in_flight: Counter[str] = Counter()
        self._issued = 0
        self._listener = Listener(self.answer)

    def __enter__(self) -> FakeSwift:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.stop()

    def connect(self, **options: Any) -> OpenStackSwiftStorageDriver:
        """A driver for this server, which does not wait between attempts."""
        where = {"secure": False, "host": self.host, "port": self.port}
        options = {"key": self.user, "secret": self.key, **where, **options}
        driver = OpenStackSwiftStorageDriver(**options)
        vars(driver)["ex_retry_policy"] = RetryPolicy(base=0.0)
        return driver

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def connections(self) -> Connections:
        return self._listener.connections

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def storage_url(self) -> str:
        return self.url + ACCOUNT

    @property
    def secret(self) -> str:
        return self.key

    def reset(self) -> None:
        """Forget requests, faults, objects and containers."""
        with self.lock:
            for store in (self.containers, self.container_headers, self.account_headers):
                store.clear()
            for items in (self.log, self.violations, self.faults):
                items.clear()

    def count(self, operation: str) -> int:
        """Requests of one operation, such as ``"PUT segment"``."""
        return self.log.count(operation)

    def body(self, container: str, name: str) -> bytes:
        """The bytes of an object."""
        return self._bytes(self.containers[container][name])

    def segments(self) -> list[str]:
        """Names of all segments."""
        found = [name for objects in self.containers.values() for name in objects]
        return sorted(name for name in found if _SEGMENT.fullmatch(name))

    # One request.

    def answer(self, request: Incoming) -> Answer:
        """Check, carry out, answer.

        :raises Dropped: a scripted fault wants a reset.
        """
        operation = operation_of(request)
        upload = self._arrive(operation, request)
        try:
            fault = self._fault(operation)
            planned = fault(self, operation, request) if fault is not None else None
            answer = planned or self.perform(request)
        finally:
            with self.lock:
                self._in_flight[upload] -= 1
        now = formatdate(self.clock, usegmt=True)
        common = [("Date", now), ("X-Trans-Id", "tx0000")]
        is_page = ("Content-Type", "text/html") in answer.headers  # of something else
        return answer.with_headers(common[: 1 if is_page else 2])

    def perform(self, request: Incoming) -> Answer:
        """Carry out a request."""
        with self.lock:
            self.clock += 0.25
            try:
                return self._route(request)
            except RefusedError as error:
                return error.answer

    def _arrive(self, operation: str, request: Incoming) -> str:
        """Note the request, and what must not overtake segments in flight."""
        match = _SEGMENT.search(unquote(request.raw_path))
        upload = match[1].partition("/.slo/")[2] if match and "segment" in operation else ""
        with self.lock:
            self.log.append(operation)
            busy = {key for key, number in self._in_flight.items() if key and number}
            text = request.body.decode("utf-8", "replace") if request.body else ""
            if operation in ("PUT manifest", "POST bulk") and any(key in text for key in busy):
                self.violations.append(f"{operation} came while segments were in flight")
            if operation == "DELETE segment" and upload in busy:
                self.violations.append("DELETE segment came while segments were in flight")
            key = upload if operation == "PUT segment" else ""
            self._in_flight[key] += 1
        return key

    def _fault(self, operation: str) -> Fault | None:
        with self.lock:
            for number, (wanted, fault) in enumerate(self.faults):
                if wanted == operation:
                    del self.faults[number]
                    return fault
        return None

    def _route(self, request: Incoming) -> Answer:
        path = unquote(request.raw_path)
        if path == "/auth/v1.0":
            return self._temp_auth(request)
        if path in ("/v2.0/tokens", "/v3/auth/tokens"):
            return keystone(self, request, path)
        if path == "/info" and self.limits.info:
            return _json(self._info())
        if path != ACCOUNT and not path.startswith(f"{ACCOUNT}/"):
            raise RefusedError(404, "The resource could not be found.")
        if request.header("x-auth-token") not in self.tokens:
            raise RefusedError(401, "This server could not verify that you are authorized")
        container, _, name = path[len(ACCOUNT) + 1 :].partition("/")
        if name:
            return self._object(request, container, name)
        return self._container(request, container) if container else self._account(request)

    # Authentication.

    def new_token(self) -> str:
        """A valid token."""
        self._issued += 1
        token = f"AUTH_tk{self._issued:08}"
        self.tokens.add(token)
        return token

    def expire_tokens(self) -> None:
        """All tokens so far are refused from now on."""
        self.tokens.clear()

    def _temp_auth(self, request: Incoming) -> Answer:
        given = (request.header("x-auth-user"), request.header("x-auth-key"))
        if given != (self.user, self.key):
            raise RefusedError(401, "Unauthorized")
        headers = (("X-Auth-Token", self.new_token()), ("X-Storage-Url", self.url + ACCOUNT))
        return Answer(200, headers)

    # Account and containers.

    def _info(self) -> dict[str, Any]:
        limits = self.limits
        return {
            "swift": {
                "max_file_size": limits.max_file_size,
                "max_object_name_length": 1024,
                **{f"{kind}_listing_limit": number for kind, number in limits.reported.items()},
            },
            "slo": {
                "max_manifest_segments": limits.max_segments,
                "min_segment_size": limits.min_segment_size,
            },
            "bulk_delete": {"max_deletes_per_request": limits.max_deletes},
            "tempurl": {"allowed_digests": ["sha1", "sha256"]},
        }

    def _account(self, request: Incoming) -> Answer:
        if request.method == "POST" and "bulk-delete" in request.query:
            return self._bulk_delete(bytes(request.body).decode().split("\n"))
        if request.method == "POST":
            self.account_headers.update(_metadata(request, "x-account-meta-"))
            return Answer(204)
        objects = [item for found in self.containers.values() for item in found.values()]
        headers = (
            ("X-Account-Container-Count", str(len(self.containers))),
            ("X-Account-Object-Count", str(len(objects))),
            ("X-Account-Bytes-Used", str(sum(len(item.body) for item in objects))),
            *self.account_headers.items(),
        )
        if request.method == "HEAD":
            return Answer(204, headers)
        page = self._page(request, list(self.containers))
        return _json([self._container_record(name) for name in page])

    def _container_record(self, name: str) -> dict[str, Any]:
        found = self.containers[name].values()
        return {"name": name, "count": len(found), "bytes": sum(len(item.body) for item in found)}

    def _page(self, request: Incoming, names: list[str]) -> list[str]:
        marker, prefix = request.query.get("marker", ""), request.query.get("prefix", "")
        most = min(self.limits.reported.values(), default=10_000)
        limit = int(request.query.get("limit", most))
        if limit > most:
            raise RefusedError(412, f"Maximum limit is {most}")
        limit = min(limit, self.limits.page_size)
        found = sorted(names, key=str.encode)
        return [
            name for name in found if name.startswith(prefix) and name.encode() > marker.encode()
        ][:limit]

    def _container(self, request: Incoming, name: str) -> Answer:
        if request.method == "PUT":
            if len(name.encode()) > 256:
                raise RefusedError(400, f"Container name length of {len(name)} longer than 256")
            exists = name in self.containers
            self.containers.setdefault(name, {})
            made = {"X-Storage-Policy": "Policy-0", "X-Timestamp": f"{self.clock:.5f}"}
            kept = self.container_headers.setdefault(name, made)
            kept.update(_metadata(request, "x-container-"))
            return Answer(202 if exists else 201)
        if name not in self.containers:
            raise RefusedError(404, "The resource could not be found.")
        if request.method == "DELETE":
            if self.containers[name]:
                raise RefusedError(409, "There was a conflict")
            del self.containers[name]
            return Answer(204)
        if request.method == "POST":
            self.container_headers[name].update(_metadata(request, "x-"))
            return Answer(204)
        record = self._container_record(name)
        headers = (
            ("X-Container-Object-Count", str(record["count"])),
            ("X-Container-Bytes-Used", str(record["bytes"])),
            *self.container_headers[name].items(),
        )
        if request.method == "HEAD":
            return Answer(204, headers)
        return _json([self._object_record(name, key) for key in self._names(request, name)])

    def _names(self, request: Incoming, container: str) -> list[str]:
        return self._page(request, list(self.containers[container]))

    def _object_record(self, container: str, name: str) -> dict[str, Any]:
        found = self.containers[container][name]
        time = datetime.fromtimestamp(found.modified, timezone.utc).replace(tzinfo=None)
        record = {
            "name": name,
            "bytes": len(self._bytes(found)),
            "hash": hashlib.md5(found.body).hexdigest(),
            "content_type": found.headers.get("Content-Type", ""),
            "last_modified": time.isoformat(timespec="microseconds"),
        }
        if found.segments is not None:
            record["slo_etag"] = f'"{self._etag(found)}"'
        return record

    def _bulk_delete(self, paths: list[str]) -> Answer:
        if len(paths) > self.limits.max_deletes:
            raise RefusedError(413, "Maximum Bulk Deletes")
        deleted = missing = 0
        for path in paths:
            container, _, name = unquote(path).lstrip("/").partition("/")
            if self.containers.get(container, {}).pop(name, None) is None:
                missing += 1
            else:
                deleted += 1
        return _bulk(deleted, missing, [])

    # Objects.

    def _object(self, request: Incoming, container: str, name: str) -> Answer:
        if container not in self.containers:
            raise RefusedError(404, "The resource could not be found.")
        if request.method == "PUT":
            return self._put(request, container, name)
        found = self.containers[container].get(name)
        if request.method == "DELETE" and request.query.get("multipart-manifest") == "delete":
            return self._delete_manifest(container, name, found)
        if found is None:
            raise RefusedError(404, "The resource could not be found.")
        if request.method == "DELETE":
            del self.containers[container][name]
            return Answer(204)
        if request.method == "POST":
            kept = {"Content-Type": found.headers["Content-Type"]}
            headers = {**kept, **_metadata(request, "x-object-meta-")}
            self.containers[container][name] = replace(found, headers=headers)
            return Answer(202)
        if request.query.get("multipart-manifest") == "get" and found.segments is not None:
            if not self.limits.shows_manifests:
                return Answer(200, (("Etag", hashlib.md5(b"").hexdigest()),))
            return _json(
                [
                    {"name": item["path"], "bytes": item["size_bytes"], "hash": item["etag"]}
                    for item in found.segments
                ]
            )
        return self._get(request, found)

    def _put(self, request: Incoming, container: str, name: str) -> Answer:
        if len(name.encode()) > 1024:
            raise RefusedError(400, f"Object name length of {len(name)} longer than 1024")
        condition = request.header("if-none-match")
        if condition is not None and condition != "*":
            raise RefusedError(400, "If-None-Match only supports *")
        if condition and name in self.containers[container]:
            raise RefusedError(412, "A precondition for this request was not met.")
        body = bytes(request.body)
        if len(body) > self.limits.max_file_size:
            raise RefusedError(413, "The body of your request was too large for this server.")
        headers = {
            "Content-Type": request.header("content-type") or "application/octet-stream",
            **_properties(request),
            **_metadata(request, "x-object-meta-"),
        }
        source = request.header("x-copy-from")
        if source is not None:
            from_container, _, from_name = unquote(source).lstrip("/").partition("/")
            copied = self.containers.get(from_container, {}).get(from_name)
            if copied is None:
                raise RefusedError(404, "The resource could not be found.")
            body = self._bytes(copied)
            if (request.header("x-fresh-metadata") or "").lower() != "true":
                headers = {**copied.headers, **headers}
        stored = Stored(body, headers, self.clock)
        if source is not None and self.limits.copies_manifests:
            stored = replace(stored, segments=self.containers[from_container][from_name].segments)
        if request.query.get("multipart-manifest") == "put":
            stored = replace(stored, segments=self._checked_segments(body))
        given = (request.header("etag") or "").strip('"')
        refused = stored.segments is not None and not self.limits.checks_manifests
        if given and (refused or given != self._etag(stored)):
            raise RefusedError(422, "Unable to process the contained instructions")
        if not given and source is None and not refused:
            self.violations.append(f"PUT of {name!r} came without an ETag")
        self.containers[container][name] = stored
        return Answer(201, self._headers_of(stored)[:2])

    def _checked_segments(self, body: bytes) -> tuple[dict[str, Any], ...]:
        try:
            listed = json.loads(body)
        except ValueError:
            raise RefusedError(400, "Manifest must be valid JSON.") from None
        if len(listed) > self.limits.max_segments:
            raise RefusedError(413, "Number of segments must be <= max_manifest_segments")
        errors = []
        for number, item in enumerate(listed, start=1):
            container, _, name = item["path"].lstrip("/").partition("/")
            found = self.containers.get(container, {}).get(name)
            if found is None:
                errors.append(f"{item['path']}, 404 Not Found")
            elif item["etag"] != hashlib.md5(found.body).hexdigest():
                errors.append(f"{item['path']}, Etag Mismatch")
            elif item["size_bytes"] != len(found.body):
                errors.append(f"{item['path']}, Size Mismatch")
            elif len(found.body) < self.limits.min_segment_size and number < len(listed):
                errors.append(f"{item['path']}, Too Small")
        if errors or not listed:
            raise RefusedError(400, "Errors:\n" + "\n".join(errors))
        return tuple(listed)

    def _delete_manifest(self, container: str, name: str, found: Stored | None) -> Answer:
        if found is None:
            return _bulk(0, 1, [])
        if found.segments is None:
            return _bulk(0, 0, [[f"/{container}/{name}", "Not an SLO manifest"]])
        deleted = 1
        for item in found.segments:
            place, _, segment = item["path"].lstrip("/").partition("/")
            deleted += self.containers.get(place, {}).pop(segment, None) is not None
        del self.containers[container][name]
        return _bulk(deleted, 0, [])

    def _bytes(self, found: Stored) -> bytes:
        if found.segments is None:
            return found.body
        places = [item["path"].lstrip("/").partition("/") for item in found.segments]
        return b"".join(self.containers[place][name].body for place, _, name in places)

    def _etag(self, found: Stored) -> str:
        if found.segments is None:
            return hashlib.md5(found.body).hexdigest()
        return hashlib.md5("".join(item["etag"] for item in found.segments).encode()).hexdigest()

    def _headers_of(self, found: Stored) -> tuple[tuple[str, str], ...]:
        etag = self._etag(found)
        large = found.segments is not None
        return (
            ("Etag", f'"{etag}"' if large else etag),
            ("Last-Modified", formatdate(found.modified, usegmt=True)),
            *found.headers.items(),
            *((("X-Static-Large-Object", "True"),) if large else ()),
        )

    def _get(self, request: Incoming, found: Stored) -> Answer:
        data, headers = self._bytes(found), self._headers_of(found)
        condition = request.header("if-match")
        if condition is not None and condition.strip('"') != self._etag(found):
            return Answer(412, headers)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range") or "")
        if request.method == "HEAD":
            return Answer(200, headers, content_length=len(data))
        if asked is None:
            return Answer(200, headers, data)
        start, end = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        if start >= len(data):
            raise RefusedError(416, "The requested range is not available")
        span = ("Content-Range", f"bytes {start}-{end}/{len(data)}")
        return Answer(206, (*headers, span), data[start : end + 1])


def _properties(request: Incoming) -> dict[str, str]:
    found = {name.title(): value for name, value in request.headers if name in _PROPERTIES}
    after = request.header("x-delete-after")
    return {**found, "X-Delete-At": str(int(after) + 10**9)} if after else found


def _metadata(request: Incoming, prefix: str) -> dict[str, str]:
    return {name.title(): value for name, value in request.headers if name.startswith(prefix)}


def _json(document: Any) -> Answer:
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    return Answer(200, headers, json.dumps(document).encode())


def _bulk(deleted: int, missing: int, errors: list[list[str]]) -> Answer:
    return _json(
        {
            "Response Status": "400 Bad Request" if errors else "200 OK",
            "Number Deleted": deleted,
            "Number Not Found": missing,
            "Errors": errors,
        }
    )
