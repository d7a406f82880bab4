# SPDX-License-Identifier: Apache-2.0
"""Files with recorded or invented responses, next to the tests that use them."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "FIXTURES_ROOT",
    "BackupFileFixtures",
    "ComputeFileFixtures",
    "ContainerFileFixtures",
    "DNSFileFixtures",
    "DRSFileFixtures",
    "FileFixtures",
    "LoadBalancerFileFixtures",
    "OpenStackFixtures",
    "StorageFileFixtures",
]

#: Directory of each kind of fixtures, relative to this file.
FIXTURES_ROOT = {
    "common": "common/fixtures",
    "compute": "compute/fixtures",
    "storage": "storage/fixtures",
    "loadbalancer": "loadbalancer/fixtures",
    "dns": "dns/fixtures",
    "drs": "drs/fixtures",
    "backup": "backup/fixtures",
    "openstack": "compute/fixtures/openstack",
    "container": "container/fixtures",
}


class FileFixtures:
    """The files of one kind, a key of :data:`FIXTURES_ROOT`, or of a directory below it."""

    def __init__(self, fixtures_type: str, sub_dir: str = "") -> None:
        self.root = str(Path(__file__).parent / FIXTURES_ROOT[fixtures_type] / sub_dir)

    def load(self, file: str) -> str:
        """The text of ``file``, read as UTF-8.

        :raises OSError: there is no such file.
        """
        return (Path(self.root) / file).read_text(encoding="utf-8")


class ComputeFileFixtures(FileFixtures):
    """Fixtures below ``compute``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("compute", sub_dir)


class StorageFileFixtures(FileFixtures):
    """Fixtures below ``storage``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("storage", sub_dir)


class LoadBalancerFileFixtures(FileFixtures):
    """Fixtures below ``loadbalancer``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("loadbalancer", sub_dir)


class DNSFileFixtures(FileFixtures):
    """Fixtures below ``dns``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("dns", sub_dir)


class DRSFileFixtures(FileFixtures):
    """Fixtures below ``drs``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("drs", sub_dir)


class OpenStackFixtures(FileFixtures):
    """Fixtures below ``compute/fixtures/openstack``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("openstack", sub_dir)


class ContainerFileFixtures(FileFixtures):
    """Fixtures below ``container``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("container", sub_dir)


class BackupFileFixtures(FileFixtures):
    """Fixtures below ``backup``."""

    def __init__(self, sub_dir: str = "") -> None:
        super().__init__("backup", sub_dir)
