# SPDX-License-Identifier: Apache-2.0
"""``python -m libcloud``, and the program ``libcloud``: the command line, if click is installed."""

from __future__ import annotations

import gc
import importlib.util
import signal
import sys


def main() -> None:
    """Run the command; it exits."""
    if importlib.util.find_spec("click") is None:
        sys.exit("libcloud: the command needs click: pip install 'libcloud-storage[cli]'")
    # Until the command handles it, Ctrl-C ends the process, without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # until the command has imported what it needs
    from libcloud.storage import keywords

    keywords.COMPLETES_HELP = False
    from libcloud.cli.main import run

    run()


if __name__ == "__main__":
    main()
