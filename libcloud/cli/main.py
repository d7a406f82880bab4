# SPDX-License-Identifier: Apache-2.0
"""The command's entry point: its list of commands, error messages and exit status."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import logging
import os
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

import click

from libcloud import __version__
from libcloud.cli.errors import FAILED, INTERRUPTED, USAGE, ReportedError, exit_status, redact
from libcloud.cli.failures import report
from libcloud.cli.progress import discard_output, print_stderr
from libcloud.cli.settings import group_options
from libcloud.cli.signals import handle_signals
from libcloud.cli.text import printable
from libcloud.utils.cancellation import is_cancelled

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_BROKEN_PIPE = 141

# Seconds; the default is 0.005.
_SWITCH_INTERVAL = 0.02

# Objects that may be allocated until young ones are checked for cycles; the default is 700 or more.
# A command for a thousand objects stays below it: checking 10,000 takes 1 to 3 ms.
_GARBAGE = 50_000

# For each command, the module to import when it is used, and its description in the list.
COMMANDS = {
    "cat": ("get", "Write objects to standard output."),
    "completion": ("completion", "Print a shell completion script."),
    "cp": ("cp", "Copy objects within a store or between stores."),
    "demo": ("demo", "Upload generated data, download it and compare."),
    "doctor": ("doctor", "Check credentials, endpoint, region and access."),
    "du": ("listing", "Print the number and total size of objects."),
    "get": ("get", "Download objects to files or standard output."),
    "legal-hold": ("properties", "Show, place or remove a legal hold."),
    "lifecycle": ("buckets", "Show or set when unfinished uploads are aborted."),
    "ls": ("listing", "List buckets, objects or versions."),
    "mb": ("buckets", "Create a bucket."),
    "migrate": ("migrate", "Copy a bucket, resumably, on one machine or many."),
    "mv": ("cp", "Move objects within a store or between stores."),
    "presign": ("properties", "Create a URL that gives access for a limited time."),
    "put": ("put", "Upload files, directories or standard input."),
    "rb": ("buckets", "Delete an empty bucket."),
    "retention": ("properties", "Show or set until when an object cannot be deleted."),
    "rm": ("rm", "Delete objects or versions."),
    "stat": ("listing", "Show the properties of an object or a bucket."),
    "sync": ("sync", "Copy what differs between two directories."),
    "tags": ("properties", "Show or change the tags of an object."),
    "tee": ("put", "Upload standard input, and copy it to standard output."),
    "undelete": ("buckets", "Restore deleted objects."),
    "uploads": ("buckets", "List and abort in-progress uploads."),
    "versioning": ("buckets", "Show or set whether a bucket keeps versions."),
}

# What other clients call some of them.
_OTHER_NAMES = {
    **dict.fromkeys(("copy", "copyto"), "cp"),
    **dict.fromkeys(("del", "delete", "deletefile", "purge", "remove"), "rm"),
    **dict.fromkeys(("download",), "get"),
    **dict.fromkeys(("dir", "list", "lsl"), "ls"),
    **dict.fromkeys(("mkdir", "make-bucket"), "mb"),
    **dict.fromkeys(("move", "moveto", "rename"), "mv"),
    **dict.fromkeys(("link", "share", "sign"), "presign"),
    **dict.fromkeys(("pipe", "rcat", "upload"), "put"),
    **dict.fromkeys(("rmdir", "remove-bucket"), "rb"),
    **dict.fromkeys(("head", "info"), "stat"),
    **dict.fromkeys(("mirror",), "sync"),
}

_EXIT_STATUSES = """
\b
Exit status:
  0    success
  1    an error occurred; of several objects, some failed
  2    the command line is invalid
  3    the bucket, object or upload does not exist
  4    no credentials were found, or the store denied access
  5    the store cannot be reached or is overloaded: try again later
  6    the input does not match --expect-size or --fail-on-empty
  130  interrupted (129 SIGHUP, 143 SIGTERM); the upload was aborted
  141  the reader of standard output closed the pipe
  *    of COMMAND, in put URL -- COMMAND; 126 or 127 if it cannot be started

