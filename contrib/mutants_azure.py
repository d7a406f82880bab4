# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in Azure Blob Storage; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

_AZURE = "libcloud/storage/azure"
_DRIVER = ("libcloud/test/storage/test_azure_blobs.py",)
_PROTOCOL = ("libcloud/test/storage/azure/test_protocol.py",)
_COPIES = ("libcloud/test/storage/azure/test_copies.py",)
_ACCESS = ("libcloud/test/storage/azure/test_access.py",)

MUTANTS = (
    Mutant(
        "ids of blocks have different lengths",
        f"{_AZURE}/requests.py",
        "{number:05}",
        "{number}",
        _PROTOCOL,
        caught_by="test_all_block_ids_of_an_upload_have_the_same_length",
    ),
    Mutant(
        "blocks of two uploads have the same ids",
        f"{_AZURE}/upload_port.py",
        "        return uuid.uuid4().hex\n",
        '        return "0" * 32\n',
        _DRIVER,
        caught_by="test_after_a_lost_response_the_blob_of_another_is_not_accepted",
    ),
    Mutant(
        "a success of any server is that of Azure",
        f"{_AZURE}/upload_port.py",
        "        if not etag:  # another",
        "        if False:  # another",
        _DRIVER,
        caught_by="test_a_success_without_an_etag_is_not_that_of_the_store",
    ),
    Mutant(
        "a blob of another upload passes for the one that was sent",
        f"{_AZURE}/upload_port.py",
        "same = bool(headers) and [block.id for block in found] == _blocks(parts)\n",
        "same = bool(headers) and len(found) == len(_blocks(parts))\n",
        _DRIVER,
        caught_by="test_after_a_lost_response_the_blob_of_another_is_not_accepted",
    ),
    Mutant(
        "blocks that stay are not reported",
        f"{_AZURE}/upload_port.py",
        '        """Nothing can be sent: the blocks stay until they expire."""\n'
        "        return self._has_sent_blocks\n",
        '        """Nothing can be sent: the blocks stay until they expire."""\n'
        "        return False\n",
        _DRIVER,
        caught_by="test_a_failing_source_leaves_the_old_blob",
    ),
    Mutant(
        "the conditions of an upload are not sent with the list of its blocks",
        f"{_AZURE}/upload_port.py",
        "        headers = dict(self._headers)\n",
        "        headers = {n: v for n, v in self._headers.items() if n != 'If-None-Match'}\n",
        _DRIVER,
        caught_by="test_conditions_hold",
    ),
    Mutant(
        "an existing blob is another error than a failed condition",
        f"{_AZURE}/errors.py",
        '        "BlobAlreadyExists",  # 409: the response to If-None-Match: *\n',
        "",
        _PROTOCOL,
        caught_by="test_a_code_has_its_exception",
    ),
    Mutant(
        "a lease is not released",
        f"{_AZURE}/upload_port.py",
        'self._lease("release", {"x-ms-lease-id": self._lease_id})\n',
        "pass\n",
        _DRIVER,
        caught_by="test_a_lease_is_held_renewed_by_no_one_else_and_released",
    ),
    Mutant(
        "a container is deleted with its blobs",
        "libcloud/storage/drivers/azure_blobs.py",
        "        if any(page.entries for page in self._blob_pages(container, limit=1)):\n",
        "        if False:\n",
        ("libcloud/test/storage/conformance/test_conformance.py",),
        caught_by="test_behaviour[fake-azure-a_container_with_an_object_is_not_deleted]",
    ),
    Mutant(
        "parts that no request removes are asked about again",
        "libcloud/storage/transfer/upload/machine.py",
        "        if send.step is Step.ABORT and parts_remain:",
        "        if False and parts_remain:",
        ("libcloud/test/storage/transfer/upload/test_machine.py",),
        caught_by="test_rule_4_parts_that_no_request_removes_are_reported",
    ),
    Mutant(
        "the CRC-64 of a block has the wrong byte order",
        f"{_AZURE}/checksums.py",
        'checksum.to_bytes(8, "little")',
        'checksum.to_bytes(8, "big")',
        ("libcloud/test/storage/azure/test_checksums.py",),
        caught_by="test_the_crc_64_is_that_of_azure",
    ),
    Mutant(
        "the CRC-64 of the last piece only",
        f"{_AZURE}/checksums.py",
        "crc64nvme(piece, checksum)",
        "crc64nvme(piece, 0)",
        ("libcloud/test/storage/azure/test_checksums.py",),
        caught_by="test_pieces_have_the_crc_64_of_the_whole",
    ),
    Mutant(
        "ids of blocks of shared uploads are longer than others",
        f"{_AZURE}/requests.py",
        '.ljust(_CONTENT_DIGITS, "0")',
        "",
        _PROTOCOL,
        caught_by="test_all_block_ids_of_an_upload_have_the_same_length",
    ),
    Mutant(
        "a token that was revoked is used until it expires",
        "libcloud/common/credentials/provider.py",
        "                self._cached = None\n        return True\n",
        "                pass\n        return True\n",
        _ACCESS,
        caught_by="test_a_token_that_is_revoked_during_an_upload_is_replaced",
    ),
    Mutant(
        "a wrong clock is not corrected",
        "libcloud/common/signing/__init__.py",
        "        connection.clock_offset = offset\n",
        "        pass\n",
        _ACCESS,
        caught_by="test_requests_are_signed_by_the_clock_of_the_store",
    ),
    Mutant(
        "the text of a credential's exception is shown",
        "libcloud/common/credentials/azure.py",
        "filter(None, [type(error).__name__, code and code[0]])",
        "[type(error).__name__, str(error)]",
        _ACCESS,
        caught_by="test_an_error_of_the_credential_is_the_cause_and_not_in_the_message",
    ),
    Mutant(
        "a missing container is no missing object",
        "libcloud/storage/transfer/download/start.py",
        "        raise MissingContainerError.of(error, obj.name) from error\n",
        "        raise\n",
        ("libcloud/test/storage/conformance/test_conformance.py",),
        caught_by="test_behaviour[fake-azure-"
        "objects_of_a_missing_container_cannot_be_read_or_deleted]",
    ),
    Mutant(
        "objects of a missing container count as deleted",
        "libcloud/storage/base.py",
        "if not is_gone or isinstance(error, MissingContainerError):",
        "if not is_gone:",
        _DRIVER,
        caught_by="test_objects_of_a_missing_container_are_not_counted_as_deleted",
    ),
    Mutant(
        "a page of a proxy says that a blob is missing",
        "libcloud/storage/transfer/naming_client.py",
        '("", "") if is_page else names)\n',
        "names)\n",
        ("libcloud/test/storage/test_azure_blobs.py",),
        caught_by="test_a_404_page_of_a_proxy_does_not_mean_that_a_blob_is_missing",
    ),
    Mutant(
        "a body that is made while it is sent is hashed as one buffer",
        "libcloud/utils/bodies.py",
        "body if isinstance(body, Pieces) else (body,)",
        "body if type(body) is Pieces else (body,)",
        ("libcloud/test/storage/scaleout/test_protocols.py",),
        caught_by="test_other_protocols_take_pieces_of_unknown_size[azure]",
    ),
    Mutant(
        "a lease is not renewed",
        f"{_AZURE}/upload_port.py",
        "if time.monotonic() - self._renewed > LEASE_SECONDS / 2:",
        "if False:",
        _DRIVER,
        caught_by="test_a_lease_is_renewed_after_half_of_its_time",
    ),
    Mutant(
        "a copy that failed leaves an empty blob",
        f"{_AZURE}/copying.py",
        '        if status != "success":\n            try:\n',
        "        if False:\n            try:\n",
        _COPIES,
        caught_by="test_a_copy_that_fails_leaves_no_empty_blob",
    ),
    Mutant(
        "a copy that was not aborted is deleted",
        f"{_AZURE}/copying.py",
        'if ended and left.get("x-ms-copy-id") == copy_id and left.get("content-length") == "0":',
        "if True:",
        _COPIES,
        caught_by="test_a_copy_that_succeeded_before_it_was_aborted_stays",
    ),
)
