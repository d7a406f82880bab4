# SPDX-License-Identifier: Apache-2.0
"""A program for MPI, which uploads the pieces of the tests.

``mpiexec -n 3 python -m mpi4py.futures -m libcloud.test.engines.mpi_program FOLDER [SESSION]``
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout.executors import executor_for
from libcloud.test.engines.bad_input import BAD_INPUT, error_of
from libcloud.test.engines.pieces import SIZES, pieces_for
from libcloud.test.engines.processes import Recorder
from libcloud.test.engines.store import BUCKET

# Also in the workers, which import this module.
logging.basicConfig(level=logging.DEBUG)


def main(folder: Path, session: str = "") -> None:
    """Upload the pieces as ``big.bin``.

    :param folder: where their runs are recorded; next to it, the text of the session, and the
        pickles of tasks and results.
    :param session: the upload to continue; ``bad``: print the errors of bad input instead.
    """
    driver = S3StorageDriver.from_env()
    container = driver.get_container(BUCKET)
    pieces = pieces_for(folder)
    with executor_for("mpi") as mpi:
        executor = Recorder(mpi)
        if session == "bad":
            print(json.dumps({case: error_of(executor, case) for case in BAD_INPUT}))
        elif session:
            driver.ex_attach_upload(session, executor, pieces, sizes=SIZES)
        else:
            keep = folder.with_name("session").write_text
            driver.ex_upload_with(
                executor, pieces, container, "big.bin", sizes=SIZES, ex_on_session=keep
            )
            folder.with_name("tasks").write_bytes(b"".join(executor.pickles))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
