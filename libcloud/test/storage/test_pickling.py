# SPDX-License-Identifier: Apache-2.0
"""Drivers and what they give out: pickled, copied, in other processes; and what cannot be."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import multiprocessing
import os
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import libcloud
from libcloud.common.credentials import Credentials
from libcloud.common.credentials.botocore import BotocoreProvider
from libcloud.common.request import HttpRequest
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.s3 import S3MultipartUpload, S3StorageDriver
from libcloud.storage.filesystem import FileExpired, LibcloudFileSystem
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.upload.session import UploadOptions
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store, with_small_parts

SECRET = "secret-that-nobody-gave-in-code"
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def by_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))


WAYS = [
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
    *(pytest.param(by_pickle(protocol), id=f"pickle{protocol}") for protocol in PROTOCOLS),
]
WHOLE = WAYS[1:]  # those that leave nothing in common

_SmallParts: Any = with_small_parts(S3StorageDriver)


class OwnDriver(_SmallParts):  # type: ignore[misc]  # the class is made by a function
    """A subclass with attributes of its own."""

    ex_max_memory = MemoryBudget(4 * PART)

    def __init__(self, *args: Any, label: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label = label
        self.seen: dict[str, Any] = {"driver": self}


@pytest.fixture
def s3() -> Iterator[Store]:
    with store(kind=OwnDriver) as found:
        driver: Any = OwnDriver(
            found.server.key,
            found.server.secret,
            endpoint_url=f"http://{found.server.host}:{found.server.port}",
            label="mine",
        )
        yield Store(found.server, driver, Container(BUCKET, {}, driver))


def use(s3: Store) -> Object:
    """Let the driver do everything that leaves something behind."""
    data = s3.in_parts(3, ex_window=2)
    obj = s3.container.get_object("object")
    assert b"".join(obj.as_stream()) == data
    assert [one.name for one in s3.container.list_objects()] == ["object"]
    with pytest.raises(ObjectDoesNotExistError):
        s3.container.get_object("absent")
    s3.driver._client.retry_loop.retries().limiter.throttled(0, 8)
    s3.driver._client.unsupported.add(["checksum"])
    return obj


def driver_of(name: str, home: Path) -> StorageDriver:
    """A driver of that name in the registry; nothing is sent."""
    kind: Any = get_driver(name)
    if name == "local":
        return kind(str(home))  # type: ignore[no-any-return]
    if name in ("minio", "s3_rgw"):
        return kind("key", "secret", host="store.example")  # type: ignore[no-any-return]
    return kind("GOOG1EXAMPLEEXAMPLE", "secret")  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_every_driver_is_pickled_and_copied(
    name: str, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    driver = driver_of(name, tmp_path)
    obj = Object("name", 3, "hash", {"a": 1}, {"b": "2"}, Container("box", {}, driver), driver)
    other = way(obj)
    assert type(other.driver) is type(driver)
    assert set(vars(other.driver)) == set(vars(driver))
    assert (other.name, other.extra, other.container.name) == ("name", {"a": 1}, "box")
    assert other.container.driver is other.driver
    if name not in ("dummy", "local"):
        connection, known = other.driver.connection, driver.connection
        assert (connection.host, connection.port) == (known.host, known.port)
        assert (connection.user_id, connection.key) == (known.user_id, "secret")


@pytest.mark.parametrize("way", WAYS)
def test_a_driver_that_was_used_is_pickled_and_copied(s3: Store, way: Callable[[Any], Any]) -> None:
    obj = use(s3)
    other = way(obj)
    data = s3.body()
    assert b"".join(other.as_stream()) == data
    again = Store(s3.server, other.driver, other.container)
    assert again.in_parts(4, "other", ex_window=2) == s3.body("other")
    assert (other.driver.label, other.driver.seen["driver"]) == (
        "mine",
        other.driver if way is not copy.copy else s3.driver,
    )
    s3.assert_nothing_is_left("object", "other")


@pytest.mark.parametrize("way", WHOLE)
def test_a_copy_is_independent(s3: Store, way: Callable[[Any], Any]) -> None:
    use(s3)
    other = way(s3.driver)
    assert other.connection is not s3.driver.connection
    assert other.connection.driver is other
    assert other.connection.connection.session is not s3.driver.connection.connection.session
    s3.driver.connection.connection.session.close()
    s3.driver.connection.connection.close()
    assert [one.name for one in other.list_containers()] == [BUCKET]
    other.connection.connection.session.close()
    assert [one.name for one in s3.driver.list_containers()] == [BUCKET]


def test_copies_share_the_memory_budget_of_their_class_and_of_their_process(s3: Store) -> None:
    s3.driver.ex_max_memory = MemoryBudget(3 * PART)
    assert copy.deepcopy(s3.driver).ex_max_memory is s3.driver.ex_max_memory
    other = pickle.loads(pickle.dumps(s3.driver))
    assert other.ex_max_memory is not s3.driver.ex_max_memory
    assert other.ex_max_memory.size == 3 * PART


def upload_elsewhere(driver: Any) -> int:
    """Upload in parts, in a process that has got ``driver`` by pickle."""
    pieces = (pattern(PART) for _ in range(4))
    obj = driver.upload_object_via_stream(
        pieces, Container(BUCKET, {}, driver), "elsewhere", ex_part_size=PART
    )
    return int(obj.size) if os.getpid() != driver.seen["pid"] else -1


@pytest.mark.slow
def test_a_driver_uploads_in_a_process_that_was_spawned(s3: Store) -> None:
    use(s3)
    s3.driver.seen["pid"] = os.getpid()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(upload_elsewhere, (s3.driver,)) == 4 * PART
    assert s3.body("elsewhere") == pattern(PART) * 4
    s3.assert_nothing_is_left("elsewhere", "object")


# Where credentials come from, and not what they are.


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An empty environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def by_environment(environment: pytest.MonkeyPatch, home: Path, key: str) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def by_profile(environment: pytest.MonkeyPatch, home: Path, key: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n"
    (home / ".aws" / "credentials").write_text(text)


def by_process(environment: pytest.MonkeyPatch, home: Path, key: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    answer = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": SECRET}
    (home / "answer").write_text(json.dumps(answer))
    text = f"[default]\ncredential_process = cat {home / 'answer'}\n"
    (home / ".aws" / "config").write_text(text)


@pytest.mark.parametrize("place", [by_environment, by_profile, by_process])
@pytest.mark.parametrize("way", WHOLE)
def test_a_pickle_holds_where_credentials_come_from_and_not_their_values(
    environment: pytest.MonkeyPatch, tmp_path: Path, way: Callable[[Any], Any], place: Any
) -> None:
    place(environment, tmp_path, "FIRST")
    with FakeS3(replace(AMAZON, key="FIRST", secret=SECRET)) as server:
        driver: Any = S3StorageDriver.from_url(f"s3://{BUCKET}?endpoint_url={server.url}")
        driver.create_container(BUCKET)
        stored = driver.ex_container.upload_object_via_stream(iter([b"data"]), "object")
        dump = b"".join(pickle.dumps(stored, protocol) for protocol in PROTOCOLS)
        assert SECRET.encode() not in dump
        assert b"FIRST" not in dump
        other = way(driver)
        assert other.ex_container.driver is other
        assert b"".join(other.ex_container.get_object("object").as_stream()) == b"data"
        fs = LibcloudFileSystem(endpoint_url=server.url, skip_instance_cache=True)
        assert fs.cat_file(f"{BUCKET}/object") == b"data"
        assert way(fs).cat_file(f"{BUCKET}/object") == b"data"
        with fs.open(f"{BUCKET}/object") as file:
            assert file.read() == b"data"
            assert SECRET.encode() not in pickle.dumps(fs) + pickle.dumps(file)
        assert not server.violations
    place(environment, tmp_path, "SECOND")
    assert pickle.loads(pickle.dumps(driver)).connection.user_id == "SECOND"


def test_a_source_of_credentials_is_pickled_without_what_it_gave() -> None:
    for source in (BotocoreProvider("backup", not_found="none"), BotocoreProvider()):
        source._obtained().append(Credentials("key", SECRET))
        other = pickle.loads(pickle.dumps(source))
        assert SECRET.encode() not in pickle.dumps(source)
        assert (other._profile, other._obtained()) == (source._profile, [])


def give_credentials() -> Credentials:
    return Credentials("FIRST", SECRET)


def test_credentials_of_a_function_are_fetched_again(environment: pytest.MonkeyPatch) -> None:
    with FakeS3(replace(AMAZON, key="FIRST", secret=SECRET)) as server:
        driver: Any = S3StorageDriver(ex_credentials=give_credentials, endpoint_url=server.url)
        driver.create_container(BUCKET)
        dump = pickle.dumps(driver)
        assert SECRET.encode() not in dump
        assert [one.name for one in pickle.loads(dump).list_containers()] == [BUCKET]
        assert SECRET.encode() in pickle.dumps(S3StorageDriver("key", SECRET)), "given in code"


# What has no lock and no socket, and what has.


@pytest.mark.parametrize("way", WAYS)
def test_options_and_descriptions_are_pickled_and_copied(way: Callable[[Any], Any]) -> None:
    options = UploadOptions(part_size=PART, window=3, size=7, on_failure="keep")
    assert way(options) == options
    request = HttpRequest("PUT", "/path", (("uploads", None),), {"a": "b"}, b"body")
    assert way(request) == request
    when = datetime(2026, 1, 1, tzinfo=timezone.utc)
    upload = S3MultipartUpload("key", "id", when, "who", "owner")
    assert vars(way(upload)) == vars(upload)


@pytest.mark.parametrize("way", WAYS)
def test_an_error_of_the_store_keeps_its_message(s3: Store, way: Callable[[Any], Any]) -> None:
    with pytest.raises(ObjectDoesNotExistError) as caught:
        s3.container.get_object("absent")
    error: Any = caught.value
    other = way(error)
    assert (other.status, other.detail, other.object_name) == (404, error.detail, "absent")
    assert str(other).split("value=")[1] == str(error).split("value=")[1]
    assert type(other) is ObjectDoesNotExistError


@pytest.mark.parametrize("way", WAYS)
def test_an_open_writer_refuses_to_be_pickled_and_copied(
    s3: Store, way: Callable[[Any], Any]
) -> None:
    with s3.driver.ex_open_writer(s3.container, "object", ex_part_size=PART) as writer:
        for _ in range(2):
            writer.write(bytes(PART))
            with pytest.raises(TypeError, match="bucket/object cannot be pickled or copied"):
                way(writer)
    assert s3.body() == bytes(2 * PART)


# Files of fsspec.


@pytest.fixture
def fs(s3: Store) -> Any:
    return LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cache", ["readahead", "bytes", "none", "blockcache"])
def test_a_file_that_is_read_is_pickled_with_its_place(
    s3: Store, fs: Any, way: Callable[[Any], Any], cache: str
) -> None:
    data = s3.in_parts(3)
    with fs.open(f"{BUCKET}/object", block_size=100, cache_type=cache) as file:
        file.seek(50)
        assert file.read(150) == data[50:200]
        asked = len(s3.server.requests)
        other = way(file)
        assert len(s3.server.requests) == asked
        assert (other.tell(), other.size, other.blocksize) == (200, len(data), 100)
        assert other.cache.name == cache
        assert other.read() == data[200:]
        assert file.read(1) == data[200:201]


def test_a_pickled_file_does_not_continue_with_another_version(s3: Store, fs: Any) -> None:
    s3.in_parts(3)
    with fs.open(f"{BUCKET}/object", block_size=100, cache_type="none") as file:
        file.seek(50)
        pickled = pickle.dumps(file)
    s3.in_parts(4)
    with pickle.loads(pickled) as other, pytest.raises(FileExpired):
        other.read(10)


def test_a_size_that_is_passed_is_no_error(s3: Store, fs: Any) -> None:
    data = s3.in_parts(2)
    with fs.open(f"{BUCKET}/object", size=len(data)) as file:
        assert file.read() == data


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_is_written_refuses_to_be_pickled_and_copied(
    s3: Store, fs: Any, way: Callable[[Any], Any], compression: str | None
) -> None:
    with fs.open(f"{BUCKET}/object", "wb", compression=compression) as file:
        file.write(b"data")
        with pytest.raises(TypeError, match="open for writing"):
            way(file)
        with pytest.raises(RuntimeError):  # as fsspec's own
            pickle.dumps(file)
    assert [obj.name for obj in s3.container.list_objects()] == ["object"]


def errors_of_the_library() -> list[type[BaseException]]:
    """Every class of exceptions that a module defines."""
    found: set[type[BaseException]] = set()
    engines = tuple(f"libcloud.storage.scaleout.{name}" for name in ("dask", "ray", "spark"))
    for module in pkgutil.walk_packages(libcloud.__path__, "libcloud."):
        if (
            not module.name.startswith(("libcloud.test", *engines))
            and "__main__" not in module.name
        ):
            members = vars(importlib.import_module(module.name)).values()
            found.update(
                kind
                for kind in members
                if isinstance(kind, type)
                and issubclass(kind, BaseException)
                and kind.__module__.startswith("libcloud.")
            )
    return sorted(found, key=lambda kind: kind.__qualname__)


def made(kind: type[BaseException]) -> Any:
    """An error of that class, from arguments of the right kind."""
    known = {"http_code": 418, "code": 418, "number": 2, "headers": {}, "driver": None}
    required = [
        parameter
        for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    by_name = {one.name: known.get(one.name, f"the {one.name}") for one in required}
    positional = [by_name[one.name] for one in required if one.kind is not one.KEYWORD_ONLY]
    keywords = {one.name: by_name[one.name] for one in required if one.kind is one.KEYWORD_ONLY}
    return kind(*positional, **keywords)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_error_is_pickled_and_copied_with_its_attributes(way: Callable[[Any], Any]) -> None:
    kinds = errors_of_the_library()
    assert len(kinds) > 40
    for kind in kinds:
        error = made(kind)
        error.upload_id = "id"  # as the engine sets it
        other = way(error)
        assert type(other) is kind
        assert (other.args, vars(other), str(other)) == (error.args, vars(error), str(error))
