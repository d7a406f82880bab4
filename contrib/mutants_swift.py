# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of the drivers for Swift; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_SWIFT = "libcloud/storage/swift"
_UPLOADS = ("libcloud/test/storage/swift/test_uploads.py",)

MUTANTS = (
    Mutant(
        "the old segments go before the new manifest is stored",
        f"{_SWIFT}/upload_port.py",
        "            self._replaced = self._segments_to_replace()\n",
        "            self._replaced = self._segments_to_replace()\n"
        "            self._delete_replaced()\n",
        _UPLOADS,
        caught_by="test_the_segments_of_an_overwritten_object_go_after_the_new_manifest",
    ),
    Mutant(
        "a container that keeps versions loses their segments",
        f"{_SWIFT}/upload_port.py",
        "        if self._keeps_versions:\n",
        "        if False:\n",
        _UPLOADS,
        caught_by="test_a_container_with_versions_keeps_the_old_segments",
    ),
    Mutant(
        "an identical object of before passes for the new one",
        f"{_SWIFT}/upload_port.py",
        "            if not self._refers_to(self._upload_id):\n",
        "            if False:\n",
        _UPLOADS,
        caught_by="test_a_lost_response_to_the_manifest_is_confirmed_by_its_segments",
    ),
    Mutant(
        "the segments of a manifest that may still appear are deleted",
        f"{_SWIFT}/upload_port.py",
        "effect_unknown=step is Step.COMPLETE)",
        "effect_unknown=False)",
        _UPLOADS,
        caught_by="test_segments_are_kept_while_a_refused_manifest_may_still_appear",
    ),
    Mutant(
        "the ETag of a manifest that was sent without one is not compared",
        f"{_SWIFT}/upload_port.py",
        "        return self._compared(response, expected), dict(response.headers)\n",
        "        if not self._client.etag_of_manifest:\n"
        "            return expected, dict(response.headers)\n"
        "        return self._compared(response, expected), dict(response.headers)\n",
        ("libcloud/test/storage/swift/test_copies.py",),
        caught_by="test_a_manifest_without_an_etag_is_compared",
    ),
    Mutant(
        "a clean-up deletes the segments of versions",
        f"{_SWIFT}/deletion.py",
        "    return not client.third_party and keeps_versions(client.head(container_name))\n",
        "    return False\n",
        _UPLOADS,
        caught_by="test_versions_keep_their_segments",
    ),
    Mutant(
        "a page that is shorter than a limit without meaning is the last one",
        f"{_SWIFT}/profiles.py",
        "listing_limit=min(_number",
        "listing_limit=max(_number",
        ("libcloud/test/storage/swift/test_downloads.py",),
        caught_by="test_a_short_page_is_the_last_one_of_swift_alone[reported0-4]",
    ),
    Mutant(
        "a clock that is ahead makes uploads look old",
        "libcloud/storage/transfer/client.py",
        "        return min(now, http_date(",
        "        return max(now, http_date(",
        _UPLOADS,
        caught_by="test_an_upload_that_is_kept_is_listed_and_cleaned_up",
    ),
    Mutant(
        "a large object whose manifest is not shown has no segments",
        f"{_SWIFT}/multipart.py",
        "        if deletion.is_static_large(client.head(container_name, name, what)):\n",
        "        if False:\n",
        ("libcloud/test/storage/swift/test_copies.py",),
        caught_by="test_a_store_that_shows_no_manifests_loses_no_segments",
    ),
    Mutant(
        "a copy has the segments of the original",
        "libcloud/storage/drivers/swift.py",
        "        if not swift.deletion.is_static_large(client.head(*target, what)):\n",
        "        if True:\n",
        ("libcloud/test/storage/swift/test_copies.py",),
        caught_by="test_a_copy_does_not_share_the_segments_of_the_original",
    ),
    Mutant(
        "a copy onto itself is deleted",
        "libcloud/storage/drivers/swift.py",
        "        if (obj.container.name, obj.name) == target:\n",
        "        if False:\n",
        ("libcloud/test/storage/swift/test_copies.py",),
        caught_by="test_a_copy_does_not_share_the_segments_of_the_original",
    ),
    Mutant(
        "a stale listing decides what is published",
        f"{_SWIFT}/multipart.py",
        "        published = published_ids(client, container_name, key)\n",
        "        published: set[str] = set()\n",
        _UPLOADS,
        caught_by="test_an_upload_that_is_published_during_a_cleanup_is_kept",
    ),
    Mutant(
        "a name that is cut short is the name of the object",
        f"{_SWIFT}/multipart.py",
        "        key = _whole_name(client, container_name, short)\n",
        "        key = short\n",
        _UPLOADS,
        caught_by="test_an_unpublished_upload_to_the_longest_name_is_listed",
    ),
    Mutant(
        "a refused token is not renewed",
        "libcloud/storage/transfer/naming_client.py",
        "            if recoveries == _RECOVERIES or not recover(detail):\n",
        "            if True:\n",
        _UPLOADS,
        caught_by="test_the_token_is_renewed_during_an_upload",
    ),
    Mutant(
        "segments expire before their manifest",
        f"{_SWIFT}/upload_port.py",
        "str(int(seconds) + _LATER)",
        "str(int(seconds))",
        _UPLOADS,
        caught_by="test_segments_expire_after_their_manifest",
    ),
    Mutant(
        "segments do not expire with their object",
        f"{_SWIFT}/upload_port.py",
        "            **_expiry(self._headers),\n",
        "",
        _UPLOADS,
        caught_by="test_segments_expire_after_their_manifest",
    ),
    Mutant(
        "a copy loses the properties of the object",
        "libcloud/storage/drivers/swift.py",
        "sent = {**property_headers(found.extra, given), **given}",
        "sent = dict(given)",
        ("libcloud/test/storage/swift/test_copies.py",),
        caught_by="test_a_copy_keeps_the_properties_of_the_object",
    ),
    Mutant(
        "segments that were published again are deleted",
        "libcloud/storage/swift/upload_port.py",
        "unused = [name for name in names if name not in used]",
        "unused = names",
        ("libcloud/test/storage/swift/test_uploads.py",),
        caught_by="test_segments_that_another_upload_publishes_again_are_kept",
    ),
    Mutant(
        "a password is sent to the host that a redirect names",
        "libcloud/storage/drivers/cloudfiles_connection.py",
        "if not is_redirect or not _is_same_place(url, target):",
        "if not is_redirect:",
        ("libcloud/test/storage/swift/test_authentication.py",),
        caught_by="test_a_secret_is_not_sent_to_another_host",
    ),
    Mutant(
        "a given token that is refused sends the key to the default identity service",
        "libcloud/storage/drivers/cloudfiles_connection.py",
        "            if not self._renews:\n                return False\n",
        "",
        ("libcloud/test/storage/swift/test_authentication.py",),
        caught_by="test_a_given_token_that_is_refused_sends_the_key_nowhere",
    ),
    Mutant(
        "a manifest whose answer is another success counts as refused",
        "libcloud/storage/transfer/naming_client.py",
        "                if is_expected or response.status in range(200, 300):\n",
        "                if is_expected:\n",
        ("libcloud/test/storage/swift/test_uploads.py",),
        caught_by="test_a_web_page_in_place_of_the_response_to_a_manifest_costs_no_segments",
    ),
)
