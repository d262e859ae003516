# SPDX-License-Identifier: Apache-2.0
"""What is exported is read by programs that expect the layout of the download: paths of keys, nulls, nothing else.

`Tool` below is such a program, written from the published description of the layout alone. It knows nothing of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import build
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.formats.cybertip_json_names import PLACES, TRAITS
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.people import Party, Person, Role
from nightlight.pipeline.tips.reading import FileReading, InternetDetail, Reading, ReceivedFile
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON, FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import Text
from nightlight.pipeline.tips.withholding import withhold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.tips.reading import Json

PERSON_KEYS = {
    "firstName middleName lastName preferredName gender preferredPronouns dateOfBirth approximateAge",
    "physicalDescription vehicleDescription vehicleTagNumber occupation espService espUserId ipAddress",
    "relationshipToReporter relationshipToChildVictim accessToChildVictim accessToChildren accessToFirearms",
    "convictedSexOffender awareOfReport gangAffiliation additionalContactInformation languages races disabilities",
    "additionalDisabilityInformation screenName emails phones addresses sourceInformation additionalInformations",
}
FILE_KEYS = {
    "filename originalFilename submittalId verificationHash viewedByEsp industryClassification ncmecTags espMetadata",
    "sourceInformation additionalInformations",
}


@dataclass
class Tool:
    """Reads a download as the known tools do: by path, a missing or null step giving nothing; a BOM is stripped."""

    body: bytes

    def __post_init__(self) -> None:
        self.tip: Any = json.loads(self.body.decode("utf-8-sig"))

    def at(self, path: str, of: Any = None) -> Any:  # noqa: ANN401 - JSON
        """What stands at a path of keys."""
        found = self.tip if of is None else of
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def each(self, path: str, of: Any = None) -> list[Any]:  # noqa: ANN401 - JSON
        """The items of the list at a path; none where it is null or absent."""
        return self.at(path, of) or []

    def people(self) -> Iterator[dict[str, Any]]:
        """Suspects, then recipients."""
        yield from self.each("reportedInformation.reportedPeople.reportedPersons")
        yield from self.each("reportedInformation.intendedRecipients.intendedRecipients")

    def files(self) -> list[dict[str, Any]]:
        """Files that were uploaded."""
        return self.each("reportedInformation.uploadedFiles.uploadedFiles")

    def captures(self, kind: str) -> Iterator[tuple[str, str | None, str | None, int | None]]:
        """Value, time, event and port of every capture of a kind, of people, files, and places."""
        details = self.at("reportedInformation.incidentDetails") or {}
        places = [place for kind in details.values() for place in kind or []]
        for holder in (*self.people(), *self.files(), *places):
            for one in self.each("sourceInformation.sourceCaptures", holder):
                if one.get("captureType") == kind:
                    yield one.get("value"), one.get("dateTime"), one.get("eventName"), one.get("port")

    def texts(self) -> Iterator[str]:
        """Every additional information, wherever it stands."""
        for holder in (self.at("reportedInformation"), *self.people(), *self.files()):
            yield from (one.get("value") for one in self.each("additionalInformations", holder))


@pytest.fixture(scope="module")
def reading() -> Reading:
    """The example report of the reporting API, as it may be shown."""
    full = read_report(REPORT_XML, [FILE_DETAILS_XML])
    assert full.incident.at is not None
    assert full.incident.at.day is not None
    return withhold(full, full.incident.at.day).reading


@pytest.fixture(scope="module")
def tool(reading: Reading) -> Tool:
    """A police tool that was given the export."""
    return Tool(cybertip_json.write(reading))


def test_nobody_who_is_protected_can_be_found_by_a_tool(reading: Reading) -> None:
    body = cybertip_json.write(replace(reading, parties=tuple(replace(p, role=Role.REPORTED) for p in reading.parties)))
    assert not any(word in body.decode() for word in ("Meera", "Invented", "yellow-boat", "Example School", "Asha"))
    names = [person["firstName"] for person in Tool(body).people()]
    assert "Child 1" in names
    child = next(person for person in Tool(body).people() if person["firstName"] == "Child 1")
    told = {key: value for key, value in child.items() if value not in (None, [])}
    assert not [key for key in told if key not in {"firstName", "emails", "phones", "addresses", "sourceInformation"}]
    assert not any(next(iter(told[key].values())) for key in ("emails", "phones", "addresses", "sourceInformation"))


def test_every_key_of_the_layout_is_there_for_tools_that_ask_for_all(tool: Tool) -> None:
    for person in tool.people():
        assert set(person) == set(" ".join(PERSON_KEYS).split())
    for file in tool.files():
        assert set(file) == set(" ".join(FILE_KEYS).split())
    assert set(tool.tip) == {"reportId", "dateReceived", "reportedInformation"}
    assert set(tool.at("reportedInformation.incidentSummary")) == {
        "incidentType",
        "incidentDateTime",
        "incidentDateTimeDescription",
    }


def test_a_tool_finds_people_and_how_to_reach_them(tool: Tool) -> None:
    suspect, recipient = tool.people()
    assert (suspect["firstName"], suspect["lastName"], suspect["espUserId"]) == ("Kiran", "Sample", "u-1001")
    assert (suspect["dateOfBirth"], suspect["approximateAge"]) == ("1991-06-30", "34")
    assert tool.at("screenName.value", suspect) == "blue-kite"
    assert tool.each("emails.emails", suspect) == [{"value": "kiran@example.org", "verified": True}]
    assert tool.each("phones.phones", suspect) == [{"value": "+915550100", "verified": True}]
    (address,) = tool.each("addresses.addresses", suspect)
    assert address == {
        "street1": "1 Example Road",
        "street2": None,
        "city": "Pune",
        "state": "Maharashtra",
        "postalCode": "411001",
        "country": "IN",
    }
    assert recipient["espUserId"] == "u-1002"
    assert tool.each("emails.emails", recipient) == []


def test_a_tool_finds_every_address_with_time_event_and_port(tool: Tool) -> None:
    assert list(tool.captures("IP Address")) == [
        ("192.0.2.44", "2026-01-05T04:40:00Z", "Login", 51820),
        ("2001:DB8:0::7", "2026-01-05T10:10:00", "Upload", None),
        ("::ffff:198.51.100.9", None, None, 443),
        ("192.0.2.44", None, None, 51821),
    ]
    assert [value for value, *_rest in tool.captures("Profile URL")] == ["https://example.org/u/blue-kite"]
    assert [value for value, *_rest in tool.captures("URL")] == ["https://example.org/u/blue-kite"]
    assert [value for value, *_rest in tool.captures("IMEI")] == ["490154203237518"]


def test_a_tool_finds_files_and_what_was_said_of_them(tool: Tool) -> None:
    (file,) = tool.files()
    assert (file["filename"], file["originalFilename"], file["submittalId"]) == (
        "pattern-07.png",
        "gradient.png",
        "b0c1",
    )
    assert file["viewedByEsp"] is True
    assert file["verificationHash"] is None  # no file arrived, and what was stated is the hash of another
    assert {"name": "Model", "value": "Sample 3"} in tool.each("espMetadata.metadatas", file)
    assert "MD5 as stated: 9e107d9d372bb6826bd81d3542a419d6" in [one["value"] for one in file["additionalInformations"]]


def test_a_tool_finds_incident_reporter_and_places(tool: Tool) -> None:
    assert tool.at("reportedInformation.incidentSummary.incidentDateTime") == "2026-01-05T04:45:30Z"
    assert tool.at("reportedInformation.reportingEsp.firstName") == "Trust"
    (chat,) = tool.each("reportedInformation.incidentDetails.chatImIncident")
    assert chat["contents"] == [{"value": "see you at the cricket ground"}]
    assert {"value": "chatRoomName: cricket-talk"} in chat["additionalInformations"]
    assert tool.each("reportedInformation.incidentDetails.webpageIncident")


def test_what_has_no_key_is_told_in_words(tool: Tool) -> None:
    texts = list(tool.texts())
    for said in ("Display name: Blue Kite", "Profile: I fly kites", "Estimated location: Pune, Maharashtra, IN"):
        assert said in texts
    assert "Earlier report: 7860001" in texts
    assert "Publicly available: no" in texts


def test_every_kind_of_place_has_its_key() -> None:
    kinds = set(PLACES.values())
    webs = tuple(InternetDetail(kind, f"w{n}", contents=(Text(kind, "c"),)) for n, kind in enumerate(sorted(kinds)))
    full = replace(cybertip_json.read(CYBERTIP_JSON), webs=webs)
    again = cybertip_json.read(cybertip_json.write(full))
    assert {(web.kind, web.contents[0].value) for web in again.webs} == {(kind, kind) for kind in kinds}
    assert "webpageIncident" in Tool(cybertip_json.write(full)).at("reportedInformation.incidentDetails")


def test_everything_said_of_several_persons_of_one_party_is_there() -> None:
    party = cybertip_json.read(CYBERTIP_JSON).parties[0]
    other = Person(source="p2", first_name="Tara", emails=party.persons[0].emails)
    both: Party = replace(party, persons=(party.persons[0], other))
    tool = Tool(cybertip_json.write(replace(cybertip_json.read(CYBERTIP_JSON), parties=(both,))))
    (suspect,) = tool.people()
    assert len(tool.each("emails.emails", suspect)) == 2
    assert {"value": "Further name: Tara"} in suspect["additionalInformations"]
    assert set(TRAITS) <= set(suspect)


def test_a_download_read_and_exported_again_is_the_same_but_for_its_empty_keys() -> None:
    def bare(value: Json) -> Json:
        if isinstance(value, dict):
            kept = {key: bare(item) for key, item in value.items()}
            return {key: item for key, item in kept.items() if item not in (None, [], {})}
        return [bare(item) for item in value] if isinstance(value, list) else value

    first, again = json.loads(CYBERTIP_JSON), json.loads(cybertip_json.write(cybertip_json.read(CYBERTIP_JSON)))
    suspect = first["reportedInformation"]["reportedPeople"]["reportedPersons"][0]
    # The one key that goes elsewhere: a lone address is a capture like any other.
    alone = {"captureType": "IP Address", "value": suspect.pop("ipAddress")}
    suspect["sourceInformation"]["sourceCaptures"].insert(0, alone)
    assert suspect.pop("awareOfReport") is False  # the words of a trait are kept, not its type
    assert again["reportedInformation"]["reportedPeople"]["reportedPersons"][0].pop("awareOfReport") == "false"
    assert bare(again) == bare(first)


def test_the_export_reads_back_as_the_same_wherever_the_layout_has_a_place(reading: Reading) -> None:
    again = cybertip_json.read(cybertip_json.write(reading))
    assert again.unknown == ()
    for before, after in zip(reading.parties_as(Role.REPORTED), again.parties_as(Role.REPORTED), strict=True):
        assert _values(after.persons[0].emails) == _values(before.persons[0].emails)
        assert [event.address for event in after.network_events] == [event.address for event in before.network_events]
        assert _values(after.devices) == _values(before.devices)
        assert after.accounts[0].identifier == before.accounts[0].identifier
        assert after.vehicle == before.vehicle
    assert sorted(web.kind for web in again.webs) == sorted(web.kind for web in reading.webs)
    assert [file.name_as_sent for file in again.files] == [file.name_as_sent for file in reading.files]
    assert [file.viewed_by_esp for file in again.files] == [file.viewed_by_esp for file in reading.files]


def test_a_tool_finds_as_much_in_every_tip_of_the_exercise_as_may_be_shown() -> None:
    world = build(7, 60)
    ports = 0
    for report in world.reports:
        names = {f"f{number}": file for number, file in enumerate(report.files)}
        came = [ReceivedFile(name, file.name, 1, "0" * 32, "", "", world.now) for name, file in names.items()]
        details = [write_file_details(report, file, 1, name) for name, file in names.items() if file.described]
        shown = withhold(read_report(write_report(report, {}), details, came), world.now.date()).reading
        tool = Tool(cybertip_json.write(shown))
        people = [party for party in shown.parties if party.role in {Role.REPORTED, Role.RECIPIENT}]
        assert len(list(tool.people())) == len(people)
        told = [person.get("firstName") for person in tool.people()]
        assert all(party.pseudonym in told for party in people if party.protected)
        of_people = sum(len(tool.each("addresses.addresses", person)) for person in tool.people())
        assert of_people == sum(len(party.addresses) for party in people)
        assert len(tool.files()) == len(shown.files)
        assert all(file["verificationHash"] == "0" * 32 for file in tool.files())
        holders: list[Party | InternetDetail | FileReading] = [*people, *shown.webs, *shown.files]
        events = [event for holder in holders for event in holder.network_events]
        found = list(tool.captures("IP Address"))
        assert sorted(value for value, *_rest in found) == sorted(event.address_as_sent for event in events)
        ports += sum(port is not None for *_rest, port in found)
    assert ports > 10


def _values(found: Any) -> Any:  # noqa: ANN401 - whatever dataclass
    """Values without the places they were read from, and without what the layout has no key for."""
    if is_dataclass(found) and not isinstance(found, type):
        left_out = {"source", "kind", "verified_at", "moment", "event_name"}
        return tuple(_values(getattr(found, field.name)) for field in fields(found) if field.name not in left_out)
    return [_values(item) for item in found] if isinstance(found, tuple) else found


def test_a_byte_order_mark_is_written_where_asked_and_read_by_both(reading: Reading) -> None:
    plain, marked = cybertip_json.write(reading), cybertip_json.write(reading, bom=True)
    assert marked == b"\xef\xbb\xbf" + plain
    assert Tool(marked).tip == Tool(plain).tip
    assert cybertip_json.read(marked) == cybertip_json.read(plain)


def test_our_own_notes_stand_behind_what_the_reporter_added(reading: Reading) -> None:
    texts = [
        one["value"]
        for one in Tool(cybertip_json.write(reading, notes=["Ours"])).each("reportedInformation.additionalInformations")
    ]
    assert texts == ["Flagged by a keyword rule.", "Ours"]


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    odd = replace(cybertip_json.read(CYBERTIP_JSON), statements=(Text("a\ud800b\x00", "s"),))
    assert "a\ufffdb\x00" in list(Tool(cybertip_json.write(odd)).texts())
