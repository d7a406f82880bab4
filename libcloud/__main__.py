# SPDX-License-Identifier: Apache-2.0
"""``python -m libcloud``, and the program ``libcloud``: the command line, if click is installed."""

from __future__ import annotations

import importlib.util
import sys


def main() -> None:
    """Run the command; it exits."""
    if importlib.util.find_spec("click") is None:
        sys.exit("libcloud: the command needs click: pip install 'libcloud-storage[cli]'")
    from libcloud.cli.main import run

    run()


if __name__ == "__main__":
    main()
