# SPDX-License-Identifier: Apache-2.0
"""Reading hash lists: VIC JSON against ijson (yajl2_c) and json.load, in one run, over one generated file.

Every way runs in a process of its own, so that its peak memory is its own; rates are records per CPU-second. Each way
runs several times, in turns, and its best run counts. All ways do the same work: MD5 and SHA-1 from hex to bytes,
PhotoDNA from base64 to bytes. Two more compare what the product does: fill columns with ids, categories, digests and
what the source claims. The digests are random; the file stands for no list.

Run: ``python benches/matching_lists.py [records]`` or call :func:`vic`.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from multiprocessing.connection import Connection

    from nightlight.pipeline.matching.lists.source import Source

HEAD = (
    '{"@odata.context":"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media",'
    '"value":['
)
RECORD = (
    '{"MediaID":%d,"Category":%d,"MD5":"%s","SHA1":"%s","PhotoDNA":"%s","MediaSize":%d,'
    '"DateUpdated":"2026-03-01T10:00:00Z","VictimIdentified":%s,"OffenderIdentified":false,"IsDistributed":%s,'
    '"IsPrecategorized":true,"Series":"","Tags":""}'
)
REPEATS = 3


def write_vic(path: Path, records: int, *, seed: int = 20260301) -> None:
    """Write a hash set of one line: random digests, fields as published importers read them."""
    rnd = random.Random(seed)
    with path.open("w", encoding="ascii") as out:
        out.write(HEAD)
        for number in range(1, records + 1):
            digests = rnd.randbytes(180)
            out.write("," * (number > 1))
            out.write(
                RECORD
                % (
                    number,
                    number % 6,
                    digests[:16].hex().upper(),
                    digests[16:36].hex().upper(),
                    base64.b64encode(digests[36:]).decode(),
                    rnd.randrange(1, 8_000_000),
                    "true" if number % 5 == 0 else "false",
                    "true" if number % 2 else "false",
                )
            )
        out.write("]}")


def _open(path: str) -> Source:
    from nightlight.pipeline.matching.lists.source import Source

    return Source(Path(path).open("rb", buffering=0))


def bare(path: str) -> int:
    """Our parser with three fields."""
    import msgspec

    from nightlight.pipeline.matching.lists import values
    from nightlight.pipeline.matching.lists.jsonstream import Chunk, JsonStream

    three = msgspec.defstruct(
        "Three", [("MD5", str), ("SHA1", str), ("PhotoDNA", bytes)], gc=False, namespace={"__module__": __name__}
    )
    many, one = msgspec.json.Decoder(list[three]), msgspec.json.Decoder(three)  # type: ignore[valid-type]
    stream, count = JsonStream(_open(path).readinto), 0
    for key in stream.members():
        if key != "value":
            stream.value()
            continue
        for chunk in stream.records((many,), one):
            assert isinstance(chunk, Chunk)
            records: list[Any] = chunk.records
            md5 = values.column("md5", [record.MD5 for record in records])
            sha1 = values.column("sha1", [record.SHA1 for record in records])
            photodna = [record.PhotoDNA for record in records]
            assert md5 and sha1 and len(md5) == len(sha1) == len(photodna)
            count += len(md5)
    return count


def batches(path: str) -> int:
    """The product's reader: batches of columns, as the importer gets them."""
    from nightlight.pipeline.matching.lists import rows, vic

    return sum(len(item) for item in vic.read(_open(path).readinto) if isinstance(item, rows.Batch))


def batches_made(path: str) -> int:
    """The product's reader, and every value of every column asked for, the claims and PhotoDNA texts too."""
    from nightlight.pipeline.matching.lists import rows, vic

    count = 0
    for item in vic.read(_open(path).readinto):
        if isinstance(item, rows.Batch):
            claims, opaque = list(item.claims), list(item.opaque)
            assert len(claims) == len(opaque)
            count += len(item)
    return count


def ijson_bare(path: str) -> int:
    """The peer: ijson over yajl2_c."""
    from ijson.backends import yajl2_c

    count = 0
    with Path(path).open("rb") as file:
        for record in yajl2_c.items(file, "value.item"):
            bytes.fromhex(record["MD5"]), bytes.fromhex(record["SHA1"]), base64.b64decode(record["PhotoDNA"])
            count += 1
    return count


