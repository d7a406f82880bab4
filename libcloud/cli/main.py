# SPDX-License-Identifier: Apache-2.0
"""The command itself: its parts, what its errors look like, and how it ends.

Exit statuses:

====  ==============================================================================
0     all done
1     something failed; of many objects, some did
2     the command line makes no sense
3     there is no such container, object or upload
4     no credentials, or the store refuses them
5     the store cannot be reached, or is too busy: trying again later may help
6     the input is not what ``--expect-size`` or ``--fail-on-empty`` promise
130   interrupted by Ctrl-C (129 by SIGHUP, 143 by SIGTERM); the upload was removed
141   whoever reads standard output has gone
====  ==============================================================================
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import sys
import traceback
from importlib import import_module

import click

from libcloud import __version__
from libcloud.cli.errors import (
    FAILED,
    INTERRUPTED,
    USAGE,
    ReportedError,
    exit_status,
    without_secrets,
)
from libcloud.cli.failures import report
from libcloud.cli.progress import say
from libcloud.cli.signals import heeded
from libcloud.cli.text import printable

__all__ = ["COMMANDS", "cli", "main", "run"]

_BROKEN_PIPE = 141
_COMPLETION = "_LIBCLOUD_COMPLETE"

# Of each command the module, which is imported when the command is used, and what the list says.
COMMANDS = {
    "cat": ("get", "Write objects to standard output."),
    "completion": ("completion", "Print the script for completion in a shell."),
    "cp": ("copying", "Copy objects within a store."),
    "demo": ("demo", "Stream made-up data to a store, read it back, compare."),
    "doctor": ("doctor", "Show what is used and whether it works."),
    "get": ("get", "Download objects to files or standard output."),
    "ls": ("listing", "List containers, or objects."),
    "mb": ("containers", "Make a container."),
    "presign": ("presigning", "Make a URL that anybody can use for a time."),
    "put": ("put", "Upload files, directories or standard input."),
    "rb": ("containers", "Remove an empty container."),
    "rm": ("removing", "Delete objects."),
    "stat": ("listing", "Show what the store says of an object or a container."),
    "uploads": ("uploads", "List, abort and clean up unfinished uploads."),
}

_STATUSES = """
\b
Exit status:
  0    all done
  1    something failed; of many objects, some did
  2    the command line makes no sense
  3    no such container, object or upload
  4    no credentials, or the store refuses them
  5    the store cannot be reached, or is too busy: try again later
  6    the input is not what --expect-size or --fail-on-empty promise
  130  interrupted (129 SIGHUP, 143 SIGTERM); the upload was removed
  141  whoever reads standard output has gone
"""


class _Group(click.Group):
    """Commands that are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"libcloud.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Group, epilog=_STATUSES, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="libcloud", message="%(prog)s %(version)s")
def cli() -> None:
    """Object storage from a shell: Amazon S3, stores that speak S3, Google Storage, files.

    A URL is s3://CONTAINER/NAME, gs://, minio://, file:///DIRECTORY/NAME, or begins with the name
    of another provider or kind of store, as r2://. Names stand in it as they are. Credentials,
    region and endpoint are those of the options, the environment (AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL), a profile of ~/.aws,
    or, with the extra "aws", of whoever gives them: single sign-on, a role, this machine.
    """


def main(arguments: list[str] | None = None) -> int:
    """Do what ``arguments`` say; the exit status."""
    if _COMPLETION in os.environ:  # a shell asks what may follow
        cli.main(prog_name="libcloud", complete_var=_COMPLETION)
    arguments = sys.argv[1:] if arguments is None else arguments
    _let_any_name_out()
    try:
        # Not cli.main(), which has its own answers to signals and broken pipes.
        with cli.make_context("libcloud", list(arguments)) as context:
            cli.invoke(context)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.ClickException as error:
        return _usage(error)
    except KeyboardInterrupt as error:
        return getattr(error, "status", INTERRUPTED)
    except BrokenPipeError:
        return _no_reader()
    except Exception as error:
        return _failure(error, arguments)
    return _flushed()


def run() -> None:
    """The program: heeds signals, and exits."""
    _set_up_log("--debug" in sys.argv[1:])
    with heeded():
        status = main()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop_output()
    # Python looks for cycles among all that was imported before it ends: a fifth of the processor
    # time of a short command.
    gc.freeze()
    sys.exit(status)


def _let_any_name_out() -> None:
    """Write names whose bytes are not UTF-8 as these bytes, where output is not a terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def _set_up_log(debug: bool) -> None:
    """Let the library's log be seen if asked for; it must not write into the bar."""
    for name in ("libcloud", "urllib3"):
        log = logging.getLogger(name)
        log.addHandler(_Log() if debug else logging.NullHandler())
        log.propagate = False
        log.setLevel(logging.DEBUG if debug and name == "libcloud" else logging.WARNING)


class _Log(logging.Handler):
    """Writes above the bar, without secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.levelname.lower()}: {printable(record.getMessage())}")


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "libcloud"
    say(f"{command}: {' '.join(error.format_message().split()).rstrip('.')}. See {command} --help")
    return USAGE


def _failure(error: Exception, arguments: list[str]) -> int:
    if "--debug" in arguments:
        with contextlib.suppress(OSError):
            lines = without_secrets("".join(traceback.format_exception(error))).split("\n")
            sys.stderr.write("\n".join(map(printable, lines)))
    if not isinstance(error, ReportedError):
        report(error)
    return exit_status(error)


def _no_reader() -> int:
    _drop_output()
    return _BROKEN_PIPE


def _drop_output() -> None:
    """Forget what is not written yet: it would raise once more when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flushed() -> int:
    """0, if all that was written has reached its reader."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _no_reader()
    except OSError as error:
        say(f"libcloud: standard output: {error.strerror}")
        return FAILED
    return 0
