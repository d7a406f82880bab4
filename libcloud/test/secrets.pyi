# SPDX-License-Identifier: Apache-2.0
STORAGE_S3_PARAMS: tuple[str, str]
STORAGE_GOOGLE_STORAGE_PARAMS: tuple[str, str]
STORAGE_AZURE_BLOBS_PARAMS: tuple[str, str]
STORAGE_AZURITE_BLOBS_PARAMS: tuple[str, str]
