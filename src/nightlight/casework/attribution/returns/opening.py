# SPDX-License-Identifier: Apache-2.0
"""A return as it comes: text, spreadsheet, gzip, zip of many, zip in zip. What is not opened is named, never skipped.

Nothing is unpacked to a named place. Sizes are counted while reading, not taken from what an archive claims. The zip
format is that of PKWARE's APPNOTE; its old cipher is read with a password, the AES of others is refused with advice.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self, cast

from nightlight.casework.attribution.returns.texts import Text, text_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

_SEVEN_ZIP, _RAR, _OLE, _PDF, _GZIP = b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_AES = 99
_ENCRYPTED, _STRONG = 0x1, 0x40
# Where the parts of a workbook lie (ECMA-376 part 2 and the programs' custom; OpenDocument 1.2 part 3).
_OOXML_PARTS = (
    "[Content_Types].xml",
    "_rels/",
    "xl/",
    "docProps/",
    "customXml/",
    "docMetadata/",
    "package/",
    "customUI/",
)
_ODS_PARTS = (
    *("mimetype", "META-INF/", "Configurations", "Thumbnails/", "Pictures/", "Object", "Basic/", "Dialogs/"),
    *(f"{part}.xml" for part in ("content", "styles", "meta", "settings", "layout-cache")),
    *("manifest.rdf", "layout-cache"),
)
_IN_MEMORY = 1 << 20  # an inner archive larger than this goes to an unnamed file
ADVICE = {
    "7z": "7z archives are not opened here. Unpack it on the evidence machine, zip the files, and keep both hashes.",
    "rar": "RAR archives are not opened here. Unpack it on the evidence machine, zip the files, and keep both hashes.",
    "zip-aes": "The zip is encrypted with AES. Unpack it with the operator's password and zip the files without one.",
    "zip-strong": "The zip is encrypted in its maker's own way. Unpack it there and zip the files again.",
    "zip-password-needed": "The zip needs the operator's password.",
    "zip-password-wrong": "None of the passwords given opens this file.",
    "zip-method": "The zip is compressed by a method that is not read here. Unpack it and zip the files again.",
    "zip-damaged": "The zip is damaged. Ask for it again.",
    "gzip-damaged": "The gzip file is damaged. Ask for it again.",
    "too-deep": "Archives lie too deep inside each other.",
    "too-many-files": "The archive holds too many files.",
    "too-large": "Unpacked, this is larger than is opened here.",
    "pdf": "A PDF holds no rows that can be matched with certainty. Ask for CSV or a spreadsheet.",
    "sheet-encrypted": "The spreadsheet has a password. Save it without one, and keep both hashes.",
    "sheet-damaged": "The spreadsheet cannot be read.",
    "sheets-several": "Several sheets of the workbook hold rows. Save each as a file of its own.",
    "tables-several": "A second table with other columns begins further down. Save each table as a file of its own.",
    "beside-workbook": "This lies in the workbook's file and is no part of the workbook. Ask for it by itself.",
    "empty": "The file is empty.",
}


class ReturnRefused(Exception):
    """A return, or a file in it, that is not opened. ``code`` is one of ADVICE."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(f"{name}: {ADVICE[code]}" if name else ADVICE[code])
        self.code, self.name, self.explanation = code, name, ADVICE[code]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is opened at the most; sizes in bytes, unpacked."""

    size: int = 16 << 30
    files: int = 10_000
    depth: int = 3
    sheet: int = 256 << 20


@dataclass(frozen=True, slots=True)
class NotOpened:
    """A file of a return that was not opened, and why."""

    name: str
    code: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Table:
    """A file of a return that may hold rows: `text()` a stream of lines, or a workbook's bytes.

    `name` leads there: "return.zip/inner.zip/log.csv". Valid as long as the `Return` it came from is open.
    """

    name: str
    is_sheet: bool
    open: Callable[[], IO[bytes]] = field(repr=False)

    def text(self) -> Text:
        """The lines, in UTF-8 or something like it. Reading raises ReturnRefused where the archive is damaged."""
        return text_stream(self.open())


class Return:
    """An operator's answer as a file. Iterating gives each file in it: a `Table`, or what could not be opened."""

    def __init__(
        self, file: IO[bytes], name: str, *, passwords: Sequence[str] = (), limits: Limits | None = None
    ) -> None:
        """`file` can be sought in and stays the caller's."""
        self._file, self._name, self._passwords = file, name, tuple(passwords)
        self._limits = limits or Limits()
        self._left, self._files = self._limits.size, 0
        self._open: list[IO[bytes] | zipfile.ZipFile] = []

    def __enter__(self) -> Self:
        """Nothing is read yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened inside; tables are of no use afterwards."""
        for opened in reversed(self._open):
            opened.close()

    def __iter__(self) -> Iterator[Table | NotOpened]:
        """Every file, in the order of the archive."""
        return self._tables(self._file, self._name, 0)

    def _tables(self, file: IO[bytes], name: str, depth: int) -> Iterator[Table | NotOpened]:
        try:
            file.seek(0)
            kind = _kind(file)
            if kind in ADVICE:
                raise ReturnRefused(kind, name)
            if kind == "zip":
                yield from self._members(file, name, depth)
            elif kind == "sheet":
                unpacked = _size(file)
                if unpacked <= self._limits.sheet:
                    unpacked = max(unpacked, _unpacked(file, self._limits.sheet))
                # What one workbook unpacks to counts against what the whole return may hold.
                self._left -= unpacked
                if unpacked > self._limits.sheet or self._left < 0:
                    raise ReturnRefused("too-large", name)
                for beside in _beside(file):
                    yield NotOpened(f"{name}/{_shown(beside)}", "beside-workbook", ADVICE["beside-workbook"])
                yield Table(name, True, lambda: _from_start(file))
            elif kind == "gzip":
                yield Table(name, False, lambda: self._metered(_gunzip(file), name))
            else:
                yield Table(name, False, lambda: _from_start(file))
        except ReturnRefused as refused:
            yield NotOpened(name, refused.code, refused.explanation)

    def _members(self, file: IO[bytes], name: str, depth: int) -> Iterator[Table | NotOpened]:
        if depth >= self._limits.depth:
            raise ReturnRefused("too-deep", name)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
            raise ReturnRefused("zip-damaged", name) from error
        self._open.append(archive)
        for info in archive.infolist():
            if info.is_dir():
                continue
            self._files += 1
            if self._files > self._limits.files:
                raise ReturnRefused("too-many-files", name)
            inner = f"{name}/{_shown(info.filename)}"
            try:
                yield from self._member(archive, info, inner, depth)
            except ReturnRefused as refused:
                yield NotOpened(inner, refused.code, refused.explanation)

    def _member(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, depth: int
    ) -> Iterator[Table | NotOpened]:
        password = self._password(archive, info, name)
        with _unzip(archive, info, password, name) as stream:
            head = _reading(stream, name).read(8)
        if not head:
            raise ReturnRefused("empty", name)
        if head.startswith((*_ZIPS, _OLE, _GZIP)):
            # Archives in archives, and spreadsheets, have to be sought in: they go to an unnamed file, counted.
            spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - closed by __exit__
            self._open.append(spool)
            with self._metered(_unzip(archive, info, password, name), name) as source:
                while block := source.read(_IN_MEMORY):
                    spool.write(block)
            yield from self._tables(spool, name, depth + 1)
        elif (code := _kind_of(head)) in ADVICE:
            raise ReturnRefused(code, name)
        else:
            yield Table(name, False, lambda: self._metered(_unzip(archive, info, password, name), name))

    def _metered(self, stream: IO[bytes], name: str) -> IO[bytes]:
        return cast("IO[bytes]", io.BufferedReader(_Metered(self, stream, name), 1 << 18))

    def _password(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes | None:
        """The password that opens a file; None where it needs none."""
        if info.compress_type == _AES:
            raise ReturnRefused("zip-aes", name)
        if not info.flag_bits & _ENCRYPTED:
            return None
        if info.flag_bits & _STRONG:
            raise ReturnRefused("zip-strong", name)
        if not self._passwords:
            raise ReturnRefused("zip-password-needed", name)
        for password in (text.encode() for text in self._passwords):
            # Only one byte is checked, so one wrong password in 256 gets further: a first piece has to unpack too.
            try:
                with archive.open(info, pwd=password) as stream:
                    stream.read(1 << 14)
            except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, OSError):
                continue
            return password
        raise ReturnRefused("zip-password-wrong", name)


