# SPDX-License-Identifier: Apache-2.0
"""Whom a request goes to: by network number, against choosing the operator by a part of the network's name.

Over all networks (AS) of a routing table labelled with one country. The truth is the name the registry gives the
network: an addressee is wrong where the request would go to an operator that is not the network of that name. The
directory holds no names of networks, only numbers; a network without an entry is its own addressee. The habit measured
beside it is that of a public letter tool, applied to names of networks: the first operator whose mark stands anywhere
in the name ("VI" for Vodafone Idea: serVIces, diVIsion). A company of the operator's own group counts as right for it.

The numbers in the directory were taken from the same table as the names of the truth, so this shows that choosing by
number and day leads nobody astray, not that the directory is complete or still right today.

Example: python benches/attribution_operators.py --json --table india-asn-ipv4.csv.gz
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from nightlight.casework.attribution.operators_reading import shipped

TABLE = Path(__file__).parents[2] / "shared" / "reference" / "ip" / "india" / "india-asn-ipv4.csv.gz"
# The marks of the habit, in its order, and the words by which a name really is of that group.
HABIT = (
    ("JIO", "jio", ("JIO",)),
    ("RELIANCE", "jio", ("JIO",)),
    ("AIRTEL", "airtel", ("AIRTEL",)),
    ("VODAFONE", "vi", ("VODAFONE",)),
    ("IDEA", "vi", ("VODAFONE",)),
    ("VI", "vi", ("VODAFONE",)),
    ("BSNL", "bsnl", ("BSNL",)),
)
# The legal names under which the registry lists the networks of the directory's operators: the truth, apart from it.
NAMES = {
    "airtel": ("Bharti Airtel Limited", "Bharti Airtel Ltd., TELEMEDIA Services, for SMB customers"),
    "jio": ("Reliance Jio Infocomm Limited",),
    "vi": ("Vodafone Idea Ltd. (VIL)",),
    "bsnl": ("Bharat Sanchar Nigam Ltd",),
    "mtnl": ("Mahanagar Telephone Nigam Limited",),
    "act": ("Atria Convergence Technologies Pvt. Ltd.,",),
    "hathway": ("HATHWAY CABLE AND DATACOM LIMITED",),
    "tata-communications": ("Tata Communications Limited",),
    "tata-teleservices": ("Tata Teleservices (Maharashtra) Ltd",),
    "railtel": (
        "RailTel Corporation of India Ltd.",
        "RailTel Corporation is an Internet Service Provider.",
        "RailTel Corporation is an Internet Service Provider",
    ),
    "sify": ("Sify Limited",),
    "excitel": ("Excitel Broadband Private Limited",),
    "you-broadband": ("YOU Broadband & Cable India Ltd.",),
}


def networks(table: Path) -> tuple[dict[int, str], dict[int, tuple[str, int]]]:
    """Return each network's name, and its first address with how many addresses it has."""
    names: dict[int, str] = {}
    sizes: dict[int, tuple[str, int]] = {}
    with gzip.open(table, "rt", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            asn, first, last = int(row["asn"]), ip_address(row["start"]), ip_address(row["end"])
            names.setdefault(asn, row["as_name"])
            start, count = sizes.get(asn, (row["start"], 0))
            sizes[asn] = (start, count + int(last) - int(first) + 1)
    return names, sizes


def by_habit(name: str) -> str | None:
    """Return the operator whose mark stands in the name first, None where none does."""
    return next((code for mark, code, _words in HABIT if mark in name.upper()), None)


def habit_is_right(name: str, code: str) -> bool:
    """Whether the name really is of that operator's group."""
    return any(word in name.upper() for _mark, of, words in HABIT if of == code for word in words)


def measure(table: Path) -> dict[str, float | int]:
    """Count the wrong addressees of both ways over the table."""
    names, sizes = networks(table)
    directory, at = shipped("in"), datetime(2026, 6, 17, tzinfo=UTC)
    truth = {name: code for code, said in NAMES.items() for name in said}
    wrong = missed = habit_wrong = habit_to_vi = habit_missed = habit_space = 0
    began = time.process_time()
    chosen = {asn: directory.holder(asn, sizes[asn][0], at, network=name) for asn, name in names.items()}
    spent = time.process_time() - began
    for asn, name in names.items():
        found = chosen[asn]
        code = found.operator.code if found.operator else None
        wrong += code != truth.get(name) if code else found.addressee != name
        missed += code is None and name in truth
        guess = by_habit(name)
        astray = guess is not None and not habit_is_right(name, guess)
        habit_wrong += astray
        habit_to_vi += astray and guess == "vi"
        unseen = guess is None and truth.get(name) in {"airtel", "jio", "vi", "bsnl"}
        habit_missed += unseen
        habit_space += sizes[asn][1] if astray or unseen else 0
    return {
        "networks": len(names),
        "wrong": wrong,
        "own_entry_missed": missed,
        "habit_wrong": habit_wrong,
        "habit_wrong_to_vi": habit_to_vi,
        "habit_not_recognised": habit_missed,
        "habit_share_of_addresses": round(habit_space / sum(size for _start, size in sizes.values()), 4),
        "choices_per_s": round(len(names) / spent) if spent else 0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="the same; it takes a second")
    parser.add_argument("--table", type=Path, default=TABLE)
    given = parser.parse_args()
    if not given.table.exists():
        print(f"{given.table} is not there: give --table", file=sys.stderr)
        return 2
    found = measure(given.table)
    if given.json:
        print(json.dumps(found))
        return 0
    for name, value in found.items():
        print(f"{name:<26} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
