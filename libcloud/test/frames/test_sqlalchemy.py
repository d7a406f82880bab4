# SPDX-License-Identifier: Apache-2.0
"""sqlalchemy-file: files in the columns of a table, their bytes in a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy_file import File, FileField
from sqlalchemy_file.storage import StorageManager

from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.frames.conftest import BUCKET
from libcloud.test.storage.conformance.harness import pattern

LARGE = pattern(12 * 1024 * 1024 + 1)
Base: Any = declarative_base()


class Attachment(Base):  # type: ignore[misc]  # made at run time, by sqlalchemy
    __tablename__ = "attachment"
    id = Column(Integer, primary_key=True)
    content = Column(FileField)


@pytest.fixture
def session(driver: Any) -> Iterator[Session]:
    StorageManager._clear()
    StorageManager.add_storage("default", driver.get_container(BUCKET))
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
    StorageManager._clear()


def stored(session: Session, content: Any, **options: Any) -> Any:
    session.add(Attachment(content=File(content=content, **options)))
    session.commit()
    return session.query(Attachment).one()


@pytest.mark.parametrize("data", [b"", b"some text", LARGE], ids=["empty", "small", "large"])
def test_a_file_is_stored_with_its_row(session: Session, tmp_path: Any, data: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(data)
    with open(tmp_path / "x.bin", "rb") as source:
        row = stored(session, source)
    assert row.content.filename == "x.bin"
    assert row.content.size == len(data)
    assert row.content.file.read() == data


def test_a_part_of_a_file_is_read(session: Session) -> None:
    row = stored(session, b"0123456789")
    assert row.content.file.read(4) == b"0123"


def test_metadata_and_type_are_those_of_the_object(session: Session, driver: Any) -> None:
    row = stored(session, b"<p>", filename="a.html", content_type="text/html")
    obj = driver.get_object(BUCKET, row.content.file_id)
    assert obj.extra["content_type"] == "text/html"
    assert obj.meta_data["filename"] == "a.html"


def test_a_transaction_that_is_rolled_back_leaves_no_object(session: Session, driver: Any) -> None:
    session.add(Attachment(content=File(content=b"x")))
    session.flush()
    container = driver.get_container(BUCKET)
    assert len(container.list_objects()) == 1
    session.rollback()
    assert container.list_objects() == []


def test_a_row_that_is_deleted_takes_its_object_along(session: Session, driver: Any) -> None:
    row = stored(session, b"x")
    name = row.content.file_id
    session.delete(row)
    session.commit()
    with pytest.raises(ObjectDoesNotExistError):
        driver.get_object(BUCKET, name)