class _Metered(io.RawIOBase):
    """A stream that counts what comes out of it against what the whole return may hold, and names damage."""

    def __init__(self, whole: Return, stream: IO[bytes], name: str) -> None:
        self._whole, self._stream, self._name = whole, _reading(stream, name), name
        self._source = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        self._whole._left -= len(block)
        if self._whole._left < 0:
            raise ReturnRefused("too-large", self._name)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._source.close()
        super().close()


@dataclass(slots=True)
class _Reading:
    stream: IO[bytes]
    name: str

    def read(self, size: int) -> bytes:
        try:
            return self.stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise ReturnRefused("zip-damaged", self.name) from error
        except (gzip.BadGzipFile, OSError) as error:
            raise ReturnRefused("gzip-damaged", self.name) from error


def _reading(stream: IO[bytes], name: str) -> _Reading:
    return _Reading(stream, name)


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, password: bytes | None, name: str) -> IO[bytes]:
    try:
        return archive.open(info, pwd=password)
    except NotImplementedError as error:
        raise ReturnRefused("zip-method", name) from error
    except (RuntimeError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise ReturnRefused("zip-damaged", name) from error


def _gunzip(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=_from_start(file)))


def _kind(file: IO[bytes]) -> str:
    """What a file is by its content: "zip", "sheet", "gzip", "text", or the code of a refusal."""
    head = file.read(8)
    file.seek(0)
    if not head:
        return "empty"
    if head.startswith(_OLE):
        return "sheet-encrypted" if _holds(file, "EncryptedPackage".encode("utf-16-le")) else "sheet"
    if head.startswith(_ZIPS):
        return "sheet" if _is_workbook(file) else "zip"
    return _kind_of(head)


