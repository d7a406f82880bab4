# SPDX-License-Identifier: Apache-2.0
"""The objects that a URL selects: one, all below a directory, or those that match wildcards.

Also the options ``--include``, ``--exclude``, ``--literal`` and ``--version-id``.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from libcloud.cli.errors import NoObjectsError
from libcloud.cli.settings import Settings, decorated, option
from libcloud.cli.stores import Store, open_store

if TYPE_CHECKING:
    from libcloud.storage.base import Object, ObjectVersion


_WILDCARD = re.compile(r"[*?[]")
_META = "libcloud.filters"
_LITERAL = "libcloud.literal"


def has_wildcard(text: str) -> bool:
    """Whether ``text`` has one of the characters ``*``, ``?`` and ``[``."""
    return _WILDCARD.search(text) is not None


def literal_prefix(pattern: str) -> str:
    """What all keys that match ``pattern`` begin with."""
    found = _WILDCARD.search(pattern)
    return pattern[: found.start()] if found else pattern


def key_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for whole keys.

    ``*`` and ``?`` match all characters but a slash, ``**`` matches slashes as well, and ``[a-c]``
    or ``[!a-c]`` matches one character. A ``[`` without a ``]`` is literal.
    """
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if pattern.startswith("*", position):
                position += 1
                # "a/**/b" also matches "a/b".
                if pattern.startswith("/", position) and pattern[: position - 2][-1:] in ("", "/"):
                    position += 1
                    parts.append("(?:.*/)?")
                else:
                    parts.append(".*")
            else:
                parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[" and (end := _end_of_set(pattern, position)) >= 0:
            inside = re.sub(r"([\\\[\]])", r"\\\1", pattern[position:end])
            if inside.startswith("!"):
                inside = f"^/{inside[1:]}"
            elif inside.startswith("^"):
                inside = f"\\{inside}"
            parts.append(f"[{inside}]")
            position = end + 1
        else:
            parts.append(re.escape(char))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise click.UsageError(f"{pattern!r} is not a valid pattern: {error}") from error


def _end_of_set(pattern: str, start: int) -> int:
    """Where the ``]`` is that ends a set of characters; negative if there is none."""
    return pattern.find("]", start + 1 + pattern.startswith("!", start))


class Filters(NamedTuple):
    """Which paths below a directory are selected.

    :param rules: pairs of whether to include, and a pattern of :mod:`fnmatch`, whose ``*`` also
        matches slashes. The last rule that matches decides, as in the AWS command line.
    :param literal: a URL contains no wildcards.
    """

    rules: tuple[tuple[bool, str], ...] = ()
    literal: bool = False

    def select(self, path: str) -> bool:
        """Whether ``path``, relative to the directory, is selected."""
        for include, pattern in reversed(self.rules):
            if fnmatch.fnmatchcase(path, pattern):
                return include
        return True


class _FilterOption(click.Option):
    """Records its values together with those of the other filter option, in their order."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        include = "--include" in self.opts
        for parsed in {id(entry): entry for entry in parser._long_opt.values()}.values():
            if parsed.obj is self:
                append = parsed.process

                def process(value: str, state: Any, append: Callable[..., Any] = append) -> None:
                    ctx.meta.setdefault(_META, []).append((include, value))
                    append(value, state)

                parsed.process = process


def _filters(ctx: click.Context, _: click.Parameter, __: object) -> Filters:
    return Filters(tuple(ctx.meta.get(_META, ())), ctx.meta.get(_LITERAL, False))


def _literal(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_LITERAL] = value


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--include`` and ``--exclude``, passed as the argument ``filters``."""
    options = (
        option(
            "--include PATTERN",
            "Include paths that match even if an earlier --exclude matches; repeatable. "
            "The last matching option decides.",
            name="filters",
            cls=_FilterOption,
            multiple=True,
            callback=_filters,
        ),
        option(
            "--exclude PATTERN",
            "Exclude paths that match, for example '*.tmp'; repeatable.",
            name="_exclude",
            cls=_FilterOption,
            multiple=True,
            expose_value=False,
        ),
    )
    return decorated(command, options)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add these and ``--literal``, which is part of ``filters``."""
    literal = option(
        "--literal",
        "Do not treat *, ? and [ in a key as wildcards.",
        expose_value=False,
        is_eager=True,  # before the filters
        callback=_literal,
    )
    return decorated(command, (filter_options, literal))


def _version_id(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """The id, which is checked. :raises click.UsageError: it is no id."""
    del context, parameter
    if text is not None:
        from libcloud.storage.s3.versions import check_version_id

        try:
            check_version_id(text, "--version-id")
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    return text


version_option = option(
    "--version-id ID", "Use this version of the object instead of the newest.", callback=_version_id
)


class Selection(NamedTuple):
    """Several objects of a store, selected by its URL.

    :param recursive: all objects below the URL, or below the directories that match its wildcards.
    :param filters: applied to the keys without :attr:`base`.
    """

    store: Store
    recursive: bool = False
    filters: Filters = Filters()
    version_id: str | None = None

    @property
    def has_wildcard(self) -> bool:
        """Whether the key in the URL contains wildcards."""
        return not self.filters.literal and has_wildcard(self.store.target.name)

    @property
    def is_single(self) -> bool:
        """Whether the URL names exactly one object."""
        return not self.recursive and not self.has_wildcard

    @property
    def base(self) -> str:
        """The directory that relative names start from; empty, or with a slash at its end."""
        name = self.store.target.name
        if self.recursive and not self.has_wildcard:
            return self.store.target.as_directory().name
        literal = literal_prefix(name) if self.has_wildcard else name
        return "".join(literal.rpartition("/")[:2])

    @property
    def label(self) -> str:
        """The URL as it was given, and the version, for messages."""
        return self.store.target.label(self.version_id)

    def objects(self) -> Iterator[Object]:
        """The objects, as the store lists them.

        :raises NoObjectsError: there are none.
        """
        start, is_selected = len(self.base), self.filters.select
        found = (obj for obj in self._listed() if is_selected(obj.name[start:]))
        first = next(found, None)
        if first is None:
            hint = "; for a key that contains *, ? or [, use --literal" if self.has_wildcard else ""
            raise NoObjectsError(f"no objects match {self}{hint}")
        return itertools.chain([first], found)

    def versions(self, *, is_prefix: bool = False) -> Iterator[ObjectVersion]:
        """The versions of the objects, delete markers included.

        :param is_prefix: the URL selects all keys that start with it, as for ``libcloud ls``.
        """
        container, name = self.store.container(), self.store.target.name
        listed = self.store.driver.ex_iterate_object_versions
        if is_prefix and not self.has_wildcard:
            found = listed(container, name or None)
        elif self.is_single:
            found = listed(container, object_name=name)
        else:
            prefix = literal_prefix(name) if self.has_wildcard else self.base
            matches = self._pattern()
            found = (one for one in listed(container, prefix or None) if matches(one.name))
        for version in found:
            is_other = self.version_id not in (None, version.version_id)
            if not is_other and self.filters.select(self.relative(version)):
                yield version

    def relative(self, obj: Object) -> str:
        """The key without :attr:`base`."""
        return str(obj.name[len(self.base) :])

    def __str__(self) -> str:
        target = self.store.target
        return str(target.as_directory() if self.recursive and not self.has_wildcard else target)

    def _listed(self) -> Iterator[Object]:
        container, name = self.store.container(), self.store.target.name
        if self.has_wildcard:
            matches = self._pattern()
            for obj in container.iterate_objects(prefix=literal_prefix(name) or None):
                if matches(obj.name):
                    yield obj
        elif self.recursive:
            yield from container.iterate_objects(prefix=self.base or None)
        else:
            yield self.store.object(name, self.version_id)

    def _pattern(self) -> Callable[[str], bool]:
        """Whether a key below the prefix of the URL matches its wildcards."""
        if not self.has_wildcard:
            return lambda _: True
        name = self.store.target.name
        pattern = key_pattern(name)
        below = key_pattern(f"{name.rstrip('/')}/**") if self.recursive else pattern
        return lambda key: bool(pattern.fullmatch(key) or below.fullmatch(key))


def select(
    url: str,
    settings: Settings,
    filters: Filters,
    *,
    recursive: bool = False,
    version_id: str | None = None,
) -> Selection:
    """The objects at ``url``, in a store that is opened.

    :raises click.UsageError: it names no bucket, or no object and is not recursive; or several
        objects, of which ``version_id`` cannot be one.
    """
    selection = Selection(open_store(url, settings), recursive, filters, version_id)
    if version_id is not None and not selection.is_single:
        raise click.UsageError("--version-id needs the URL of a single object")
    selection.store.target.require_container()
    if not recursive:
        selection.store.target.require_object()
    return selection
