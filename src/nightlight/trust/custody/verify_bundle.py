# SPDX-License-Identifier: Apache-2.0
"""Checks a custody bundle offline: that each entry in it is in the signed log, unchanged, and since when.

This one file is enough; it shares no code with the software that made the bundle. It needs Python 3.9 or
newer and the package "cryptography". Method: RFC 9162 section 2.1 (Merkle tree proofs),
c2sp.org/tlog-checkpoint (signed head).

    python verify_bundle.py BUNDLE.zip [--key PUBKEY] [--files DIR]

Ends with exit status 0 when everything in the bundle holds, and 1 when anything does not.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

DOCUMENTS = {"README.txt", "verify_bundle.py"}
CHECKPOINT = re.compile(r"([^\n]+)\n([1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\ntime ([0-9T:.-]+Z)\n")


class Failed(Exception):
    """Something in the bundle does not hold; the message says what."""


def need(condition: object, message: str) -> None:
    """Raise Failed with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message)


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node of the tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def inclusion_root(leaf: bytes, position: int, size: int, path: list[bytes]) -> bytes:
    """The root that `path` leads to from `leaf` (RFC 9162 section 2.1.3.2)."""
    need(0 <= position < size, "an entry lies outside the log")
    index, last, root = position, size - 1, leaf
    for sibling in path:
        need(last, "an inclusion proof is too long")
        if index & 1 or index == last:
            root = node(sibling, root)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = node(root, sibling)
        index, last = index >> 1, last >> 1
    need(last == 0, "an inclusion proof is too short")
    return root


