# SPDX-License-Identifier: Apache-2.0
"""Metadata of the complete build: those of the library, under the name ``apache-libcloud``."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import storage_setup  # noqa: E402  the library's setup.py, copied beside this file

NOT_BUILT = ("docs", "frames", "servers", "test")

#: Everything of the package that is no module: fixtures, prices, templates.
DATA = [
    str(path.relative_to(HERE / "libcloud"))
    for path in sorted((HERE / "libcloud").rglob("*"))
    if path.is_file() and path.suffix not in {".py", ".pyc"}
]

setup(
    **{
        **storage_setup.METADATA,
        "name": "apache-libcloud",
        "description": "Apache Libcloud with the storage half of libcloud-storage",
        "packages": find_packages(include=["libcloud", "libcloud.*"]),
        "py_modules": [],
        "package_data": {"libcloud": DATA},
        "license_files": ["LICENSE", "NOTICE"],
        "extras_require": {
            name: requirements
            for name, requirements in storage_setup.METADATA["extras_require"].items()
            if name not in NOT_BUILT
        },
    }
)
