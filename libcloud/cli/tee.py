# SPDX-License-Identifier: Apache-2.0
"""``libcloud tee``: uploads standard input, and copies it to standard output."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

import click

from libcloud.cli.errors import error_context
from libcloud.cli.options import ObjectOptions, write_options
from libcloud.cli.patterns import Filters
from libcloud.cli.put import Uploader, memory_limit, put_stream
from libcloud.cli.reading import errors_name, is_shared_output
from libcloud.cli.settings import Settings, transfer_options
from libcloud.cli.sources import Walk, plan_uploads
from libcloud.cli.stores import open_store
from libcloud.cli.targets import STDIO


@click.command()
@click.argument("url")
@click.option(
    "-p",
    "--ignore-closed-output",
    is_flag=True,
    help="If the reader of standard output closes it, upload the rest of the input anyway.",
)
@write_options
@transfer_options
def tee(
    settings: Settings, *, url: str, ignore_closed_output: bool, object_options: ObjectOptions
) -> None:
    """Upload standard input to URL, and copy it to standard output.

    \b
    Examples:
      pg_dump db | libcloud tee s3://backups/db.sql | sha256sum
      tar -c /srv | libcloud tee -p s3://backups/srv.tar | tar -t | head

    The object appears only when the input has ended and all of it was uploaded. If the upload
    fails, the output ends early and the exit status is that of libcloud put. If the reader of
    the output closes it before the input ends, nothing is stored and the exit status is 141,
    unless --ignore-closed-output is given.
    """
    store = open_store(url, settings)
    (source,) = plan_uploads((STDIO,), store.target, Walk(Filters()), recursive=False)
    target = store.target
    object_options.check_supported_by(store)
    output = sys.stdout.buffer
    if is_shared_output(output):
        settings = replace(settings, quiet=True)
    with error_context(target):
        container = store.container()
    memory = memory_limit(settings, 1)
    uploader = Uploader(store, container, settings, object_options, None, False, memory)

    def copied(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return _copied(pieces, output, ignore_closed=ignore_closed_output)

    put_stream(uploader, source, sys.stdin.buffer, copied)


def _copied(pieces: Iterator[bytes], output: IO[bytes], *, ignore_closed: bool) -> Iterator[bytes]:
    """Yield ``pieces``, each after it was written to ``output``.

    :raises BrokenPipeError: the output was closed. An upload of these pieces stores nothing.
    """
    is_closed = False
    for piece in pieces:
        if not is_closed:
            try:
                with errors_name("standard output"):
                    output.write(piece)
                    output.flush()
            except BrokenPipeError:
                if not ignore_closed:
                    raise
                is_closed = True
                # What is still buffered would raise the error again when the program exits.
                with contextlib.suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        yield piece
