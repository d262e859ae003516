# SPDX-License-Identifier: Apache-2.0
"""Asks addresses as people of the world, in the database role of the pages, and says where the answer differs."""

from __future__ import annotations

import inspect
import io
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from nightlight.outlook.desk.access import viewer_of_request
from nightlight.pipeline.tips import wire
from nightlight.trust import identity
from tests.access import asking, expected, objects
from tests.access.world import UNITS, asks, database_role, undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pytest
    from django.http import HttpRequest, HttpResponse

    from tests.access.asking import Page
    from tests.access.world import Person, World

_TIP = re.compile(r"NL-[0-9A-Z]{4}-[0-9A-Z]{4}")
_IMPORT = re.compile(r"IM-[0-9A-Z]{4}-[0-9A-Z]{4}")
_SEALED = re.compile("meera")
# Random letters, which spell anything in some of tens of thousands of answers.
_TOKENS = re.compile(r'(?<=csrfmiddlewaretoken" value=")[^"]+|(?<=nonce=")[^"]+')
_ALL_WAYS = frozenset({"desk:tip", "desk:find"})
asked = 0  # how many requests have been made


@dataclass(frozen=True)
class Route:
    """One address of the URL configuration."""

    name: str  # "namespace:name"; the pattern itself where it has none
    pattern: str
    view: Any


def _routes(patterns: Sequence[URLPattern | URLResolver], before: str, space: str) -> Iterator[Route]:
    for one in patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, here, f"{space}{one.namespace}:" if one.namespace else space)
        else:
            yield Route(f"{space}{one.name}" if one.name else here, here, one.callback)


@cache
def routes() -> dict[str, Route]:
    """Every address there is, by name."""
    found: dict[str, Route] = {}
    for route in _routes(get_resolver().url_patterns, "", ""):
        key = route.name if route.name not in found else f"{route.name} {route.pattern}"
        found[key] = route
    return found


# --- one request ------------------------------------------------------------------------------------------------------


def answer_of(person: Person, name: str, page: Page, told: objects.Told) -> tuple[HttpResponse, bool]:
    """Ask one address as this person, under the rights of the pages; nothing of it stays.

    Returns the answer, and whether the request left anything in the log.
    """
    global asked  # noqa: PLW0603
    asked += 1
    address = reverse(routes()[name].name, kwargs=told.kwargs)
    client = person.client
    cookies = {key: morsel.value for key, morsel in client.cookies.items()}
    send = client.get if page.method == "GET" else client.post
    extra: dict[str, Any] = {"content_type": page.content_type} if page.content_type else {}
    try:
        with undone():
            if page.before:
                page.before(person, told)
            before = _entries() if page.effect else 0
            with database_role("nightlight_app"):
                answer = send(
                    address, page.body or told.data, headers={"Sec-Fetch-Site": "same-origin", **page.headers}, **extra
                )
            return answer, not page.effect or _entries() > before  # type: ignore[return-value]
    finally:
        client.cookies.clear()
        for key, value in cookies.items():
            client.cookies[key] = value


def _entries() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM custody_event")
        return int(cursor.fetchone()[0])


def outcome(answer: HttpResponse) -> str:
    """What an answer means: in, sign-in, refused (403), absent (404), or what else it is."""
    status = answer.status_code
    if status == 401 or (status == 302 and answer.headers["Location"].startswith("/accounts/login/?")):
        return "sign-in"
    if status in {200, 201, 202, 204, 302, 303, 304, 400, 409, 410}:
        return "in"
    return {403: "refused", 404: "absent"}.get(status, f"status {status}")


def wanted(person: Person, page: Page, near: str) -> set[str]:
    """The outcomes that the table allows for this person and relation."""
    if person.name in {"nobody", "suspended"}:
        return {page.anonymous}
    if page.anybody:
        return {*page.inside}
    if near == "broken" and page.behind_glass:
        return {*page.behind_glass}
    if person.role in page.let_in.get(near, frozenset()) and not (page.personal and person.broken):
        return {*page.inside}
    elsewhere = any(person.role in roles for roles in page.let_in.values())
    return {*page.outside} if elsewhere else {*page.others}


