"""Objects of the store as files: read in any order, range by range, and never another object than was written."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import boto3
import pytest

from include.artifacts.s3 import S3Store
from include.core.errors import Retriable, VerificationFailed
from include.core.stored_file import StoredFile
from tests.unit.stand_ins import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(100))


def stored(data: bytes = CONTENT) -> StoredFile:
    store = MemoryStore()
    store.objects["k"] = data
    return StoredFile(store, "k", size=len(CONTENT))


def test_it_can_be_read_in_any_order() -> None:
    file = stored()
    assert (file.seek(-10, io.SEEK_END), file.read(3)) == (90, bytes([90, 91, 92]))
    assert (file.seek(5, io.SEEK_CUR), file.tell(), file.read()) == (98, 98, bytes([98, 99]))
    assert (file.read(1), file.seek(0), file.read(2)) == (b"", 0, bytes([0, 1]))


@pytest.mark.parametrize("size", [1, 7, 33, 100, 1_000])
def test_all_of_it_is_read_whatever_is_read_at_once(size: int) -> None:
    assert io.BufferedReader(stored(), size).read() == CONTENT
    assert b"".join(iter(partial(stored().read, size), b"")) == CONTENT


@pytest.mark.parametrize(("data", "word"), [(CONTENT + b"x", "more"), (CONTENT[:-1], "fewer"), (b"", "fewer")])
def test_an_object_of_another_length_is_not_what_was_written(data: bytes, word: str) -> None:
    file = stored(data)
    with pytest.raises(VerificationFailed, match=f"{word} bytes") as caught:
        file.read()
    assert file.error is caught.value


@pytest.fixture
def breaking_off() -> Iterator[str]:
    """A server that promises a hundred bytes and sends ten."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with closing(connection):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 100\r\n\r\n" + CONTENT[:10])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_store_that_breaks_off_can_be_asked_again(breaking_off: str) -> None:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    store = S3Store.connect(session, {"bucket": "b", "endpoint_url": breaking_off}, prefix="p", part_bytes=5)
    with pytest.raises(Retriable, match="does not answer"):
        StoredFile(store, "k", size=100).read()
