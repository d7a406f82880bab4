# SPDX-License-Identifier: Apache-2.0
"""Where this library departs from the names and signatures of Apache Libcloud 3.9.1, and why."""

from __future__ import annotations

__all__ = ["DIFFERENCES"]

DIFFERENCES: dict[str, str] = {
    "libcloud.test.make_response": "None stands for no headers: a default dict would be shared",
    "libcloud.storage.drivers.dummy.DummyStorageDriver._add_object": "objects hold their data",
    "libcloud.storage.drivers.local.LocalStorageDriver._check_container_name": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_obj_file_path": "done by _download",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_objects": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._make_path": "done by _open_new",
    "libcloud.utils.files._optimized_chunked_generator": "one generator serves all sizes",
}