def ijson_batches(path: str) -> int:
    """The peer, filling the same columns, chunk by chunk, and checking what the product checks (lengths, base64)."""
    from ijson.backends import yajl2_c

    count = 0
    columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
    with Path(path).open("rb") as file:
        for record in yajl2_c.items(file, "value.item"):
            md5, sha1 = bytes.fromhex(record.pop("MD5")), bytes.fromhex(record.pop("SHA1"))
            photodna = record.pop("PhotoDNA")
            assert len(md5) == 16 and len(sha1) == 20 and len(base64.b64decode(photodna)) == 144
            values = (
                str(record.pop("MediaID")),
                str(record.pop("Category")),
                md5,
                sha1,
                {"PhotoDNA": photodna},
                record,
            )
            for column, value in zip(columns, values, strict=True):
                column.append(value)
            count += 1
            if len(columns[0]) == 256:
                columns = ([], [], [], [], [], [])
    return count


def json_load(path: str) -> int:
    """The standard library: the whole file at once."""
    with Path(path).open("rb") as file:
        records = json.load(file)["value"]
    for record in records:
        bytes.fromhex(record["MD5"]), bytes.fromhex(record["SHA1"]), base64.b64decode(record["PhotoDNA"])
    return len(records)


WAYS: dict[str, Callable[[str], int]] = {
    "nightlight_bare": bare,
    "nightlight_batches": batches,
    "nightlight_batches_made": batches_made,
    "ijson": ijson_bare,
    "ijson_batches": ijson_batches,
    "json_load": json_load,
}


RATIOS = (
    ("vic_ratio", "nightlight_bare", "ijson"),
    ("batches_to_ijson", "nightlight_batches", "ijson"),
    ("batches_to_ijson_batches", "nightlight_batches", "ijson_batches"),
    ("made_to_ijson_batches", "nightlight_batches_made", "ijson_batches"),
)


def _measured(name: str, path: str, answer: Connection) -> None:
    started = time.process_time()
    count = WAYS[name](path)
    spent = time.process_time() - started
    # Of this process alone: getrusage would begin with what the process held that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    answer.send((count, spent, peak))


def _run(name: str, path: str) -> tuple[int, float, float]:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(name, path, send))
    process.start()
    send.close()
    try:
        found: tuple[int, float, float] = receive.recv()
    finally:
        process.join()
    return found


def vic(records: int = 1_000_000, *, repeats: int = REPEATS, ways: Collection[str] = ()) -> dict[str, float]:
    """Generate a hash set and read it every way, or only by ``ways``; ratios are of those that were taken.

    Returns, for each way, ``<way>_per_cpu_s`` (best of the repeats) and ``<way>_peak_mb``; and the ratios:
    ``vic_ratio`` (same work: ours bare to ijson), ``batches_to_ijson`` (the product's columns against ijson's plain
    dicts, which do less), ``batches_to_ijson_batches`` (both fill columns), ``json_load_memory_ratio`` (peak of
    json.load to the product's).
    """
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vic.json"
        write_vic(path, records)
        result |= {"n": records, "bytes": path.stat().st_size}
        for turn in range(repeats):
            for name in ways or WAYS:
                if name == "json_load" and turn:  # once is enough: its memory is the point
                    continue
                count, spent, peak = _run(name, str(path))
                assert count == records, (name, count)
                result[f"{name}_per_cpu_s"] = max(result.get(f"{name}_per_cpu_s", 0.0), records / spent)
                result[f"{name}_peak_mb"] = max(result.get(f"{name}_peak_mb", 0.0), peak)
    for name, one, other in RATIOS:
        if f"{one}_per_cpu_s" in result and f"{other}_per_cpu_s" in result:
            result[name] = result[f"{one}_per_cpu_s"] / result[f"{other}_per_cpu_s"]
    if "json_load_peak_mb" in result:
        result["json_load_memory_ratio"] = result["json_load_peak_mb"] / result["nightlight_batches_peak_mb"]
    return result


if __name__ == "__main__":
    for key, value in vic(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000).items():
        print(f"{key:32} {value:,.2f}")
