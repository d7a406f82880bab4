# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: shapes that programs match on, and what is kept when they travel."""

from __future__ import annotations

import pickle

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage import types
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ContainerError,
    IncompleteListingError,
    InvalidObjectNameError,
    InvalidSourceError,
    MissingContainerError,
    ObjectDoesNotExistError,
    ObjectError,
    Provider,
    UploadOutcomeUnknownError,
)

ERRORS = [
    value
    for value in vars(types).values()
    if isinstance(value, type) and issubclass(value, LibcloudError) and value is not LibcloudError
]
CONTAINER_ERRORS = [error for error in ERRORS if issubclass(error, ContainerError)]
OBJECT_ERRORS = [
    error
    for error in ERRORS
    if issubclass(error, ObjectError) and not issubclass(error, ContainerError)
]


def test_every_error_has_its_place() -> None:
    assert set(ERRORS) == {
        *CONTAINER_ERRORS,
        *OBJECT_ERRORS,
        InvalidSourceError,
        IncompleteListingError,
    }
    assert len(CONTAINER_ERRORS) == 6
    assert len(OBJECT_ERRORS) >= 9


@pytest.mark.parametrize("error_type", CONTAINER_ERRORS)
def test_a_container_error_names_driver_container_and_value(
    error_type: type[ContainerError],
) -> None:
    error = error_type("broken", "driver", "photos")

    assert str(error) == f"<{error_type.__name__} in 'driver', container=photos, value=broken>"
    assert (error.value, error.driver, error.container_name) == ("broken", "driver", "photos")


@pytest.mark.parametrize("error_type", OBJECT_ERRORS)
def test_an_object_error_names_driver_value_and_object(error_type: type[ObjectError]) -> None:
    error = error_type(value="broken", driver="driver", object_name="cat")

    shown = "ContainerError" if error_type is ObjectError else error_type.__name__
    assert str(error) == repr(error) == f"<{shown} in 'driver', value=broken, object = cat>"
    assert (error.value, error.driver, error.object_name) == ("broken", "driver", "cat")


@pytest.mark.parametrize("error_type", ERRORS)
def test_an_error_states_what_happened_to_the_data(error_type: type[LibcloudError]) -> None:
    assert error_type.__doc__


@pytest.mark.parametrize(
    "error",
    [
        ContainerDoesNotExistError("v", "d", "c"),
        InvalidObjectNameError("v", "d", "o"),
        UploadOutcomeUnknownError("v", "d", "o", upload_id="id"),
        InvalidSourceError("v", driver="d"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_can_be_sent_to_another_process(error: LibcloudError) -> None:
    clone = pickle.loads(pickle.dumps(error))

    assert type(clone) is type(error)
    assert str(clone) == str(error)
    assert vars(clone) == vars(error)


def test_an_unknown_outcome_names_the_upload() -> None:
    assert UploadOutcomeUnknownError("v", None, "o", upload_id="id").upload_id == "id"
    assert UploadOutcomeUnknownError("v", None, "o").upload_id is None


def test_errors_of_arguments_are_also_those_of_python() -> None:
    assert issubclass(InvalidObjectNameError, ValueError)
    assert issubclass(InvalidSourceError, TypeError)
    assert issubclass(InvalidSourceError, AttributeError)


def test_an_object_without_container_is_reported_as_both() -> None:
    container = ContainerDoesNotExistError("v", "d", "c")
    container.status = 404  # type: ignore[attr-defined]  # as details of a response are attached
    error = MissingContainerError.of(container, "o")
    assert isinstance(error, ObjectDoesNotExistError)
    assert vars(error) == {**vars(container), "object_name": "o"}
    assert error.args == ("v", "d", "c", "o")


def test_providers_are_plain_text() -> None:
    names = {key: value for key, value in vars(Provider).items() if key.isupper()}

    assert len(names) == len(set(names.values())) == 41
    assert all(type(value) is str for value in names.values())
    assert Provider.S3_AP_SOUTHEAST2 == "s3_ap_southeast2"
    assert Provider.S3_AP_NORTHEAST1 == "s3_ap_northeast_1"