def is_prefix(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 < old < new or not path:
        return False
    steps = [old_root, *path] if old & (old - 1) == 0 else path
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    from_old = from_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            from_old, from_new = node(step, from_old), node(step, from_new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            from_new = node(from_new, step)
        index, last = index >> 1, last >> 1
    return last == 0 and from_old == old_root and from_new == new_root


def read_keys(text: str) -> dict[tuple[str, bytes], bytes]:
    """Public keys by name and key id, one "name+keyid+base64" a line."""
    keys = {}
    for line in text.split():
        name, _, rest = line.partition("+")
        raw = base64.b64decode(rest.partition("+")[2], validate=True)
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        only_form = f"{name}+{key_id.hex()}+{base64.b64encode(raw).decode()}"
        need(line == only_form and raw[:1] == b"\x01" and len(raw) == 33, f"not a public key: {line}")
        keys[name, key_id] = raw[1:]
    need(keys, "no public key")
    return keys


def open_checkpoint(note: str, keys: dict[tuple[str, bytes], bytes]) -> tuple[str, int, bytes, str]:
    """Whose log, how many entries, their root, and when; Failed unless one of `keys` signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    found = CHECKPOINT.fullmatch(text)
    if not found or not lines.endswith("\n"):
        raise Failed("a checkpoint is malformed")
    origin, size, root, at = found.groups()
    signed = False
    for line in lines[:-1].split("\n"):
        need(line.startswith("\u2014 ") and line.count(" ") == 2, "a signature line is malformed")
        _, name, encoded = line.split(" ")
        data = base64.b64decode(encoded, validate=True)
        need(base64.b64encode(data).decode() == encoded, "a signature is not in its only form")
        public = keys.get((name, data[:4]))
        if public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(data[4:], text.encode())
        except InvalidSignature:
            raise Failed(f"the signature of the checkpoint of {size} entries is wrong") from None
        signed = signed or name == origin
    need(signed, f"the checkpoint of {size} entries is not signed by the key")
    return origin, int(size), base64.b64decode(root, validate=True), at


def read_bundle(path: Path) -> dict[str, bytes]:
    """All files of a bundle, from the ZIP or from the folder it was unpacked to."""
    if path.is_dir():
        found = [file for file in path.rglob("*") if not file.is_dir()]
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in found}
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        need(len(set(archive.namelist())) == len(entries), "the ZIP holds two files of one name")
        need(not archive.comment, "the ZIP holds a comment")
        need(all(entry.file_size <= 1 << 26 for entry in entries), "the ZIP holds an oversized file")
        return {entry.filename: archive.read(entry) for entry in entries}


def hashes(values: list[str]) -> list[bytes]:
    """The 32-byte hashes of a proof, from hex."""
    need(all(re.fullmatch("[0-9a-f]{64}", value) for value in values), "a proof holds more than hashes")
    return [bytes.fromhex(value) for value in values]


def stated_digests(data: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """Every value under a key "sha256" in the particulars of an entry."""
    if isinstance(data, dict):
        own = {data["sha256"]} if isinstance(data.get("sha256"), str) else set()
        return own.union(*map(stated_digests, data.values()))
    return set().union(*map(stated_digests, data)) if isinstance(data, list) else set()


def check_bundle(files: dict[str, bytes], trusted: str | None) -> tuple[list[str], set[str]]:
    """Check everything but attached files; return lines for the reader and the digests that entries state."""
    need("bundle.json" in files and "public-key.txt" in files, "this is not a complete custody bundle")
    manifest = json.loads(files["bundle.json"])
    need(manifest["v"] == 1, "the bundle is of a newer form; get a newer verify_bundle.py")
    need(set(manifest["documents"]) == DOCUMENTS, "the bundle does not list its documents")
    for name, digest in manifest["documents"].items():
        need(hashlib.sha256(files.get(name, b"")).hexdigest() == digest, f"{name} was changed")
    given = read_keys(files["public-key.txt"].decode())
    keys = read_keys(trusted) if trusted else given
    need(given.items() <= keys.items(), "the bundle was made under another key than the one given")

    expected = DOCUMENTS | {"bundle.json", "public-key.txt"}
    heads = []
    for stated in manifest["checkpoints"]:
        name = f"checkpoints/{stated['size']:012d}.txt"
        expected.add(name)
        head = open_checkpoint(files[name].decode(), keys)
        need(head[1] == stated["size"], f"{name} is the checkpoint of another size")
        heads.append((*head, hashes(stated["consistency"])))
    need(heads and manifest["events"], "the bundle is empty")
    origin, size, root, at, _ = heads[-1]
    for other, old_size, old_root, _, path in heads[:-1]:
        need(other == origin, "the checkpoints are of different logs")
        need(is_prefix(old_size, size, old_root, root, path), f"checkpoint {old_size} is contradicted later")

    lines, subjects, digests, last = [], set(), set(), -1
    for stated in manifest["events"]:
        position = stated["position"]
        name = f"events/{position:012d}.json"
        need(name in files and position > last, f"{name} is missing or out of order")
        expected.add(name)
        last = position
        leaf = hashlib.sha256(b"\x00" + files[name]).digest()
        path = hashes(stated["path"])
        need(inclusion_root(leaf, position, size, path) == root, f"{name} is not what the log holds")
        event = json.loads(files[name])
        subjects.add(event["subject"])
        digests |= stated_digests(event["data"])
        since = min((head[1], head[3]) for head in heads if head[1] > position)[1]
        facts = event["at"], event["kind"], "by", event["by"], "on", event["subject"], "signed", since
        lines.append("  " + " ".join(facts))
    need(subjects == set(manifest["subjects"]), "the entries are not about the subjects the bundle names")
    need(set(files) == expected, f"not part of the bundle: {', '.join(sorted(set(files) - expected))}")
    source = "as given" if trusted else "from the bundle itself: compare it with the published key"
    return [
        f"Log      {origin}: {size} entries, signed {at}",
        *(f"Key      {name}+{key_id.hex()} ({source})" for name, key_id in keys),
        f"Subjects {', '.join(sorted(subjects))}",
        f"Entries  {len(lines)}, each proved to be in the log:",
        *lines,
    ], digests


def check_files(folder: Path, digests: set[str]) -> list[str]:
    """Check that every file in `folder` is one whose digest an entry of the bundle states."""
    found = set()
    for path in sorted(file for file in folder.rglob("*") if not file.is_dir()):
        sha256 = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1024 * 1024):
                sha256.update(block)
        need(sha256.hexdigest() in digests, f"{path.name}: no entry states its SHA-256 {sha256.hexdigest()}")
        found.add(sha256.hexdigest())
    need(found, f"{folder} holds no files")
    return [f"Files    {len(found)} digests match; {len(digests - found)} more are stated without a file here"]


def main(arguments: list[str]) -> int:
    """Check the bundle named on the command line; 0 when it holds, 1 when not."""
    parser = argparse.ArgumentParser(description="Check a custody bundle offline.")
    parser.add_argument("bundle", type=Path, help="the ZIP, or the folder it was unpacked to")
    parser.add_argument("--key", help="the published public key, or a file that holds it")
    parser.add_argument("--files", type=Path, help="a folder of files to compare with the entries")
    options = parser.parse_args(arguments)
    try:
        key = options.key
        trusted = Path(key).read_text(encoding="utf-8") if key and Path(key).is_file() else key
        lines, digests = check_bundle(read_bundle(options.bundle), trusted)
        if options.files:
            lines += check_files(options.files, digests)
        lines, status = [*lines, "VALID"], 0
    except Failed as error:
        lines, status = [f"NOT VALID: {error}"], 1
    except ModuleNotFoundError as error:
        lines, status = [f"NOT CHECKED: install the Python package {error.name} first"], 1
    except Exception as error:
        lines, status = [f"NOT VALID: the bundle is damaged ({type(error).__name__}: {error})"], 1
    for line in lines:  # plain ASCII, so that nothing in a bundle can command the terminal
        sys.stdout.write("".join(char if " " <= char <= "~" else "?" for char in line) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
