# SPDX-License-Identifier: Apache-2.0
"""Pickles of errors: they say what happened, and hold neither the driver nor what it knows."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import requests

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.google import GoogleBaseError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.http import NetworkError
from libcloud.storage import types
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy

KEY, SECRET, TOKEN = "AKIAEXAMPLE", "hush-secret", "hush-token"


class Driver(S3StorageDriver):
    ex_retry_policy = RetryPolicy(attempts=1)


DRIVER = Driver(KEY, SECRET, token=TOKEN, endpoint_url="http://127.0.0.1:1")

ERRORS: list[Any] = [
    LibcloudError("what", DRIVER),
    LibcloudError("what", Driver),
    MalformedResponseError("what", "body", DRIVER),
    InvalidCredsError("what", DRIVER),
    GoogleBaseError("what", 404, "notFound", DRIVER),
    types.ContainerDoesNotExistError("what", DRIVER, "name"),
    types.ObjectDoesNotExistError("what", DRIVER, "name"),
    types.MissingContainerError("what", DRIVER, "container", "name"),
    types.UploadOutcomeUnknownError("what", DRIVER, "name", upload_id="id"),
    types.InvalidObjectNameError("what", DRIVER, "name"),
    types.InvalidSourceError("what", DRIVER),
    BaseHTTPError(500, "what", {"a": "b"}),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_from_a_pickle_without_its_driver(error: Any) -> None:
    data = pickle.dumps(error)
    back = pickle.loads(data)
    assert type(back) is type(error)
    assert "what" in str(back)
    for name in ("value", "http_code", "code", "container_name", "object_name", "upload_id"):
        assert getattr(back, name, None) == getattr(error, name, None)
    if hasattr(error, "driver"):
        assert back.driver is Driver
    assert b"hush" not in data and DRIVER not in back.args
    assert vars(copy.copy(error)) == vars(error) and copy.copy(error).args == error.args


def test_an_error_of_the_network_comes_back_as_both_families() -> None:
    container = Container("bucket", {}, DRIVER)
    for action in (
        lambda: list(DRIVER.iterate_containers()),
        lambda: DRIVER.upload_object_via_stream(iter([b"x"]), container, "key"),
    ):
        with pytest.raises(NetworkError) as caught:
            action()
        data = pickle.dumps(caught.value)
        back = pickle.loads(data)
        assert isinstance(back, NetworkError) and isinstance(back, requests.ConnectionError)
        assert str(back.value) == str(caught.value.value)
        assert b"hush" not in data and b"Signature=" not in data
