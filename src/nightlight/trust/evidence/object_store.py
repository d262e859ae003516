# SPDX-License-Identifier: Apache-2.0
"""Encrypted files in an S3-compatible object store, uploaded in bounded memory.

Up to 8 MiB is one conditional PUT (``If-None-Match: *``), which S3 refuses if the key is taken; a service
that does not know the condition overwrites, as rclone's does. More becomes a multipart upload of 8 MiB parts,
for which ``obstore`` 0.12 offers no condition: we look beforehand. In both cases the locator's 128 random
bits stand behind. ``obstore`` cannot call off a multipart upload either: the parts of one given up stay,
invisible, until the bucket's lifecycle rule removes them (AbortIncompleteMultipartUpload; operators must set
it).

Tested against ``moto``, which is a mock of S3 and not S3.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from nightlight.trust.evidence.store import Absent, Occupied, Stored, StoreFailed, checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from obstore.store import ClientConfig, RetryConfig, S3Config
    from obstore.store import ObjectStore as Remote

    from nightlight.foundation.digests import Bytes
    from nightlight.trust.evidence.store import Writer

PART_SIZE = 8 * 1024 * 1024  # 10,000 parts at most, so 80 GiB for one file
_PARTS_AT_ONCE = 2
_CLIENT_OPTIONS = frozenset({"allow_http", "allow_invalid_certificates", "connect_timeout", "timeout", "proxy_url"})

# obstore's own three minutes would hold up a reporter who can try again himself.
_RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class _Upload(Protocol):
    def write(self, buffer: bytes, /) -> int: ...
    def close(self) -> None: ...


class ObjectStore:
    """Files as objects ``ab/ab12…`` in a bucket, or in memory for tests."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    @classmethod
    def from_url(cls, url: str, options: Mapping[str, str]) -> ObjectStore:
        """Connect to ``s3://bucket/prefix``. ``options`` are those of obstore's S3Config and ClientConfig.

        Without ``access_key_id`` the credentials come from where the AWS tools look (environment, instance
        role).
        """
        if not url.startswith("s3://"):
            raise ValueError("an object store is written s3://bucket/prefix")
        client = {name: value for name, value in options.items() if name in _CLIENT_OPTIONS}
        config = {name: value for name, value in options.items() if name not in _CLIENT_OPTIONS}
        try:
            return cls(
                S3Store.from_url(
                    url,
                    config=cast("S3Config", config),
                    client_options=cast("ClientConfig", client),
                    retry_config=_RETRY,
                )
            )
        except BaseError as error:
            raise StoreFailed(f"the vault's object store cannot be used: {_first_line(error)}") from error

    def create(self, locator: str) -> Writer:
        return _ObjectWriter(self._remote, _key(locator))

    def open(self, locator: str) -> Iterator[bytes]:
        with _translated(f"reading evidence file {locator}"):
            for piece in obstore.get(self._remote, _key(locator)).stream(min_chunk_size=1024 * 1024):
                yield bytes(piece)

    def size(self, locator: str) -> int | None:
        try:
            with _translated(f"looking for evidence file {locator}"):
                return obstore.head(self._remote, _key(locator))["size"]
        except Absent:
            return None

    def stored(self) -> Iterator[Stored]:
        with _translated("listing the vault"):
            for batch in obstore.list(self._remote, chunk_size=1000):
                for found in batch:
                    locator = found["path"].rpartition("/")[2]
                    try:
                        yield Stored(checked(locator), found["size"], found["last_modified"])
                    except ValueError:
                        continue  # somebody else's object; it is not ours to count or to remove

    def remove(self, locator: str) -> None:
        if self.size(locator) is None:  # S3 answers "done" to the removal of what is not there
            raise Absent(f"removing file {locator}: it is not in the vault")
        with _translated(f"removing file {locator}"):
            obstore.delete(self._remote, _key(locator))


class _ObjectWriter:
    def __init__(self, remote: Remote, key: str) -> None:
        self._remote = remote
        self._key = key
        self._held = bytearray()
        self._upload: _Upload | None = None

    def write(self, data: Bytes) -> None:
        self._held += data
        if len(self._held) > PART_SIZE:
            self._send()

    def _send(self) -> None:
        with _translated("sending an evidence file"):
            if self._upload is None:
                self._refuse_if_taken()
                self._upload = obstore.open_writer(
                    self._remote, self._key, buffer_size=PART_SIZE, max_concurrency=_PARTS_AT_ONCE
                )
            self._upload.write(bytes(self._held))
        self._held.clear()

    def commit(self) -> None:
        with _translated("making an evidence file durable"):
            if self._upload is None:
                obstore.put(self._remote, self._key, bytes(self._held), mode="create", use_multipart=False)
            else:
                self._send()
                self._refuse_if_taken()
                self._upload.close()
        self._held.clear()

    def abort(self) -> None:
        self._held.clear()
        self._upload = None  # never closed, so the object never comes to be

    def _refuse_if_taken(self) -> None:
        try:
            obstore.head(self._remote, self._key)
        except (NotFoundError, FileNotFoundError):
            return
        raise Occupied("creating an evidence file: there is a file already")


def _key(locator: str) -> str:
    return f"{checked(locator)[:2]}/{locator}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise Absent(f"{doing}: it is not in the vault") from error
    except AlreadyExistsError as error:
        raise Occupied(f"{doing}: there is a file already") from error
    except (BaseError, OSError) as error:
        raise StoreFailed(f"{doing}: {_first_line(error)}") from error
