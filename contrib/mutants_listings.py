# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of listings: their pages, and names that XML cannot express; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"
_S3 = "libcloud/storage/s3"
_CLIENT = "libcloud/storage/transfer/client.py"

_PAGES = (f"{_TESTS}/storage/test_s3_pages.py",)
_SCANNING = ("libcloud/test/storage/s3/test_scanning.py",)
_PREFIXES = (f"{_TESTS}/storage/test_listed_prefixes.py",)
_LISTED_NAMES = (f"{_TESTS}/storage/test_s3_listed_names.py",)

MUTANTS = (
    Mutant(
        "escape sequences of names are removed from a pipe",
        "libcloud/cli/listing.py",
        "    click.echo(line, color=True)",
        "    click.echo(line)",
        ("libcloud/test/cli/test_escapes.py",),
        caught_by="test_names_are_written_unchanged_into_a_pipe",
    ),
    Mutant(
        "a listing that cannot continue ends",
        _CLIENT,
        "                raise IncompleteListingError(\n",
        "                return\n                raise IncompleteListingError(\n",
        _PAGES,
        caught_by="test_a_listing_that_cannot_continue_is_an_error",
    ),
    Mutant(
        "names that do not begin with the prefix are taken for objects of S3",
        _CLIENT,
        "            self.check_listed(found, prefix, what)\n",
        "",
        _PREFIXES,
        caught_by="test_the_command_uses_none_of_the_names[rm --recursive s3://bucket//dir]",
    ),
    Mutant(
        "all versions that are listed count as those with the prefix",
        f"{_S3}/objects.py",
        "        prefix=start,\n",
        "",
        _PREFIXES,
        caught_by="test_s3_lists_no_name_without_the_prefix",
    ),
    Mutant(
        "all uploads that are listed are aborted, whatever the prefix",
        f"{_S3}/multipart.py",
        "prefix=prefix, kind=kind",
        "kind=kind",
        _PREFIXES,
        caught_by="test_uploads_without_the_prefix_are_not_aborted",
    ),
    Mutant(
        "names that do not begin with the prefix are taken for blobs",
        "libcloud/storage/azure/client.py",
        "            prefix=prefix,\n",
        "",
        _PREFIXES,
        caught_by="test_azure_lists_no_name_without_the_prefix[all_objects]",
    ),
    Mutant(
        "names that do not begin with the prefix are taken for objects of Swift",
        "libcloud/storage/swift/client.py",
        "container_name=container_name, prefix=prefix, marker=marker",
        "container_name=container_name, marker=marker",
        _PREFIXES,
        caught_by="test_swift_lists_no_name_without_the_prefix",
    ),
    Mutant(
        "only the last marker of a listing is remembered",
        _CLIENT,
        "                seen.add(hash(marker))",
        "                seen = {hash(marker)}",
        _PAGES,
        caught_by="test_a_listing_that_cannot_continue_is_an_error",
    ),
    Mutant(
        "a scanned page may have its objects in another element",
        f"{_S3}/nodes.py",
        "if len(found) != 1 or Node(found[0]).name != _PLACE:",
        "if len(found) != 1:",
        _SCANNING,
        caught_by="test_any_other_document_is_parsed",
    ),
    Mutant(
        "a scanned page may have anything between its objects",
        f"{_S3}/nodes.py",
        "    if len(texts) == 1 or any(texts[::width]):",
        "    if len(texts) == 1:",
        _SCANNING,
        caught_by="test_objects_of_another_form_are_parsed",
    ),
    Mutant(
        "objects of a listing that are in two places are not all found",
        f"{_S3}/nodes.py",
        'in ("Contents", _PLACE)]',
        "in (_PLACE,)]",
        _SCANNING,
        caught_by="test_any_other_document_is_parsed",
    ),
    Mutant(
        "a scanned name has entities",
        f"{_S3}/nodes.py",
        '"([^<>&]+)"',
        '"([^<>]+)"',
        _SCANNING,
        caught_by="test_names_are_those_that_the_parser_finds",
    ),
    Mutant(
        "buckets are listed by one request",
        f"{_S3}/responses.py",
        "    truncated = _is_truncated(root, token is not None)\n",
        "    truncated = False\n",
        _PAGES,
        caught_by="test_all_pages_of_the_containers_are_read",
    ),
    Mutant(
        "a carriage return in a name becomes a line feed",
        f"{_S3}/nodes.py",
        'if b"\\r" in document or len',
        "if len",
        _LISTED_NAMES,
        caught_by="test_one_strange_name_alone",
    ),
    Mutant(
        "names that are replaced are believed",
        f"{_S3}/listing.py",
        "    if kind in known or not _is_doubtful(fetched[0]):",
        "    if True:",
        _LISTED_NAMES,
        caught_by="test_a_store_that_encodes_gets_one_unencoded_listing",
    ),
    Mutant(
        "a store that says that it encodes is believed",
        f"{_S3}/listing.py",
        "    return found == expected or found != decoded",
        "    return True",
        _LISTED_NAMES,
        caught_by="test_a_false_claim_to_encode_is_detected",
    ),
    Mutant(
        "bytes that are not UTF-8 are replaced",
        f"{_S3}/responses.py",
        'partial(decode, errors="surrogateescape")',
        'partial(decode, errors="replace")',
        _LISTED_NAMES,
        caught_by="test_every_name_is_listed_as_it_is",
    ),
)
