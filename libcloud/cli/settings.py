# SPDX-License-Identifier: Apache-2.0
"""The options that several commands share, and the types of option values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from libcloud.cli.targets import Filters, is_url
from libcloud.cli.text import parse_duration, parse_size

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_T = TypeVar("_T")
_C = TypeVar("_C", bound=Callable[..., Any])


def _type(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    def parsed(text: str) -> _T:
        try:
            return parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return parsed


size = _type(parse_size)
age = _type(parse_duration)


def rate(text: str) -> int:
    number = size(text.removesuffix("/s"))
    if number < 1:
        raise click.BadParameter("it must be at least 1 byte per second")
    return number


class Settings(NamedTuple):
    """Values of the options that several commands share; the help of each describes it."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    provider: str | None = None
    addressing_style: str | None = None
    no_sign_request: bool = False
    ca_bundle: str | None = None
    no_verify_ssl: bool = False
    debug: bool = False
    window: int | None = None
    part_size: int | None = None
    max_memory: int | None = None
    limit_rate: int | None = None
    jobs: int | None = None
    quiet: bool = False
    json_progress: bool = False
    recursive: bool = False
    dry_run: bool = False
    as_json: bool = False
    version_id: str | None = None
    filters: Filters = Filters()
    literal: bool = False
    follow_symlinks: bool = False
    from_profile: str | None = None
    from_endpoint_url: str | None = None
    from_region: str | None = None

    @property
    def source(self) -> Settings:
        return self._replace(
            profile=self.from_profile or self.profile,
            endpoint_url=self.from_endpoint_url or self.endpoint_url,
            region=self.from_region or self.region,
        )

    @property
    def can_fork(self) -> bool:
        """Whether several processes may do the work: they do not share a rate or memory."""
        return not (self.limit_rate or self.max_memory or self.debug)

    def engine_options(self, **others: Any) -> dict[str, Any]:
        """The keywords of transfers in parts that are given, and those of ``others``."""
        options = {"ex_window": self.window, "ex_part_size": self.part_size, **others}
        return {name: value for name, value in options.items() if value is not None}


def option(names: str, help: str, name: str | None = None, **attributes: Any) -> Callable[[_C], _C]:
    """``click.option``, with its names as the help shows them: ``"-j, --jobs N"``.

    Without a name for its value and without a type, it is a flag.

    :param name: of the argument that is passed; by default that of the option.
    """
    *others, last = names.split(", ")
    last, _, metavar = last.partition(" ")
    if metavar:
        attributes["metavar"] = metavar
    if "type" not in attributes:
        attributes.update({"shell_complete": _candidates} if metavar else {"is_flag": True})
    return click.option(*others, last, *filter(None, [name]), help=help, **attributes)


def argument(name: str, **attributes: Any) -> Callable[[_C], _C]:
    return click.argument(name, shell_complete=_candidates, **attributes)


def _candidates(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The candidates from the function that ``completion.py`` puts into the context."""
    found: list[CompletionItem] = ctx.obj(ctx, param, incomplete)
    return found


# The key in the ``meta`` of a context: whether its arguments end in ``-- COMMAND...``.
HAS_PROGRAM = "libcloud.has_program"


class CommandWithProgram(click.Command):
    """A command whose arguments may end in ``-- COMMAND...``, after a single URL.

    The callback receives the program and its arguments as ``program``, empty without one. Where no
    URL comes first, ``--`` has its usual meaning: what follows is not an option.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        place = args.index("--") if "--" in args else len(args)
        has_program = place < len(args) and self._is_single_url(ctx, args[:place])
        ctx.meta[HAS_PROGRAM] = has_program
        program = tuple(args[place + 1 :]) if has_program else ()
        rest = super().parse_args(ctx, args[:place] if has_program else args)
        if has_program and not program and not ctx.resilient_parsing:  # completion
            raise click.UsageError("a command must follow --", ctx)
        ctx.params["program"] = program
        return rest

    def _is_single_url(self, ctx: click.Context, args: list[str]) -> bool:
        """Whether the only argument in ``args`` that belongs to no option is a URL."""
        parser = type(self.make_parser(ctx))(ctx)
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                param.add_to_parser(parser, ctx)
        try:
            _, operands, _ = parser.parse_args(list(args))
        except click.UsageError:
            return False  # the same error is raised, with its message, when the command is parsed
        return len(operands) == 1 and is_url(operands[0])


def combined(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A decorator that adds several options, in the order of the help."""

    def decorate(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the values of options that have a field in :class:`Settings` as ``settings``."""

    @functools.wraps(command)
    def run(**values: Any) -> Any:
        context = click.get_current_context()
        chosen = {name: values.pop(name) for name in Settings._fields if name in values}
        for name, value in context.find_root().params.items():
            # An option after the command overrides the same option before it.
            if context.get_parameter_source(name) in (None, ParameterSource.DEFAULT):
                chosen[name] = value
        return command(settings=Settings(**chosen), **values)

    return run


group_options = combined(
    option("--endpoint-url URL", "Endpoint of the store, such as https://HOST:PORT."),
    option("--region TEXT", "Region of the store."),
    option("--profile TEXT", "Profile in ~/.aws/config and ~/.aws/credentials."),
    option(
        "--provider TEXT", "Driver or store profile to use instead of the URL's scheme, such as r2."
    ),
    option(
        "--addressing-style",
        "Bucket addressing style: in the path or as a virtual host.",
        type=click.Choice(["auto", "path", "virtual"]),
    ),
    option("--no-sign-request", "Send anonymous requests."),
    option(
        "--ca-bundle PATH",
        "File or directory with the certificates to trust.",
        type=click.Path(exists=True),
    ),
    option(
        "--no-verify-ssl", "Do not verify certificates: others can then read and change the data."
    ),
    option("--debug", "Log requests, and print tracebacks of errors."),
)

_TRANSFER = combined(
    option(
        "--window, --concurrency N",
        "Number of parts of an object to transfer in parallel.",
        name="window",
        type=click.IntRange(1),
    ),
    option("--part-size SIZE", "Size of the first parts, such as 16MiB.", type=size),
    option("--max-memory SIZE", "Limit for all parts in memory, such as 64MiB.", type=size),
    option(
        "--limit-rate RATE",
        "Transfer at most this many bytes per second, such as 10MiB.",
        type=rate,
    ),
    option("-q, --quiet", "Print only errors."),
    option("--json-progress", "Print progress to standard error as JSON lines."),
)

_JOBS = combined(
    option(
        "-j, --jobs N",
        "Objects to transfer in parallel, at most 256; the default adapts to the throughput.",
        type=click.IntRange(1, 256),
    )
)


source_options = combined(
    option("--from-profile TEXT", "Profile for the source, if it is different."),
    option("--from-endpoint-url URL", "Endpoint of the source, if it is different."),
    option("--from-region TEXT", "Region of the source, if it is different."),
)
follow_symlinks_option = option("--follow-symlinks", "Follow symbolic links to directories.")

# For commands that use a store, that transfer data, and that transfer many objects.
store_options = combined(group_options, _with_settings)
transfer_options = combined(group_options, _TRANSFER, _with_settings)
job_options = combined(group_options, _JOBS, _TRANSFER, _with_settings)
