# SPDX-License-Identifier: Apache-2.0
"""How the pictures of the guides are taken: a browser signs in to a demo, reads its lists and keeps what it sees."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from picking import NothingFits, Row, choose, in_several_tips
from PIL import Image
from playwright.sync_api import Error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from picking import Want
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDTH, TALLEST, COLOURS = 1280, 1150, 160
WINDOW: dict[str, Any] = {"viewport": {"width": WIDTH, "height": 900}, "color_scheme": "light", "locale": "en-GB"}
PASSWORD = "exercise-only"  # noqa: S105 - of every sign-in of the demo, printed on its sign-in page
WORKS_IN = {
    "Riverside police station": "officer",
    "Victim identification unit (exercise)": "specialist",
    "Lakeside district cyber cell": "commander",
}
PAGES = 60  # of a list, looked through for what pictures need
LOOKED = 300  # tips whose pages are opened to find a file that is nearly known
PATIENCE_MS = 20_000  # for anything to appear; what takes longer is not there

NUMBER = re.compile(r"/tips/(NL-[0-9A-Z]{4}-[0-9A-Z]{4})/")
_ROWS = "rows => rows.map(row => [row.querySelector('h2 a').getAttribute('href'), row.textContent])"


class Walk:
    """A browser that signs in as people of the exercise and takes pictures of what they see."""

    def __init__(self, browser: Browser, base: str) -> None:
        self.browser = browser
        self.base = base.rstrip("/")
        self.left_out: list[str] = []

    @contextlib.contextmanager
    def as_(self, user: str) -> Iterator[Page]:
        """Sign in as ``user`` and yield the page; sign-in pages do not come into pictures made this way."""
        context = self.browser.new_context(**WINDOW)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{self.base}/accounts/login/")
        page.fill("input[name=login] >> nth=0", user)
        page.fill("input[type=password]", PASSWORD)
        page.click("main button[type=submit] >> nth=0")
        page.wait_for_load_state()
        if "/accounts/login/" in page.url:
            raise SystemExit(f"{self.base} does not let {user} in: is it a demo?")
        yield page
        context.close()

    @contextlib.contextmanager
    def part(self, *pictures: str) -> Iterator[None]:
        """Make these pictures, or say why they were left out and go on with the others."""
        try:
            yield
        except (NothingFits, Error) as reason:
            self.left_out += [f"{', '.join(pictures)}: {_in_a_line(reason)}"]
            print(f"left out: {self.left_out[-1]}")  # noqa: T201

    def go(self, page: Page, path: str) -> None:
        """Open a page of the installation."""
        page.goto(self.base + path)

    def rows(self, page: Page, path: str) -> list[Row]:
        """Return the rows of a list (inbox or queue) and of its next pages."""
        found: list[Row] = []
        self.go(page, path)
        for _ in range(PAGES):
            for address, words in page.locator("#tips > li").evaluate_all(_ROWS):
                number = NUMBER.search(address)
                if number:
                    found.append(Row(number[1], " ".join(words.split())))
            older = page.locator("nav.pages a[rel=next]")
            if not older.count():
                break
            page.goto(urljoin(page.url, older.get_attribute("href") or ""))
        return found

    def pick(self, page: Page, wants: Sequence[Want], but: Collection[str] = ()) -> str:
        """Return the tip of the inbox that serves a want best, and say which it was. Raises NothingFits."""
        row, want = choose(self.rows(page, "/"), wants, but)
        if want is not wants[0]:
            print(f"{row.tip} has {want.says}; nothing here has {wants[0].says}")  # noqa: T201
        return row.tip

    def near(self, page: Page) -> str:
        """Return the address of a page that says why a file nearly agrees with a list. Raises NothingFits."""
        rows = self.rows(page, "/")[:LOOKED]
        for row in rows:
            self.go(page, f"/tips/{row.tip}/")
            line = page.locator(".known-near .known-said li", has_text="bits differ")
            if line.count():
                return self.base + str(line.first.locator("a", has_text="Why it agrees").get_attribute("href"))
        raise NothingFits(f"None of the newest {len(rows)} tips has a file that is nearly known.")

    def linked(self, page: Page, rows: Sequence[Row]) -> str:
        """Return the address of the page of somebody found in several tips, out of rows of the queue.

        Raises NothingFits.
        """
        among = in_several_tips(rows)
        for row in among:
            self.go(page, f"/tips/{row.tip}/")
            link = page.locator("#linked a[href*='/linked/']")
            if link.count():
                return self.base + str(link.first.get_attribute("href"))
        raise NothingFits(f"None of the {len(among)} rows of several tips leads to a person: is linking still at work?")

    def hand_over(self, page: Page, tip: str, unit: str, *, taken: bool = True) -> None:
        """Offer a tip to a unit, by its name, and have somebody there accept it."""
        self.go(page, f"/tips/{tip}/")
        page.locator("#unit summary", has_text="Hand over to another unit").click()
        page.select_option("#unit select[name=unit]", label=unit)
        page.select_option("#unit select[name=why]", index=1)
        page.click("#unit details[open] form[action$='hand-over/'] button[type=submit]")
        page.wait_for_load_state()
        if taken:
            self.accept(tip, unit)

    def accept(self, tip: str, unit: str) -> None:
        """Have somebody of the unit accept what is offered to it."""
        with self.as_(WORKS_IN[unit]) as theirs:
            self.go(theirs, f"/tips/{tip}/")
            theirs.get_by_role("button", name=f"Accept for {unit}").click()
            theirs.wait_for_load_state()


def _in_a_line(reason: Exception) -> str:
    """What went wrong; of the tool's own errors also what was waited for in vain."""
    lines = [line.strip(" -") for line in str(reason).splitlines() if line.strip()]
    waited = [line for line in lines[1:] if line.startswith("waiting for")]
    return " ".join([*lines[:1], *waited[:1]])


