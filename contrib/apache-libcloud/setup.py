# SPDX-License-Identifier: Apache-2.0
"""Refuses to be built for an environment that has Apache Libcloud; see ``pyproject.toml``.

pip installs libcloud-storage first, and then removes the files of the older apache-libcloud, which
have the same names: nothing that works is left. (uv removes first.)
"""

from __future__ import annotations

import sys
import sysconfig
from importlib import metadata

from setuptools import setup

# pip builds with the interpreter of the environment that it installs into.
SITE = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})

for found in metadata.distributions(name="apache-libcloud", path=SITE):
    if "+s3multipart." not in found.version:
        sys.exit(
            f"apache-libcloud {found.version} is installed in {sys.prefix}, and its removal would "
            "delete files of libcloud-storage. Nothing was changed. Run this first:\n\n"
            "    pip uninstall --yes apache-libcloud libcloud-storage\n"
        )

setup()
