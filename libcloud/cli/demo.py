# SPDX-License-Identifier: Apache-2.0
"""``libcloud demo``: uploads a stream of unknown length, downloads it and compares."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from typing import Any

import click

from libcloud.cli.errors import FAILED, ReportedError, error_context
from libcloud.cli.failures import report_unfinished_upload
from libcloud.cli.options import ObjectOptions
from libcloud.cli.progress import Progress
from libcloud.cli.put import Uploader
from libcloud.cli.settings import Settings, argument, option, size, transfer_options
from libcloud.cli.sources import Entry
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import Target
from libcloud.cli.text import printable, size_text
from libcloud.storage.capabilities import KIB, MIB
from libcloud.storage.types import Provider

_PIECE = 64 * KIB


@click.command()
@argument("url", required=False)
@option(
    "--size SIZE", "Bytes to upload.", name="length", type=size, default="64MiB", show_default=True
)
@transfer_options
def demo(settings: Settings, *, url: str | None, length: int) -> None:
    """Upload a stream of unknown length, download it, compare, and delete the object.

    URL names a bucket. Without URL, the demo starts a small S3 server in this process, which keeps
    the data in memory.
    """
    with _store(url, settings) as store:
        name = f"{store.target.as_directory().name}libcloud-demo-{secrets.token_hex(4)}"
        target = store.target.with_name(name)
        with error_context(target):
            equal = _round_trip(store, target, length, settings)
    click.echo(f"SHA-256 {'equal' if equal else 'DIFFERENT'}; the object was deleted")
    if not equal:
        raise ReportedError(FAILED)


def _round_trip(store: Store, target: Target, length: int, settings: Settings) -> bool:
    container, sent, read = store.container(), hashlib.sha256(), hashlib.sha256()
    click.echo(f"{size_text(length)} in pieces of {size_text(_PIECE)} to {printable(str(target))}")
    progress = Progress("upload", None, settings)
    with (
        progress,
        progress.transfer("upload") as transfer,
        report_unfinished_upload(transfer, target),
    ):
        uploader = Uploader(store, settings, ObjectOptions())
        source = Entry(target.name, None)
        uploader.upload(source, _pieces(length, sent), progress, transfer)
    progress.finish("upload")
    obj = container.get_object(target.name)
    try:
        progress = Progress("download", int(obj.size), settings)
        with progress, progress.transfer("download") as transfer:
            for piece in progress.count_pieces(obj.as_stream(chunk_size=MIB), transfer):
                read.update(piece)
        progress.finish("download")
    finally:
        obj.delete()
    return sent.digest() == read.digest()


def _pieces(length: int, digest: Any) -> Iterator[bytes]:
    random_bytes = os.urandom(_PIECE)
    for start in range(0, length, _PIECE):
        piece = (start.to_bytes(8, "big") + random_bytes[8:])[: length - start]
        digest.update(piece)
        yield piece


@contextlib.contextmanager
def _store(url: str | None, settings: Settings) -> Iterator[Store]:
    """The store at ``url``, or one that runs for the duration of the block."""
    if url is not None:
        store = open_store(url, settings)
        store.target.require_container()
        yield store
        return
    from libcloud.storage.drivers.s3 import S3StorageDriver
    from libcloud.test.storage.fakes.servers import fake_server

    with fake_server() as server:
        driver = S3StorageDriver(
            server.key, server.secret, secure=False, host=server.host, port=server.port
        )
        container = driver.create_container("demo")
        yield Store(Target("s3", Provider.S3, container.name), driver)
