# SPDX-License-Identifier: Apache-2.0
"""Known or new, as people meet it: a platform files, and the tip's page says what lists and earlier tips know.

Lists and pictures are those of the exercise; which picture plays which part is told in ``exercise/lists.py``.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from nightlight.exercise import filing, lists, world
from nightlight.exercise.files import PLANTED
from nightlight.exercise.plan import Ending
from nightlight.exercise.prints import digests
from nightlight.outlook.desk.tests import browsing
from tests import known_states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from nightlight.exercise.filing import Filed
    from nightlight.exercise.plan import PlannedFile, PlannedReport
    from nightlight.exercise.world import World
    from tests.installation import Installation

SEED, REPORTS = 4154, 200  # of the world whose lists are brought; a few of its reports are filed
PLATFORMS = ("chat", "video")
SECONDS = 60_000  # milliseconds that a page is given; it takes two seconds on an idle machine


def exact(number: int) -> str:
    """The shared picture of that number as it is."""
    return f"shared-{number:02d}"


def copy(number: int) -> str:
    """The same at half the size."""
    return f"{exact(number)} smaller"


def shown_of(file: PlannedFile) -> str:
    """How this test names the picture of a file."""
    return f"{file.shared}{' smaller' if file.picture.halvings else ''}"


WANTED = {
    "known": exact(lists.WITHDRAWN),
    "labelled too": exact(lists.LABELLED_TOO),
    "labelled": exact(lists.LABELLED_ONLY),
    "disputed": exact(lists.CATEGORY),
    "collision": exact(lists.COLLISION),
    "near": copy(lists.LABELLED_TOO),
    "new": PLANTED,
}


@dataclass
class Stage:
    """What was filed, and where to look for it."""

    installation: Installation
    made: World
    filed: Filed
    truth: Path
    national: str
    files: dict[str, tuple[PlannedReport, PlannedFile]]

    def compare(self, when: str) -> dict[str, object]:
        """Compare every file with the plan, once all is looked up."""
        end = time.monotonic() + 120
        while True:
            told = known_states.ask(self.installation, "compare", self.truth, when, REPORTS)
            if (not told["waiting"] and not told["differs"]) or time.monotonic() > end:
                return told


@pytest.fixture(scope="module")
def stage(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Bring the lists, then file one report for each part, and a second one with the planted file."""
    brought = known_states.ask(installation, "bring", SEED, REPORTS)
    made = world.build(SEED, REPORTS)
    chosen, files = choose(made)
    keys = sorted({report.reporter for report in chosen})
    logins = {key: filing.Login(*installation.reporter(f"Known story, {key}")) for key in keys}
    filed = filing.file_world(replace(made, reports=chosen), logins, f"{installation.base}/ispws", workers=1)
    assert not filed.surprises
    truth = tmp_path_factory.mktemp("known") / "truth.json"
    filed.write_truth(made, truth)
    return Stage(installation, made, filed, truth, str(brought["list"]), files)


def choose(made: World) -> tuple[tuple[PlannedReport, ...], dict[str, tuple[PlannedReport, PlannedFile]]]:
    """Return a report for each part, in the order of the plan, and which file plays it."""
    fit = [
        report
        for report in made.reports
        if report.ending is Ending.FINISHED and report.reporter in PLATFORMS and not report.prior
        and report.duplicate_of is None and len(report.files) <= 3
    ]  # fmt: skip
    files: dict[str, tuple[PlannedReport, PlannedFile]] = {}
    for part, picture in WANTED.items():
        carrying = ((report, file) for report in fit for file in report.files if shown_of(file) == picture)
        files[part] = next(carrying)
    again = next(
        (report, file)
        for report in fit
        for file in report.files
        if shown_of(file) == PLANTED and report.reporter != files["new"][0].reporter
    )
    files["again"] = again
    chosen = {report.key: report for report, _file in files.values()}
    return tuple(sorted(chosen.values(), key=lambda report: report.order)), files


@pytest.fixture(scope="module")
def page(installation: Installation) -> Iterator[Page]:
    """The desk in a real browser, signed in as an officer who may look at files."""
    officer = installation.json("person", "add", f"dara{installation.port}", "--role", "investigator")
    with browsing.desk_of(installation.base, officer) as shown:
        yield shown


