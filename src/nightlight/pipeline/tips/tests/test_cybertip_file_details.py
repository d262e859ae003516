# SPDX-License-Identifier: Apache-2.0
"""File details: whose file it is, what was done with it, and what may be said in a batch."""

from __future__ import annotations

import pytest

from nightlight.pipeline.tips.formats.cybertipline.check import (
    CheckedFileDetails,
    Profile,
    Refused,
    Situation,
    check_file_details,
)
from nightlight.pipeline.tips.tests.cybertip_reports import (
    NOW,
)

VIRAL = "<fileAnnotations><viral/></fileAnnotations>"
MEME = "<fileAnnotations><potentialMeme/></fileAnnotations>"
CLASSIFIED = "<industryClassification>B2</industryClassification>"


def details(inside: str = "", file_id: str = "a1") -> str:
    return f"<fileDetails><reportId>7</reportId><fileId>{file_id}</fileId>{inside}</fileDetails>"


def check_file(body: str, profile: Profile = Profile.SANDBOX, *, batched: bool = False) -> CheckedFileDetails:
    return check_file_details(
        body.encode(), profile=profile, now=NOW, newer=False, batched=lambda _report, _file: batched
    )


def file_refused(body: str, profile: Profile = Profile.SANDBOX, *, batched: bool = False) -> Refused:
    with pytest.raises(Refused) as caught:
        check_file(body, profile, batched=batched)
    return caught.value


def file_codes(body: str) -> set[str]:
    return {finding.code for finding in check_file(body, Profile.ADVISE).findings}


def test_file_details_say_which_file_and_whether_it_was_viewed() -> None:
    asked: list[tuple[int, str]] = []

    def look_up(report_id: int, file_id: str) -> bool:
        asked.append((report_id, file_id))
        return False

    body = details("<fileViewedByEsp>1</fileViewedByEsp>", file_id="\n a1 ").encode()
    checked = check_file_details(body, profile=Profile.SANDBOX, now=NOW, newer=False, batched=look_up)
    assert (checked.report_id, checked.file_id, checked.viewed_by_reporter) == (7, "a1", True)
    assert asked == [(7, "a1")]
    assert check_file(details()).viewed_by_reporter is None


def test_the_refusal_of_the_look_up_is_passed_on_and_comes_before_the_rules() -> None:
    def unknown(report_id: int, _file_id: str) -> bool:
        raise Refused(Situation.UNKNOWN_REPORT, f"Report {report_id} does not exist")

    body = details("<uploadedToEspTimestamp>2099-01-01T00:00:00Z</uploadedToEspTimestamp>").encode()
    with pytest.raises(Refused) as caught:
        check_file_details(body, profile=Profile.SANDBOX, now=NOW, newer=False, batched=unknown)
    assert caught.value.situation is Situation.UNKNOWN_REPORT


def test_file_details_outside_the_schema_are_refused() -> None:
    capture = "<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress></ipCaptureEvent>"
    assert "'ipCaptureEvent' may be given only once" in file_refused(details(capture * 2)).description
    both = "<potentialMeme>true</potentialMeme><fileAnnotations/>"
    assert "only one of" in file_refused(details(both)).description
    assert file_refused("<report/>").situation is Situation.MALFORMED_XML
    check_file(details("<potentialMeme>false</potentialMeme>" + capture))


def test_a_file_uploaded_in_the_future_is_refused() -> None:
    body = details("<uploadedToEspTimestamp>2099-01-01T00:00:00Z</uploadedToEspTimestamp>")
    assert file_refused(body).situation is Situation.FUTURE_DATE


