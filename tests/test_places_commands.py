# SPDX-License-Identifier: Apache-2.0
"""Districts and networks at the command line: refused whole with the line named, loaded, listed, checked, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.exercise import places
from tests.wire_client import Client, report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.installation import Installation


def test_lists_are_loaded_checked_and_place_what_comes_in(installation: Installation, tmp_path: Path) -> None:
    districts, networks = tmp_path / "districts.csv", tmp_path / "networks.csv"
    districts.write_text("code,name,state\n9001,Ernakulam,Atlantis\n")
    assert "line 2" in installation.run("places", "import-districts", str(districts), expect=2).stderr
    installation.run("places", "import-districts", str(tmp_path / "missing.csv"), expect=2)
    districts.write_bytes(places.district_list())
    assert installation.json("places", "import-districts", str(districts))["rows"] == len(places.DISTRICTS)
    networks.write_bytes(places.network_places(1, ()))
    installation.run("places", "import-networks", str(networks), "--as-of", "yesterday", expect=2)
    installation.run("places", "import-networks", str(networks), "--as-of", "2026-09-01", "--kind", "cats", expect=2)
    loaded = installation.json("places", "import-networks", str(networks), "--as-of", "2026-09-01")
    assert loaded["passed_over"] == 0
    told = installation.json("places", "list")
    assert told["districts"][0]["in_use"] and told["networks"][0]["as_of"] == "2026-09-01"  # type: ignore[index]

    client = Client(installation.base, installation.reporter("Example Places"))
    assert client.finish(client.submit(report()).report_id).code == 0
    assert int(str(installation.json("routing", "rebuild")["tips"])) >= 1

    assert installation.json("places", "verify") == {"faults": []}
    (kept,) = (installation.home / "networks").iterdir()
    kept.rename(tmp_path / "taken-away")
    assert "load it again" in installation.run("places", "verify", expect=1).stdout
    (tmp_path / "taken-away").rename(kept)