# --- what stands on a page --------------------------------------------------------------------------------------------


def leaks(world: World, person: Person, page: Page, told: objects.Told, body: str) -> Iterator[str]:
    """Records on a page that the person does not reach; what the request itself named does not count."""
    reached = world.reached(person)
    everything = {tip.public_id: UNITS[code][2] for code, tips in world.tips.items() for tip in tips}
    shown = set(_TIP.findall(body)) & everything.keys()
    named = set(_TIP.findall(f"{told.kwargs} {told.data}"))
    if not page.names_others:
        yield from (f"shows {tip}" for tip in sorted(shown - reached - named))
    words = {world.words[tip] for tip in reached}
    text = body.lower()
    yield from (
        f"shows the words of {word}" for _, _, word in UNITS.values() if word not in words and f"{word}-kite" in text
    )
    if found := _SEALED.search(_TOKENS.sub("", text)):
        yield f"shows a sealed name: {text[max(found.start() - 40, 0) : found.end() + 40]}"
    batches = {batch.public_id for code, batch in world.imports.items() if code in world.reached_units(person)}
    others = {batch.public_id for batch in world.imports.values()} - batches
    named |= set(_IMPORT.findall(f"{told.kwargs} {told.data}"))
    yield from (f"shows {one}" for one in sorted(set(_IMPORT.findall(body)) & others - named))


def missing(world: World, person: Person, page: Page, body: str) -> Iterator[str]:
    """What a list ought to hold for this person and does not."""
    if page.lists == "tips":
        listed = {
            tip.public_id
            for code in world.reached_units(person)
            for tip in world.tips[code]
            if tip.public_id not in person.broken
        } & world.reached(person)
        yield from (f"does not show {tip}" for tip in sorted(listed - set(_TIP.findall(body))))
    elif page.lists == "queue":
        first = {world.full[code].public_id for code in world.reached_units(person)}
        yield from (f"does not show {tip}" for tip in sorted(first - set(_TIP.findall(body))))
    elif page.lists == "imports":
        batches = {world.imports[code].public_id for code in world.reached_units(person)}
        yield from (f"does not show {one}" for one in sorted(batches - set(_IMPORT.findall(body))))


def differences(world: World, people: Sequence[Person], names: Sequence[str] = ()) -> list[str]:
    """Ask these pages (all, if none are named) as these people; return a line for each answer that is not as stated."""
    found: list[str] = []
    for person in people:
        asks(person)
    for name in names or expected.PAGES:
        for page in expected.PAGES[name]:
            for person in people:
                found += _one(world, person, name, page)
    return found


def unstated_methods(world: World) -> list[str]:
    """Pages that let somebody in by GET or POST although the table does not say so."""
    found: list[str] = []
    everybody = [person for person in world.people if person.unit == "IN"]
    for name, stated in expected.PAGES.items():
        for method in {"GET", "POST"} - {page.method for page in stated}:
            like = stated[0]
            page = asking.Page(like.let_in, of=like.of, method=method, kwargs=like.kwargs, headers=like.headers)
            for person in everybody:
                told = objects.named(world, person, page, "IN")
                status = answer_of(person, name, page, told)[0].status_code if told else 404
                if status not in {401, 403, 404, 405}:
                    found.append(f"{method} {name} as {person}: {status}")
    return found


def _by_turns(near: dict[str, str], name: str, page: Page, person: Person) -> dict[str, str]:
    """Of the ways to lie beyond somebody's reach one, by turns; all of them for a tip's own page and the search.

    Whoever reaches none of them is kept out by one and the same rule, and every page meets each with some person.
    """
    beyond = [one for one in ("parent", "sibling", "unrelated") if one in near and one not in page.let_in]
    if len(beyond) < 2 or name in _ALL_WAYS:
        return near
    kept = beyond[crc32(f"{name} {page.method} {person.name}".encode()) % len(beyond)]
    return {relation: code for relation, code in near.items() if relation == kept or relation not in beyond}