@pytest.mark.parametrize(
    ("bad", "good", "code"),
    [
        ("<exifViewedByEsp>true</exifViewedByEsp>",
         "<fileViewedByEsp>true</fileViewedByEsp><exifViewedByEsp>1</exifViewedByEsp>", "exif-without-file"),
        ("<fileViewedByEsp>false</fileViewedByEsp><exifViewedByEsp>1</exifViewedByEsp>",
         "<fileViewedByEsp>false</fileViewedByEsp><exifViewedByEsp>0</exifViewedByEsp>", "exif-without-file"),
        ("<fileRelevance>Supplemental Reported</fileRelevance>" + CLASSIFIED,
         "<fileRelevance>Reported</fileRelevance>" + CLASSIFIED,
         "supplemental-classified"),
        ("<fileRelevance>Supplemental Reported</fileRelevance>" + MEME,
         "<fileRelevance>Supplemental Reported</fileRelevance>" + VIRAL,
         "supplemental-classified"),
        ("<fileRelevance>Supplemental Reported</fileRelevance><potentialMeme>true</potentialMeme>",
         "<fileRelevance>Supplemental Reported</fileRelevance><potentialMeme>false</potentialMeme>",
         "supplemental-classified"),
        (f"<originalFileHash hashType='{'x' * 65}'>0</originalFileHash>",
         "<originalFileHash hashType='SHA512'>0</originalFileHash>", "too-long"),
        ("<locationOfFile>example.org</locationOfFile>",
         "<locationOfFile>https://example.org/f</locationOfFile>", "bad-url"),
        (f"<originalFileName>{'x' * 2057}</originalFileName>",
         f"<originalFileName>{'x' * 2056}</originalFileName>", "too-long"),
    ],
)  # fmt: skip
def test_a_documented_file_rule_is_enforced_in_strict_and_recorded_in_advise(bad: str, good: str, code: str) -> None:
    file_refused(details(bad), Profile.STRICT)
    assert check_file(details(bad)).findings == ()
    assert code in file_codes(details(bad))
    check_file(details(good), Profile.STRICT)
    assert code not in file_codes(details(good))


def test_it_is_noted_when_nobody_says_whether_the_file_was_viewed() -> None:
    assert "viewing-not-stated" in file_codes(details())
    assert "viewing-not-stated" not in file_codes(details("<fileViewedByEsp>false</fileViewedByEsp>"))


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<potentialMeme>true</potentialMeme>",
        "<fileAnnotations/>",
        "<fileAnnotations><viral/><generativeAi/></fileAnnotations>",
        "<fileRelevance>Supplemental Reported</fileRelevance>" + VIRAL,
        "<originalFileName>f.png</originalFileName>" + VIRAL,
        "<locationOfFile>https://example.org/f</locationOfFile>" + VIRAL,
        VIRAL + "<originalFileHash hashType='MD5'>0</originalFileHash>",
        VIRAL + "<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress></ipCaptureEvent>",
        VIRAL + "<deviceId><idType>IMEI</idType><idValue>1</idValue></deviceId>",
        VIRAL + "<details><nameValuePair><name>a</name><value/></nameValuePair></details>",
        VIRAL + "<additionalInfo/>",
    ],
)
def test_the_file_of_a_batch_is_viral_and_belongs_to_no_account(inside: str) -> None:
    for profile in Profile:
        assert file_refused(details(inside), profile, batched=True).situation is Situation.INVALID
    if inside:
        check_file(details(inside))


def test_the_file_of_a_batch_may_be_classified() -> None:
    both = "<fileAnnotations><potentialMeme/><viral/></fileAnnotations>"
    check_file(details("<fileRelevance>Reported</fileRelevance>" + both), Profile.STRICT, batched=True)
    check_file(details(VIRAL + "<industryClassification>A2</industryClassification>"), batched=True)


@pytest.mark.parametrize(
    "inside",
    [
        "<additionalInfo>text</additionalInfo><fileAnnotations><viral/></fileAnnotations>",
        "<fileRelevance>Reported</fileRelevance><fileViewedByEsp>true</fileViewedByEsp>",
        "<details><nameValuePair type='EXIF'><name>a</name><value>b</value></nameValuePair></details>",
    ],
)
def test_a_known_client_mistake_in_file_details_is_tolerated_only_when_advising(inside: str) -> None:
    file_refused(details(inside), Profile.SANDBOX)
    file_refused(details(inside), Profile.STRICT)
    assert "tolerated" in file_codes(details(inside))


def test_a_rule_broken_after_reordering_is_reported_where_it_stood() -> None:
    body = details("<additionalInfo/>\n<uploadedToEspTimestamp>2099-01-01T00:00:00Z</uploadedToEspTimestamp>")
    caught = file_refused(body, Profile.ADVISE)
    assert caught.situation is Situation.FUTURE_DATE
    assert "[2,1]" in caught.description