def opened(page: Page, stage: Stage, part: str) -> Locator:
    """Open the tip that plays a part, and return its file, looked up; the page says so without a reload."""
    report, file = stage.files[part]
    page.goto(f"{stage.installation.base}/find/?q={stage.filed.ids[report.key]}")
    expect(page.get_by_text("Looked up:")).to_be_visible(timeout=SECONDS)
    article = page.locator("article.file", has_text=digests(file.picture).sha256.hex())
    expect(article).to_have_count(1)
    return article


def look_at(file: Locator) -> Locator:
    """The link by which a file is looked at."""
    return file.get_by_role("link", name="Look at this file")


@pytest.mark.browser
def test_a_listed_file_shows_its_classification_and_offers_no_viewing(page: Page, stage: Stage) -> None:
    file = opened(page, stage, "known")
    expect(file.locator(".known-label")).to_have_text("Known")
    listed = file.locator(".known-said li", has_text="same bytes by")
    expect(listed).to_have_count(1)
    expect(listed.locator("q")).to_have_text("B2")
    expect(listed).to_contain_text("Example National List")
    expect(file).to_contain_text("Nobody needs to look")
    expect(look_at(file)).to_have_count(0)


@pytest.mark.browser
def test_what_labels_say_stands_beside_and_lowers_nothing(page: Page, stage: Stage) -> None:
    both = opened(page, stage, "labelled too")
    expect(both.locator(".known-label")).to_have_text("Known")
    expect(both).to_contain_text("Labelled on Example Viral List")
    only = opened(page, stage, "labelled")
    expect(only.locator(".known-label")).not_to_have_text("Known")
    expect(only).to_contain_text("Labelled on Example Viral List")
    expect(only).to_contain_text("This lowers nothing")
    expect(look_at(only)).to_be_visible()


@pytest.mark.browser
def test_a_file_that_nobody_has_seen_is_new_to_everyone_and_then_was_here_before(page: Page, stage: Stage) -> None:
    order = sorted(("new", "again"), key=lambda part: stage.files[part][0].order)
    first = opened(page, stage, order[0])
    expect(first.locator(".known-label")).to_have_text("New to everyone")
    expect(look_at(first)).to_be_visible()
    expect(page.locator(".next-step")).to_contain_text("new to everyone")
    later = opened(page, stage, order[1])
    expect(later.locator(".known-label")).to_have_text("Here before")
    expect(later).to_contain_text("he same bytes came with 1 other tip")


@pytest.mark.browser
def test_a_smaller_copy_is_near_and_a_person_decides(page: Page, stage: Stage) -> None:
    file = opened(page, stage, "near")
    expect(file.locator(".known-label")).to_have_text("Nearly a known file")
    expect(file).to_contain_text(re.compile(r"\d+ of 256 bits differ, not turned"))
    expect(look_at(file)).to_be_visible()


@pytest.mark.browser
def test_lists_that_contradict_each_other_are_shown_as_a_dispute(page: Page, stage: Stage) -> None:
    category = opened(page, stage, "disputed")
    expect(category.locator(".known-label")).to_have_text("Disputed")
    expect(category.locator(".known-dispute")).to_contain_text("Example Industry List says A2")
    expect(category.locator(".known-dispute")).to_contain_text("Example National List says B1")
    collision = opened(page, stage, "collision")
    expect(collision.locator(".known-dispute")).to_contain_text("Example Partner List: SHA-1")
    expect(look_at(collision)).to_be_visible()


@pytest.mark.browser
def test_every_file_is_what_was_planned_and_a_withdrawn_entry_opens_it_again(page: Page, stage: Stage) -> None:
    before = stage.compare("first")
    assert (before["waiting"], before["differs"]) == (0, [])
    told = known_states.ask(stage.installation, "renew", SEED, REPORTS, stage.national)
    assert told == {"withdrawn": 4, "updated": 1}
    after = stage.compare("second")
    assert (after["waiting"], after["differs"]) == (0, [])
    assert after["said"] != before["said"]

    file = opened(page, stage, "known")
    expect(file.locator(".known-label")).not_to_have_text("Known")
    expect(file).to_contain_text("It agreed with Example National List")
    expect(look_at(file)).to_be_visible()
    report = stage.filed.ids[stage.files["known"][0].key]
    history: Any = stage.installation.json("tip", "show", str(report))["history"]
    assert "tip.match-withdrawn" in [event["kind"] for event in history]