def _kind_of(head: bytes) -> str:
    for magic, kind in ((_SEVEN_ZIP, "7z"), (_RAR, "rar"), (_PDF, "pdf"), (_GZIP, "gzip")):
        if head.startswith(magic):
            return kind
    return "text"


def _is_workbook(file: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
        return False
    finally:
        file.seek(0)
    workbook = any(name.startswith(("xl/workbook", "xl\\workbook")) for name in names)
    return (workbook and "[Content_Types].xml" in names) or {"mimetype", "content.xml"} <= set(names)


def _beside(file: IO[bytes]) -> list[str]:
    """The files in a zipped workbook that are no part of it."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [info.filename.replace("\\", "/") for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
        return []
    finally:
        file.seek(0)
    parts = _ODS_PARTS if "mimetype" in names else _OOXML_PARTS
    return [name for name in names if not name.startswith(parts)]


def _unpacked(file: IO[bytes], most: int) -> int:
    """How large a zipped workbook really is, read as far as `most`; 0 for one that is no zip."""
    total = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                with archive.open(info) as stream:
                    while total <= most and (block := stream.read(1 << 20)):
                        total += len(block)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError, NotImplementedError):
        return total
    finally:
        file.seek(0)
    return total


def _holds(file: IO[bytes], needle: bytes) -> bool:
    """Whether the first 64 kB of a file, or its last, hold these bytes (the directory of an OLE file)."""
    start = file.read(1 << 16)
    file.seek(max(0, _size(file) - (1 << 16)))
    end = file.read()
    file.seek(0)
    return needle in start or needle in end


def _size(file: IO[bytes]) -> int:
    here = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(here)
    return size


def _from_start(file: IO[bytes]) -> IO[bytes]:
    """The same file, read from its start by a reader of its own place; closing the reader leaves the file open."""
    return cast("IO[bytes]", io.BufferedReader(_Window(file), 1 << 18))


class _Window(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: _size(self._file)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)


def _shown(name: str) -> str:
    """A file's name without characters that steer a terminal or lead elsewhere."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:200]
