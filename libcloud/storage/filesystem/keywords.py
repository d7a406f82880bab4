# SPDX-License-Identifier: Apache-2.0
"""Keyword arguments of the file system; those of uploads are in ``storage/keywords.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from libcloud.storage.keywords import AnyUploadKeywords

if TYPE_CHECKING:
    from collections.abc import Mapping


class FileKeywords(AnyUploadKeywords, total=False):
    """Keywords of opened files: the first six for reading, the others for writing.

    :param version_id: open this version of the object; ``None``: the newest.
    :param cache_type: fsspec's cache for reading; ``None``: one that reads ahead in parallel.
    :param encoding: of text; ``None``: UTF-8.
    :param errors: what to do with text that cannot be encoded or decoded; see ``open``.
    :param newline: how ends of lines are translated; see ``open``.
    :param size: not used: the store knows the size.
    :param autocommit: publish the object when the file is closed; otherwise at the end of the
        transaction.
    :param content_type: of the object; ``None``: guessed from its name.
    :param metadata: the user's metadata of the object.
    :param headers: further headers of the upload.
    """

    version_id: str | None
    cache_type: str | None
    encoding: str | None
    errors: str | None
    newline: str | None
    size: int | None
    autocommit: bool
    content_type: str | None
    metadata: Mapping[str, str] | None
    headers: Mapping[str, str] | None


class CopyOptions(TypedDict, total=False):
    """Keywords of ``mv`` that fsspec's interface has.

    :param batch_size: files at a time: not used; the driver's worker pool decides.
    """

    batch_size: int | None


class StorageOptions(TypedDict, total=False):
    """Options that fsspec defines for every file system.

    :param asynchronous: methods are called from a running event loop.
    :param batch_size: files at a time, of one call; ``None``: fsspec's default.
    :param listings_expiry_time: seconds that listings are cached; 60 if not passed.
    :param loop: the event loop to use.
    :param max_paths: number of listings in the cache; ``None``: any.
    :param skip_instance_cache: create a new instance, even if there is one with these options.
    :param use_listings_cache: cache listings.
    """

    asynchronous: bool
    batch_size: int | None
    listings_expiry_time: float | None
    loop: Any
    max_paths: int | None
    skip_instance_cache: bool
    use_listings_cache: bool
