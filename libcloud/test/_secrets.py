# SPDX-License-Identifier: Apache-2.0
"""Makes ``libcloud.test.secrets`` importable without a copy made by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import libcloud.test

_NAME = "libcloud.test.secrets"


def provide_secrets(directory: Path = Path(__file__).parent) -> None:
    """Load ``secrets.py-dist`` as ``libcloud.test.secrets`` unless there is a ``secrets.py``.

    No file is written, so it works in a read-only installation too.
    """
    if _NAME in sys.modules or (directory / "secrets.py").exists():
        return
    template = directory / "secrets.py-dist"
    module = ModuleType(_NAME)
    module.__file__ = str(template)
    exec(compile(template.read_text(encoding="utf-8"), template, "exec"), module.__dict__)
    sys.modules[_NAME] = module
    vars(libcloud.test)["secrets"] = module