def upto(page: Page, each: str, most: int) -> str:
    """Return what selects the last of at most ``most`` things that ``each`` selects. Raises NothingFits for none."""
    number = page.locator(each).count()
    if not number:
        raise NothingFits(f"{page.url} shows no {each}.")
    return f"{each} >> nth={min(number, most) - 1}"


def shot(
    page: Page, name: str, *, begin: str = "body", end: str = "main > :last-child", tallest: int = TALLEST
) -> None:
    """Take the page's full width from the top of ``begin`` to the bottom of ``end`` as docs/pictures/``name``.png.

    Raises NothingFits where the page has no such part.
    """
    if not page.locator(".is-held").count():  # what is held would be let go
        page.evaluate("document.activeElement && document.activeElement.blur()")
        page.mouse.move(WIDTH - 2, 2)
    for part in (begin, end):
        if not page.locator(part).count():
            raise NothingFits(f"{page.url} shows no {part}.")
    top = page.locator(begin).first.bounding_box()
    last = page.locator(end).last.bounding_box()
    if top is None or last is None:
        raise NothingFits(f"{page.url} hides {begin} or {end}.")
    scrolled = page.evaluate("window.scrollY")
    upper = max(0, top["y"] + scrolled - (0 if begin == "body" else 10))
    lower = last["y"] + last["height"] + scrolled + 14
    clip: Any = {"x": 0, "y": upper, "width": WIDTH, "height": min(tallest, lower - upper)}
    keep(page.screenshot(full_page=True, clip=clip, animations="disabled"), name)


def keep(taken: bytes, name: str) -> None:
    """Write a picture with few colours, so that the repository stays small."""
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    path = PICTURES / f"{name}.png"
    few.save(path, optimize=True)
    print(f"{path.name:32} {picture.width} x {picture.height}, {path.stat().st_size // 1000} kB")  # noqa: T201
