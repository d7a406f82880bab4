# SPDX-License-Identifier: Apache-2.0
"""The objects that a URL selects: one, all below a directory, or those that match wildcards.

Also the options ``--include``, ``--exclude``, ``--literal`` and ``--version-id``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from libcloud.cli.errors import NoObjectsError
from libcloud.cli.settings import Settings, combined, option
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import Filters, has_wildcard, key_pattern, literal_prefix
from libcloud.utils import xml

if TYPE_CHECKING:
    from libcloud.storage.base import Object, ObjectVersion


_META = "libcloud.filters"


class _FilterOption(click.Option):
    """Records its values together with those of the other filter option, in their order."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        (name,) = self.opts
        parsed = parser._long_opt[name]
        append = parsed.process

        def process(value: str, state: Any) -> None:
            ctx.meta.setdefault(_META, []).append((name == "--include", value))
            append(value, state)

        parsed.process = process


filter_options = combined(
    option(
        "--include PATTERN",
        "Include paths that match even if an earlier --exclude matches; repeatable. "
        "The last matching option decides.",
        name="filters",
        cls=_FilterOption,
        multiple=True,
        callback=lambda ctx, *_: Filters(tuple(ctx.meta.get(_META, ()))),
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
selection_options = combined(
    filter_options, option("--literal", "Do not treat *, ? and [ in a key as wildcards.")
)


def _version_id(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    del context, parameter
    if text is not None:
        from libcloud.storage.s3.objects import check_version_id

        try:
            check_version_id(text, "--version-id")
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    return text


version_option = option(
    "--version-id ID", "Use this version of the object instead of the newest.", callback=_version_id
)


class Selection(NamedTuple):
    """Several objects of a store, selected by its URL and its settings.

    With ``recursive``, all objects below the URL, or below the directories that match its
    wildcards. The filters apply to the keys without :attr:`base`.
    """

    store: Store

    @property
    def settings(self) -> Settings:
        return self.store.settings

    @property
    def has_wildcard(self) -> bool:
        return not self.settings.literal and has_wildcard(self.store.target.name)

    @property
    def is_single(self) -> bool:
        return not self.settings.recursive and not self.has_wildcard

    @property
    def prefix(self) -> str:
        target = self.store.target
        if self.has_wildcard:
            return literal_prefix(target.name)
        return target.as_directory().name if self.settings.recursive else target.name

    @property
    def base(self) -> str:
        """The directory that relative names start from; empty, or with a slash at its end."""
        return "".join(self.prefix.rpartition("/")[:2])

    @property
    def label(self) -> str:
        return self.store.target.label(self.settings.version_id)

    def objects(self) -> Iterator[Object]:
        """The objects, as the store lists them. :raises NoObjectsError: there are none."""
        settings, target = self.settings, self.store.target
        if self.is_single:
            listed = iter([self.store.object(target.name, settings.version_id)])
        else:
            listed = self.store.container().iterate_objects(prefix=self.prefix or None)
            if self.store.is_s3:
                self.store.driver._pool.start(xml.load)  # while the store answers the first request
        found = filter(self._filter(), listed)
        first = next(found, None)
        if first is None:
            hint = "; for a key that contains *, ? or [, use --literal" if self.has_wildcard else ""
            raise NoObjectsError(f"no objects match {self}{hint}")
        return itertools.chain([first], found)

    def versions(self, *, is_prefix: bool = False) -> Iterator[ObjectVersion]:
        """The versions of the objects, delete markers included.

        :param is_prefix: the URL selects all keys that start with it; there may be none.
        """
        where: dict[str, Any] = {"prefix": self.prefix or None}
        if self.is_single and not is_prefix:
            where = {"object_name": self.store.target.name}
        version_id, matches = self.settings.version_id, self._filter()
        container, is_empty = self.store.container(), True
        for version in self.store.driver.ex_iterate_object_versions(container, **where):
            if version_id in (None, version.version_id) and matches(version):
                is_empty = False
                yield version
        if is_empty and not is_prefix:
            raise NoObjectsError(f"no versions match {self}")

    def relative(self, obj: Object) -> str:
        return str(obj.name[len(self.base) :])

    def __str__(self) -> str:
        is_directory = self.settings.recursive and not self.has_wildcard
        return str(self.store.target.as_directory() if is_directory else self.store.target)

    def _filter(self) -> Callable[[Object], bool]:
        """Whether a key that begins with :attr:`prefix` matches the wildcards and the filters."""
        name, patterns = self.store.target.name, []
        if self.has_wildcard:
            patterns.append(key_pattern(name))
            if self.settings.recursive:
                patterns.append(key_pattern(f"{name.rstrip('/')}/**"))
        start, is_included = len(self.base), self.settings.filters.select

        def matches(obj: Object) -> bool:
            in_pattern = not patterns or any(one.fullmatch(obj.name) for one in patterns)
            return in_pattern and is_included(obj.name[start:])

        return matches


def select(url: str, settings: Settings) -> Selection:
    """The objects at ``url``, in a store that is opened.

    :raises click.UsageError: it names no bucket, or no object where it has to; or several objects
        and there is a ``version_id``.
    """
    selection = Selection(open_store(url, settings))
    if settings.version_id is not None and not selection.is_single:
        raise click.UsageError("--version-id needs the URL of a single object")
    if settings.recursive:
        selection.store.target.require_container()
    else:
        selection.store.target.require_object(", or --recursive for all objects in it")
    return selection
