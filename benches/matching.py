# SPDX-License-Identifier: Apache-2.0
"""Matching against what is in use elsewhere: look-ups, fingerprints, lists, each beside its peer in the same run.

The peers are the ``threatexchange`` package (its index is what HMA serves), faiss, ijson and json.load. All ask the
same questions of the same data; where answers can be compared they must be the same, or the run fails. Rates are per
second of processor time. The parts lie beside: ``matching_index.py``, ``matching_pdq.py``, ``matching_lists.py``.

    python benches/matching.py                    # everything, at 10,000,000 hashes; half an hour and 12 GB of memory
    python benches/matching.py --size 1000000     # everything, smaller
    python benches/matching.py --quick --json     # 1,000,000 hashes, what matters most; one JSON object last
"""

from __future__ import annotations

import argparse
from typing import Any

import matching_index
import matching_lists
import matching_pdq
from telling import run, told

FULL, QUICK = 10_000_000, 1_000_000
OWN_AT_MOST = 1_000_000
# Hash and eight look-ups of ours, against hash and one of the peer: of one 12-megapixel picture.
_TURNS = 8


def quick() -> dict[str, Any]:
    """Look-ups at a million, fingerprints of two pictures of each size, and the reading of a shorter list."""
    index = told("look-ups", matching_index.pairs, QUICK, 1000, load=False)
    pictures = told("fingerprints", matching_pdq.pictures, 1)
    lists = told(
        "lists", matching_lists.vic, 300_000, repeats=2, ways=("nightlight_bare", "nightlight_batches", "ijson")
    )
    return {"parts": {"pairs": index, "pictures": pictures, "vic": lists}, **_summary(index, pictures, lists)}


def full(size: int) -> dict[str, Any]:
    """Everything that the README states."""
    # The peer's own index takes minutes to write and read at ten million: loading is compared at a million.
    index = told("look-ups", matching_index.pairs, size, 2000, load=size <= QUICK)
    pictures = told("fingerprints", matching_pdq.pictures, 6)
    lists = told("lists", matching_lists.vic, 1_000_000)
    loading = index if size <= QUICK else told("loading", matching_index.pairs, QUICK, 500, faiss=False)
    parts = {
        "pairs": index,
        "loading": loading,
        "plain": told(
            "look-ups without the compiled core", matching_index.pairs, size, 500, compiled=False, faiss=False
        ),
        "skew": told("look-ups among crops", matching_index.skew, size),
        "effect": told("until a change counts", matching_index.effect, size),
        "digests": told("digests", matching_index.digests, size),
        "own": told("our own files in PostgreSQL", matching_index.own, min(size, OWN_AT_MOST)),
        "pictures": pictures,
        "vic": lists,
    }
    return {"parts": parts, **_summary(index, pictures, lists)}


def _summary(index: dict[str, Any], pictures: dict[str, Any], lists: dict[str, Any]) -> dict[str, Any]:
    large, small = pictures["12 MP"], pictures["1 MP"]
    way = "compiled" if "compiled_ms" in large else "numpy"
    ours = large[f"{way}_ms"] + 1000 * _TURNS / index["nightlight_batch_qps"]
    peers = large["peer_ms"] + 1000 / index["threatexchange_single_qps"]
    return {
        "n": index["n"],
        "recall": min(index["single_recall"], index["batch_recall"]),
        "qps": round(index["nightlight_single_qps"], 1),
        "threatexchange_qps": round(index["threatexchange_single_qps"], 1),
        "ratio_to_threatexchange": round(index["single_ratio"], 1),
        "faiss_qps": round(index["faiss_single_qps"], 1),
        "ratio_to_faiss": round(index["single_ratio_to_faiss"], 1),
        "batch_qps": round(index["nightlight_batch_qps"], 1),
        "batch_ratio_to_threatexchange": round(index["batch_ratio"], 1),
        "batch_ratio_to_faiss": round(index["batch_ratio_to_faiss"], 1),
        "pdq_ratio": large[f"{way}_ratio"],
        "pdq_ratio_1_megapixel": small[f"{way}_ratio"],
        "pdq_bits_off_at_most": max(row[f"{way}_bits_off_at_most"] for row in pictures.values()),
        "hash_and_eight_look_ups_ratio": round(peers / ours, 1),
        "vic_ratio": round(lists["vic_ratio"], 2),
        "vic_ratio_of_the_importer": round(lists["batches_to_ijson"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} hashes, under a minute")
    parser.add_argument("--size", type=int, default=FULL, help=f"hashes, unless quick (default {FULL:,})")
    run(parser, lambda chosen: quick() if chosen.quick else full(chosen.size))


if __name__ == "__main__":
    main()
