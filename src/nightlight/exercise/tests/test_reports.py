# SPDX-License-Identifier: Apache-2.0
"""Planned reports come out as documents that the schema accepts, except those broken on purpose."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from nightlight.exercise.plan import Fault
from nightlight.exercise.reporters import Clock
from nightlight.exercise.reports import write_file_details, write_moment, write_report
from nightlight.exercise.world import World, build

ORACLE = Path(__file__).parents[5] / "shared/reference/ncmec/cybertipline-report.xsd"


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    if not ORACLE.exists():
        pytest.skip("the schema oracle is not on this machine")
    return etree.XMLSchema(etree.parse(str(ORACLE)))


@pytest.fixture(scope="module")
def world() -> World:
    return build(21, 600)


def valid(schema: etree.XMLSchema, document: bytes) -> bool:
    try:
        return schema.validate(etree.fromstring(document))
    except etree.XMLSyntaxError:
        return False


def test_documents_broken_on_purpose_are_invalid(schema: etree.XMLSchema, world: World) -> None:
    broken = [one for one in world.reports if one.fault is not None and one.fault.breaks_schema]
    assert {one.fault for one in broken} == {fault for fault in Fault if fault.breaks_schema}
    assert not any(valid(schema, write_report(one, {})) for one in broken)


def test_all_other_documents_are_valid(schema: etree.XMLSchema, world: World) -> None:
    ids = {report.key: 5_000_000 + report.order for report in world.reports}
    for report in world.reports:
        if report.fault is None or not report.fault.breaks_schema:
            document = write_report(report, ids)
            assert valid(schema, document), f"{report.key}: {schema.error_log}"


def test_all_file_details_are_valid(schema: etree.XMLSchema, world: World) -> None:
    for report in world.reports:
        for file in report.files:
            document = write_file_details(report, file, 5_000_000, "a" * 32)
            assert valid(schema, document), f"{file.key}: {schema.error_log}"


def test_every_incident_mail_address_belongs_to_a_party_except_where_that_is_the_fault(world: World) -> None:
    for report in world.reports:
        if report.fault is Fault.CUT_SHORT:
            continue
        root = etree.fromstring(write_report(report, {}))
        named = {element.text for element in root.iter("email")}
        incident = {element.text for element in root.iter("emailAddress")}
        assert (incident <= named) == (report.fault is not Fault.EMAIL_NOT_NAMED)


def test_unknown_priors_are_left_out_and_known_ones_named(world: World) -> None:
    report = next(one for one in world.reports if one.prior)
    assert b"priorCTReports" not in write_report(report, {})
    document = write_report(report, {report.prior[0]: 4711})
    assert b"<priorCTReports>4711</priorCTReports>" in document.replace(b" ", b"")


def test_the_reporters_write_in_different_dialects(world: World) -> None:
    sample = {report.reporter: write_report(report, {}) for report in world.reports if report.fault is None}
    assert not sample["photos"].startswith(b"<?xml")
    assert sample["chat"].startswith(b"<?xml")
    assert b"\n  <incidentSummary>" in sample["forum"]
    assert b"noNamespaceSchemaLocation" in sample["mail"]


@pytest.mark.parametrize(
    ("clock", "written"),
    [
        (Clock.ZULU, "2026-03-01T20:00:05Z"),
        (Clock.MILLISECONDS, "2026-03-01T20:00:05.000+00:00"),
        (Clock.INDIA, "2026-03-02T01:30:05+05:30"),
        (Clock.NO_ZONE, "2026-03-02T01:30:05"),
    ],
)
def test_moments_are_written_in_four_manners(clock: Clock, written: str) -> None:
    assert write_moment(datetime(2026, 3, 1, 20, 0, 5, tzinfo=UTC), clock) == written


def test_a_batched_report_says_nothing_that_is_forbidden_there(world: World) -> None:
    forbidden = {"escalateToHighPriority", "internetDetails", "lawEnforcement", "intendedRecipient"}
    described = {"originalFileName", "locationOfFile", "originalFileHash", "additionalInfo", "fileRelevance"}
    in_file = described | {"ipCaptureEvent", "deviceId", "details"}
    for report in (one for one in world.reports if one.batched):
        root = etree.fromstring(write_report(report, {}))
        assert not forbidden & {str(element.tag) for element in root.iter()}
        for party in root.iter("personOrUserReported"):
            assert [child.tag for child in party] == ["espIdentifier"]
        for file in report.files:
            details = etree.fromstring(write_file_details(report, file, 1, "a"))
            assert not in_file & {str(element.tag) for element in details.iter()}
            assert details.find("fileAnnotations") is not None
