# SPDX-License-Identifier: Apache-2.0
"""The words of looking at a file: what is wanted, what may be spent, what comes back, and why a file is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIB = 1 << 20
SMALLEST, LARGEST = 32, 2048  # longest side in pixels
MOST_FRAMES = 24
LONGEST_WATERMARK = 80
MOST_HASHES = 600  # of a film
MOST_HASHES_OF_AN_ANIMATION = 24
MOST_PIXELS = 16 << 20  # of all pictures of one rendition together


class Kind(StrEnum):
    """The formats that are shown. Everything else is refused."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    HEIF = "heif"
    MP4 = "mp4"
    WEBM = "webm"
    PDF = "pdf"

    @property
    def moving(self) -> bool:
        """Whether it is a film."""
        return self in (Kind.MP4, Kind.WEBM)


class Why(StrEnum):
    """Why there is no rendition."""

    NOT_ON_THE_LIST = "not-on-the-list"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    NO_SUCH_PART = "no-such-part"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    TOO_MUCH_MEMORY = "too-much-memory"
    CRASHED = "crashed"
    NO_SANDBOX = "no-sandbox"
    NO_PICTURE = "no-picture"

    @property
    def sentence(self) -> str:
        """A sentence for the person who wanted to look."""
        return _SENTENCES[self]


_SENTENCES = {
    Why.NOT_ON_THE_LIST: "This is not one of the formats that can be shown here.",
    Why.DAMAGED: "The file is damaged: it could not be read to the end.",
    Why.ENCRYPTED: "The document is locked with a password.",
    Why.NO_SUCH_PART: "The file has no such page or frame.",
    Why.TOO_LARGE: "The file or the picture in it is too large to be shown here.",
    Why.TOO_SLOW: "Reading the file took too long and was stopped.",
    Why.TOO_MUCH_MEMORY: "Reading the file took too much memory and was stopped.",
    Why.CRASHED: "The program that reads the file failed on it and was stopped.",
    Why.NO_SANDBOX: "This computer cannot shut in the program that reads files, so no file is opened.",
    Why.NO_PICTURE: "A document is not a picture that could be compared with others.",
}


@dataclass(frozen=True)
class Cost:
    """What a child process took: wall-clock and processor seconds, and the most memory it held, in bytes.

    Linux starts the count of memory at what the server itself holds: from a large server it says little.
    """

    wall_seconds: float
    cpu_seconds: float
    memory: int


class RenditionRefused(Exception):
    """There is no picture of this file. ``why`` says in which case; ``cost`` is None where no process ran."""

    def __init__(self, why: Why, cost: Cost | None = None) -> None:
        super().__init__(why.sentence)
        self.why = why
        self.cost = cost


@dataclass(frozen=True)
class Wanted:
    """What an officer wants to see.

    ``size`` is the longest side in pixels, 32 to 2048. Of a film or an animation ``frames`` (1 to 24) evenly spaced
    ones are meant: all of them, or only the one numbered ``frame`` from 0. ``page`` of a document counts from 1.
    ``watermark`` says who looks and when; it is drawn into every picture. Raises ValueError for anything else.
    """

    watermark: str
    size: int = 96
    grey: bool = True
    frame: int | None = None
    frames: int = 6
    page: int = 1

    def __post_init__(self) -> None:
        if not (SMALLEST <= self.size <= LARGEST):
            raise ValueError(f"a rendition is {SMALLEST} to {LARGEST} pixels long")
        if not (1 <= self.frames <= MOST_FRAMES and (self.frame is None or 0 <= self.frame < self.frames)):
            raise ValueError(f"1 to {MOST_FRAMES} frames are shown, and counted from 0")
        if not (1 <= self.page < 1_000_000):
            raise ValueError("pages are counted from 1")
        if self.pictures * self.size**2 > MOST_PIXELS:
            raise ValueError("so many pictures are shown in a smaller size")
        mark = self.watermark
        if not (mark.strip() and len(mark) <= LONGEST_WATERMARK and mark.isascii() and mark.isprintable()):
            raise ValueError(f"a watermark is 1 to {LONGEST_WATERMARK} printable ASCII characters")

    @property
    def pictures(self) -> int:
        """How many pictures come back at most."""
        return self.frames if self.frame is None else 1

    @property
    def channels(self) -> int:
        """Bytes of a pixel."""
        return 1 if self.grey else 3


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Measured values stand in docs/decisions/0014-renditions.md.

    ``picture_bytes`` and ``film_bytes`` bound the original, which is held in memory while it is looked at. ``pixels``
    bounds what is decoded at once, ``declared_pixels`` what a JPEG may claim before it is decoded at a smaller scale.
    ``memory`` is what decoding may add to what the libraries themselves take.
    """

    picture_bytes: int = 128 * MIB
    film_bytes: int = 1024 * MIB
    pixels: int = 64_000_000
    declared_pixels: int = 256_000_000
    memory: int = 512 * MIB
    cpu_seconds: int = 20
    wall_seconds: float = 30.0


DEFAULT = Limits()


@dataclass(frozen=True)
class Protections:
    """What held the child in while it read the file; each is tried, and each is said.

    ``landlock`` is the version of the kernel's file and network rules, 0 where it has none.
    """

    resource_limits: bool
    no_new_privileges: bool
    no_capabilities: bool
    nobody: bool
    network_namespace: bool
    landlock: int
    system_calls: bool

    @property
    def enough(self) -> bool:
        """Whether a file may be opened: no network and no files, each closed by one layer at the least."""
        basics = self.resource_limits and self.no_new_privileges
        return basics and (self.system_calls or (self.network_namespace and self.landlock > 0))


@dataclass(frozen=True)
class Picture:
    """One still: a PNG made of nothing but pixels. ``at`` is its time in the film, in seconds."""

    png: bytes
    width: int
    height: int
    at: float | None = None


@dataclass(frozen=True)
class Rendition:
    """What may be shown of a file. ``duration``, in seconds, and ``pages`` are None where they mean nothing."""

    format: Kind
    pictures: tuple[Picture, ...]
    duration: float | None
    pages: int | None
    protections: Protections
    cost: Cost


@dataclass(frozen=True)
class FrameHash:
    """The perceptual fingerprint of one frame (see ``foundation.pdq``).

    ``at`` is its time in the film or animation, in seconds. ``dihedral`` holds the hashes it would have if it were
    turned, in the order of ``pdq.Orientation``: eight for a picture; for a film only the first, which is ``hash``.
    """

    at: float | None
    hash: bytes
    quality: int
    dihedral: tuple[bytes, ...]


@dataclass(frozen=True)
class Measured:
    """What a file looks like, to be compared with others.

    ``width`` and ``height`` are in pixels, ``duration`` is in seconds. ``frames_seen`` says how many frames were
    decoded to find ``frames``.
    """

    format: Kind
    width: int
    height: int
    duration: float | None
    frames: tuple[FrameHash, ...]
    frames_seen: int
    cost: Cost
    protections: Protections