Run libcloud COMMAND --help for the options of a command.
"""


class _Group(click.Group):
    """Commands that are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:
                return None
            from difflib import get_close_matches

            similar = get_close_matches(cmd_name, COMMANDS, n=1)
            meant = _OTHER_NAMES.get(cmd_name) or (similar[0] if similar else None)
            hint = f". Did you mean {meant!r}?" if meant else "."
            raise click.UsageError(f"No such command {cmd_name!r}{hint}")
        module = import_module(f"libcloud.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name][1]) for name in found]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=_Group,
    epilog=_EXIT_STATUSES,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", message="libcloud %(version)s")
@group_options
@click.pass_context
def cli(context: click.Context, /, **_: object) -> None:
    """Manage objects in Amazon S3, S3-compatible stores, Google Cloud Storage and local files.

    A URL is s3://BUCKET/KEY, gs://BUCKET/KEY or file:///DIRECTORY/NAME. Other providers and
    S3-compatible stores are addressed by name, for example minio:// or r2://. Keys are not
    percent-decoded.

    Credentials, region and endpoint come from the command's options, the environment
    (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL) or
    a profile in ~/.aws. The extra "aws" adds single sign-on, roles and instance metadata.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: list[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    shell = os.environ.get("_LIBCLOUD_COMPLETE")
    if shell is not None:  # the script that ``libcloud completion`` prints
        from libcloud.cli.completion import complete

        complete(cli, shell, arguments)
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    elif arguments[1:] == ["-h"]:  # with a URL, the -h of ls and du is --human
        arguments[1:] = ["--help"]
    _allow_undecodable_names()
    try:
        # Not cli.main(), which handles signals and broken pipes in its own way.
        with cli.make_context("libcloud", list(arguments)) as context:
            cli.invoke(context)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:  # libcloud uploads
        click.echo(error.format_message())
    except click.ClickException as error:
        return _report_usage_error(error)
    except KeyboardInterrupt as error:
        return getattr(error, "status", INTERRUPTED)
    except BrokenPipeError:
        return _broken_pipe()
    except Exception as error:
        return INTERRUPTED if is_cancelled() else _report_failure(error, arguments)
    return _flush_output()


def run() -> None:
    """The program: handles signals, and exits with the status of :func:`main`."""
    _open_closed_streams()
    _tune_interpreter()
    _set_up_log("--debug" in sys.argv[1:])
    with handle_signals() as cancellation:
        status = main()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        discard_output(sys.stdout)
    # Without this, the final garbage collection of all imported modules takes a fifth of the CPU
    # time of a short command.
    gc.freeze()
    if cancellation.abandoned:  # a thread may still wait for a connection to open
        os._exit(status)
    sys.exit(status)


def _tune_interpreter() -> None:
    """Spend less time on switching threads and collecting garbage.

    With 64 threads that request the interpreter after each interval, a third of the context
    switches serve nothing else. They get it anyway when another one waits for the network.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    gc.enable()


def _open_closed_streams() -> None:
    """Open streams that the program was started without, such that input and output fail.

    Python sets them to ``None``, and the next file or connection would get their descriptors.
    """
    flags = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
    for number, name in enumerate(flags):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, flags[name])
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        stream = open(number, "w" if number else "r", closefd=False, encoding="utf-8")  # noqa: SIM115
        setattr(sys, name, stream)


def _allow_undecodable_names() -> None:
    """Write names that are not UTF-8 with their bytes; in other encodings, escape characters."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        is_utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def _set_up_log(debug: bool) -> None:
    for name in ("libcloud", "urllib3"):
        log = logging.getLogger(name)
        log.addHandler(_LogHandler() if debug else logging.NullHandler())
        log.propagate = False
        log.setLevel(logging.DEBUG if debug and name == "libcloud" else logging.WARNING)


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_stderr(f"{record.levelname.lower()}: {printable(record.getMessage())}")


def _report_usage_error(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "libcloud"
    message = " ".join(error.format_message().split()).rstrip(".")
    end = "" if message.endswith("?") else "."
    print_stderr(f"{command}: {message}{end} See {command} --help")
    return USAGE


def _report_failure(error: Exception, arguments: list[str]) -> int:
    if "--debug" in arguments:
        with contextlib.suppress(OSError):
            lines = redact("".join(traceback.format_exception(error))).split("\n")
            sys.stderr.write("\n".join(map(printable, lines)))
    if not isinstance(error, ReportedError):
        report(error)
    return exit_status(error)


def _broken_pipe() -> int:
    discard_output(sys.stdout)
    return _BROKEN_PIPE


def _flush_output() -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        print_stderr(f"libcloud: standard output: {error.strerror}")
        return FAILED
    return 0
