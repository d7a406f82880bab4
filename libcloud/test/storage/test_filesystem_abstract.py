# SPDX-License-Identifier: Apache-2.0
"""fsspec's own tests of file systems, on the server that checks and on moto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from fsspec.tests import abstract  # type: ignore[import-untyped]  # fsspec has no types

from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.test.storage.fakes.servers import Endpoint, fake_server, moto_server

BUCKET = "bucket"


class _Fixtures(abstract.AbstractFixtures):  # type: ignore[misc]
    """A container for each test."""

    @staticmethod
    def server() -> AbstractContextManager[Endpoint]:
        return fake_server()

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls) -> Iterator[Endpoint]:
        with cls.server() as endpoint:
            yield endpoint

    @pytest.fixture
    def fs(self, endpoint: Endpoint) -> Iterator[LibcloudFileSystem]:
        fs: Any = LibcloudFileSystem(
            endpoint.key, endpoint.secret, endpoint_url=endpoint.url, skip_instance_cache=True
        )
        fs.mkdir(BUCKET)
        yield fs
        fs.rm(BUCKET, recursive=True)
        if endpoint.fake is not None:
            assert not endpoint.fake.violations

    @pytest.fixture
    def fs_path(self) -> str:
        return BUCKET

    @pytest.fixture
    def fs_join(self) -> Any:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class _OnMoto(_Fixtures):
    @staticmethod
    def server() -> AbstractContextManager[Endpoint]:
        return moto_server()


@pytest.mark.slow
class TestCopy(abstract.AbstractCopyTests, _Fixtures):  # type: ignore[misc]
    pass


@pytest.mark.slow
class TestGet(abstract.AbstractGetTests, _Fixtures):  # type: ignore[misc]
    pass


@pytest.mark.slow
class TestPut(abstract.AbstractPutTests, _Fixtures):  # type: ignore[misc]
    pass


class TestOpen(abstract.AbstractOpenTests, _Fixtures):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, _Fixtures):  # type: ignore[misc]
    pass


@pytest.mark.slow
class TestOnMoto(
    abstract.AbstractCopyTests,  # type: ignore[misc]
    abstract.AbstractGetTests,  # type: ignore[misc]
    abstract.AbstractPutTests,  # type: ignore[misc]
    abstract.AbstractOpenTests,  # type: ignore[misc]
    abstract.AbstractPipeTests,  # type: ignore[misc]
    _OnMoto,
):
    """All of them, on one server."""
