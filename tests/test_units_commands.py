# SPDX-License-Identifier: Apache-2.0
"""Units and posts at the command line: a list loads once, faults are told line by line, nothing is half done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.installation import Installation

HEADER = "code,name,kind,parent,areas\n"


def test_a_list_with_a_fault_loads_nothing(installation: Installation, tmp_path: Path) -> None:
    faulty = tmp_path / "units.csv"
    faulty.write_text(f"{HEADER}Q-1,One,station,IN,\nQ-2,Two,village,IN,\nQ-3,Three,station,NOWHERE,\n")
    told = installation.run("unit", "load", str(faulty), expect=2).stderr
    assert "line 3" in told
    assert "line 4" in told
    assert "Nothing was loaded" in told
    codes = [unit["code"] for unit in installation.json("unit", "list")["units"]]  # type: ignore[attr-defined]
    assert "Q-1" not in codes


def test_a_list_is_loaded_once_and_told_where_it_differs(installation: Installation, tmp_path: Path) -> None:
    units = tmp_path / "units.csv"
    units.write_text(f"{HEADER}L-S,Lakes station,station,L-D,PIN:431\nL-D,Lakes district,district,IN,LGD:482\n")
    assert installation.json("unit", "load", str(units)) == {"added": 2, "kept": 0, "different": []}
    units.write_text(units.read_text().replace("Lakes station", "Lake station"))
    again = installation.json("unit", "load", str(units))
    assert (again["added"], again["kept"]) == (0, 2)
    assert again["different"] == [
        {"code": "L-S", "what": "name", "here": "Lakes station", "listed": "Lake station"},
    ]


def test_a_person_is_given_a_post_moved_and_ended(installation: Installation) -> None:
    for code in ("W-1", "W-2"):
        installation.json("unit", "add", code, "--name", f"Post {code}", "--kind", "station")
    assert "already" in installation.run("unit", "add", "W-1", "--name", "X", "--kind", "station", expect=2).stderr
    installation.json("person", "add", "wanda", "--role", "investigator", "--unit", "W-1")
    installation.run("person", "post", "nobody", "--role", "commander", "--unit", "W-1", expect=2)
    installation.run("person", "post", "wanda", "--role", "auditor", "--unit", "W-1", expect=2)
    given = installation.json("person", "post", "wanda", "--role", "commander", "--unit", "W-1")
    moved = installation.json("person", "transfer", str(given["post"]), "--to", "W-2")
    assert (moved["unit"], moved["role"]) == ("W-2", "commander")
    installation.run("person", "end", str(given["post"]), expect=2)
    assert installation.json("person", "end", str(moved["post"]))["ends_at"]
    people = {person["username"]: person for person in installation.json("person", "list")["people"]}  # type: ignore[attr-defined]
    assert [post["role"] for post in people["wanda"]["posts"]] == ["investigator"]


def test_only_a_country_with_a_list_is_seeded(installation: Installation) -> None:
    installation.run("unit", "seed", "atlantis", expect=2)
    done = installation.json("unit", "seed", "india")
    assert (done["added"], done["kept"]) == (36, 1)
    again = installation.json("unit", "seed", "india")
    assert (again["added"], again["kept"]) == (0, 37)


def test_a_forgotten_password_is_replaced_and_shown_once(installation: Installation) -> None:
    assert "no person" in installation.run("person", "password", "nobody-here", expect=2).stderr
    first = installation.json("person", "add", "forgetful", "--role", "investigator")["password"]
    second = installation.json("person", "password", "forgetful")["password"]
    assert first != second
    # The earlier one no longer opens; the new one does (form posts as a browser makes them).
    assert not _signs_in(installation, "forgetful", str(first))
    assert _signs_in(installation, "forgetful", str(second))


def _signs_in(installation: Installation, name: str, password: str) -> bool:
    with httpx.Client(base_url=installation.base, timeout=60) as browser:
        page = browser.get("/accounts/login/")
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        answer = browser.post(
            "/accounts/login/",
            data={"csrfmiddlewaretoken": token, "login": name, "password": password},
            headers={"Referer": installation.base},
        )
        return answer.status_code == 302
