# SPDX-License-Identifier: Apache-2.0
"""The complete build: all of Apache Libcloud in one wheel, on this library's connections."""

from __future__ import annotations

import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

import libcloud
from libcloud.test.fork.conftest import CONTRIB, ROOT, Environment, create, run
from libcloud.test.storage.fakes.server import FakeS3

pytestmark = pytest.mark.slow

DEPENDENT = "sqlalchemy-file"

ALL_TYPES = """
import libcloud.compute.types, libcloud.dns.types, libcloud.loadbalancer.types
from libcloud.base import DriverType, get_driver
from libcloud.storage.providers import DRIVERS
from libcloud.storage.types import Provider
from libcloud.common.connection import Connection

drivers = [
    get_driver(DriverType.BACKUP, DriverType.BACKUP.DUMMY),
    get_driver(DriverType.COMPUTE, DriverType.COMPUTE.EC2),
    get_driver(DriverType.CONTAINER, DriverType.CONTAINER.DOCKER),
    get_driver(DriverType.DNS, DriverType.DNS.ROUTE53),
    get_driver(DriverType.LOADBALANCER, DriverType.LOADBALANCER.ELB),
    *(get_driver(DriverType.STORAGE, name) for name in DRIVERS),
]
"""

COMPUTE_AND_UPLOAD = """
import sys
from libcloud.base import DriverType, get_driver

url, key, secret = sys.argv[1:]
compute = get_driver(DriverType.COMPUTE, DriverType.COMPUTE.DUMMY)("creds")
size, image = compute.list_sizes()[0], compute.list_images()[0]
print(compute.create_node(name="new", size=size, image=image).name)
storage = get_driver(DriverType.STORAGE, "s3")(key, secret, endpoint_url=url)
container = storage.create_container("bucket")
pieces = (bytes([n]) * 1_000_000 for n in range(20))
print(container.upload_object_via_stream(pieces, "stream").size)
"""


@pytest.fixture(scope="module", params=["pip", "uv"])
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, complete: Path
) -> Environment:
    """An environment in which the complete build took the place of Apache Libcloud."""
    directory = tmp_path_factory.mktemp("complete") / "environment"
    environment = create(directory, request.param)
    environment.installed(DEPENDENT)
    assert environment.versions() == {"apache-libcloud": "3.9.1"}
    environment.installed(complete)
    return environment


def test_it_has_all_types_of_drivers_on_our_connections(environment: Environment) -> None:
    names = environment.evaluate(ALL_TYPES, "[driver.__name__ for driver in drivers]")
    assert {"EC2NodeDriver", "Route53DNSDriver", "AzureBlobsStorageDriver"} <= set(names)
    assert {"CloudFilesStorageDriver", "OSSStorageDriver", "S3StorageDriver"} <= set(names)
    others = "[d.__name__ for d in drivers if not issubclass(d.connectionCls, Connection)]"
    assert environment.evaluate(ALL_TYPES, others) == []


def test_packages_that_require_apache_libcloud_take_it_and_upgrades_keep_it(
    environment: Environment,
) -> None:
    expected = {"apache-libcloud": libcloud.__version__}
    assert environment.versions() == expected
    environment.check()
    environment.installed("--upgrade", DEPENDENT, "apache-libcloud")
    assert environment.versions() == expected
    environment.check()
    assert environment.evaluate("import libcloud", "libcloud.__version__") == libcloud.__version__


def test_one_process_creates_a_node_and_uploads_a_stream(environment: Environment) -> None:
    with FakeS3() as server:
        url = f"http://{server.host}:{server.port}"
        result = run(environment.python, "-c", COMPUTE_AND_UPLOAD, url, server.key, server.secret)
        assert result.stdout.splitlines() == ["dummy-3", "20000000"], result.stdout
        assert server.violations == []


def test_our_files_replace_those_of_apache_libcloud(complete: Path) -> None:
    with zipfile.ZipFile(complete) as wheel:
        names = set(wheel.namelist())
        for module in ("storage/drivers/s3.py", "common/base.py", "test/__init__.py"):
            assert wheel.read(f"libcloud/{module}") == (ROOT / "libcloud" / module).read_bytes()
    assert "libcloud/http.py" not in names
    assert "libcloud/storage/drivers/azure_blobs.py" in names
    (notice,) = (name for name in names if name.endswith("NOTICE"))
    with zipfile.ZipFile(complete) as wheel:
        assert b"Apache Libcloud" in wheel.read(notice)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache for source distributions."""
    directory = tmp_path / "cache"
    monkeypatch.syspath_prepend(str(CONTRIB))
    monkeypatch.setattr(import_module("upstream_sdist"), "CACHE", directory)
    return directory


def make_fork(destination: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of ``make fork``, in this process."""
    monkeypatch.setattr(sys, "argv", ["fork", "--dest", str(destination)])
    status: int = import_module("fork.__main__").main()
    return status


def test_without_network_and_cache_the_error_names_what_is_missing(
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert make_fork(tmp_path / "dist", monkeypatch) == 2
    assert "Nothing was built. Connect to a package index" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
    assert list(cache.iterdir()) == []


def test_another_source_distribution_of_that_name_is_refused(
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "apache_libcloud-3.9.1.tar.gz"
    other.write_bytes(b"not the one")
    cache.mkdir()
    (cache / other.name).write_bytes(b"not the one either")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert make_fork(tmp_path / "dist", monkeypatch) == 2
    assert "has no copy with SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


def test_a_python_that_is_too_old_is_refused(cache: Path) -> None:
    upstream_sdist = import_module("upstream_sdist")
    with pytest.raises(upstream_sdist.DownloadError, match=r"needs Python 3\.99 or newer"):
        upstream_sdist._check_python("Requires-Python: >=3.99\n")
    upstream_sdist._check_python("Requires-Python: >=3.10\n")


def test_a_build_that_fails_leaves_no_wheel(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(directory: Path) -> None:
        directory.mkdir()
        (directory / "setup.py").write_text("raise SystemExit('no')")

    monkeypatch.setattr(import_module("fork.__main__"), "stage", stage)
    assert make_fork(tmp_path / "dist", monkeypatch) == 1
    assert not (tmp_path / "dist").exists()