def _one(world: World, person: Person, name: str, page: Page) -> Iterator[str]:
    near = world.near(person) if page.of else {"any": person.unit or "IN"}
    if page.of and person.broken and ("broken" in page.let_in or page.behind_glass):
        near = {key: code for key, code in near.items() if code != "ST-B"} | {"broken": "ST-B"}
    for relation, code in _by_turns(near, name, page, person).items():
        told = objects.named(world, person, page, code)
        if told is None:
            continue
        answer, done = answer_of(person, name, page, told)
        got, allowed = outcome(answer), wanted(person, page, relation)
        if got == "in" and not done:
            got = "absent"  # a page that says in words why it could not be
        line = f"{page.method} {name} as {person}, {relation}: "
        if got not in allowed:
            yield f"{line}{got} ({answer.status_code}), not {' or '.join(sorted(allowed))}"
        body = "" if getattr(answer, "streaming", False) else answer.content.decode(errors="replace")
        for leak in leaks(world, person, page, told, body):
            yield line + leak
        if got == "in" and answer.status_code == 200:
            for gap in missing(world, person, page, body):
                yield line + gap


# --- the reporting API --------------------------------------------------------------------------------------------


def wire_status(world: World, endpoint: str, reporter: str) -> int:
    """Ask the reporting API as this reporter ("" for nobody), in the intake's database role; return the status."""
    global asked  # noqa: PLW0603
    asked += 1
    told: list[str] = []
    method, _by_reporter = expected.WIRE[endpoint]
    body, kind = wire_body(world, endpoint)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/ispws/{endpoint}",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.input": io.BytesIO(body),
    }
    if reporter:
        name, password = world.reporters[reporter]
        environ["HTTP_AUTHORIZATION"] = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
    with undone():
        wire.application(environ, lambda status, _headers: told.append(status))  # type: ignore[arg-type, return-value]
    return int(told[0].split()[0])


def wire_body(world: World, endpoint: str) -> tuple[bytes, str]:
    """A valid request about the open report of Example Chat: its body and content type."""
    report_id, _public_id = world.opened["Example Chat"]
    if endpoint == "submit":
        from nightlight.outlook.desk.tests.cast import PLAIN

        return PLAIN, "text/xml; charset=utf-8"
    if endpoint == "fileinfo":
        text = f"<fileDetails><reportId>{report_id}</reportId><fileId>{world.file_id}</fileId></fileDetails>"
        return text.encode(), "text/xml; charset=utf-8"
    if endpoint == "upload":
        lines = (
            "--x",
            'Content-Disposition: form-data; name="id"',
            "",
            str(report_id),
            "--x",
            'Content-Disposition: form-data; name="file"; filename="pattern.png"',
            "Content-Type: image/png",
            "",
            "a pattern of lines",
            "--x--",
            "",
        )
        return "\r\n".join(lines).encode(), "multipart/form-data; boundary=x"
    if endpoint in {"finish", "retract"}:
        return f"id={report_id}".encode(), "application/x-www-form-urlencoded"
    return b"", ""


# --- without a decorator ----------------------------------------------------------------------------------------------


def undecided(patch: pytest.MonkeyPatch, name: str) -> None:
    """Have an address answered by its view without the decision, and otherwise as before."""
    pattern = _pattern(get_resolver().url_patterns, routes()[name].view)
    patch.setattr(pattern, "callback", _without(pattern.callback))


def _pattern(patterns: Sequence[URLPattern | URLResolver], view: object) -> URLPattern:
    for one in patterns:
        if isinstance(one, URLPattern) and one.callback is view:
            return one
        if isinstance(one, URLResolver) and (found := _pattern_or_none(one, view)):
            return found
    raise LookupError(view)


def _pattern_or_none(resolver: URLResolver, view: object) -> URLPattern | None:
    try:
        return _pattern(resolver.url_patterns, view)
    except LookupError:
        return None


def _without(view: Any) -> Callable[..., HttpResponse]:  # noqa: ANN401 - a view, with what decorators put on it
    """The view itself, under all its decorators."""
    view = inspect.unwrap(view)

    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_authenticated:
            viewer_of_request(request)
            with identity.acting_as(viewer=request.user.pk):
                return view(request, *args, **kwargs)
        return view(request, *args, **kwargs)

    return answer
