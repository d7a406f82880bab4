# SPDX-License-Identifier: Apache-2.0
"""``LibCloudStorage`` of django-storages: files of a Django project in a container."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import django.conf
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import TemporaryUploadedFile

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.providers import DRIVERS
from libcloud.storage.types import Provider
from libcloud.test.frames.conftest import BUCKET
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.servers import Endpoint

LARGE = pattern(12 * 1024 * 1024 + 1)

if not django.conf.settings.configured:
    django.conf.settings.configure(LIBCLOUD_PROVIDERS={}, USE_TZ=True)


class OurStorageDriver(S3StorageDriver):
    """Amazon's, elsewhere: a project's settings have no place for a host."""

    place: ClassVar[dict[str, Any]] = {}

    def __init__(self, key: str, secret: str, **options: Any) -> None:
        super().__init__(key, secret, **{**options, **self.place})


@pytest.fixture
def storage(server: Endpoint, driver: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from storages.backends.apache_libcloud import LibCloudStorage

    place = {"host": server.host, "port": server.port, "secure": False}
    monkeypatch.setattr(OurStorageDriver, "place", place)
    monkeypatch.setattr(Provider, "OURS", "ours", raising=False)
    monkeypatch.setitem(DRIVERS, "ours", (__name__, OurStorageDriver.__name__))
    provider = {
        "type": "libcloud.storage.types.Provider.OURS",
        "user": server.key,
        "key": server.secret,
        "bucket": BUCKET,
        "secure": False,
    }
    monkeypatch.setattr(django.conf.settings, "LIBCLOUD_PROVIDERS", {"default": provider})
    return LibCloudStorage()


def test_a_file_is_saved_and_read(storage: Any) -> None:
    name = storage.save("dir/a.txt", ContentFile(b"some text"))
    assert name == "dir/a.txt"
    assert storage.exists(name)
    assert storage.size(name) == 9
    with storage.open(name) as file:
        assert file.read() == b"some text"


def test_an_empty_file_is_saved_and_read(storage: Any) -> None:
    name = storage.save("empty", ContentFile(b""))
    assert storage.size(name) == 0
    with storage.open(name) as file:
        assert file.read() == b""


def test_a_large_upload_of_a_form_comes_back_whole(storage: Any) -> None:
    with TemporaryUploadedFile("big.bin", "application/octet-stream", 0, None) as upload:
        upload.write(LARGE)
        upload.seek(0)
        name = storage.save("big.bin", upload)
    with storage.open(name) as file:
        assert file.size == len(LARGE)
        assert file.read() == LARGE
        file.seek(-10, io.SEEK_END)
        assert file.read() == LARGE[-10:]


def test_a_second_file_of_a_name_gets_another_one(storage: Any) -> None:
    first = storage.save("a.txt", ContentFile(b"1"))
    second = storage.save("a.txt", ContentFile(b"2"))
    assert first != second
    assert storage.open(first).read() == b"1"


def test_deleted_objects_do_not_exist(storage: Any) -> None:
    name = storage.save("a.txt", ContentFile(b"1"))
    storage.delete(name)
    assert not storage.exists(name)
    storage.delete(name)  # a second time it is no error


def test_a_file_that_is_opened_for_writing_is_stored(storage: Any) -> None:
    with storage.open("log", "w") as file:
        file.write(LARGE)
    with storage.open("log") as file:
        assert file.read() == LARGE


def test_a_directory_is_listed(storage: Any) -> None:
    for name in ("dir/a", "dir/b"):
        storage.save(name, ContentFile(b"x"))
    directories, files = storage.listdir("dir/")
    assert (directories, sorted(files)) == ([], ["a", "b"])


def test_a_file_has_a_url(storage: Any, server: Endpoint) -> None:
    name = storage.save("a.txt", ContentFile(b"1"))
    assert "a.txt" in storage.url(name)
