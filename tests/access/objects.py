# SPDX-License-Identifier: Apache-2.0
"""What a page's address and form name: a record, a person, a unit - of a given unit, for a given person asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from nightlight.foundation import clock
from nightlight.pipeline.matching.models import Feedback, Member
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import rulebooks
from nightlight.pipeline.triage.models import Closure, Standing
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from tests.access.asking import Page
    from tests.access.world import Person, World


@dataclass
class Told:
    """What a request names."""

    kwargs: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    address: str = ""


def named(world: World, person: Person, page: Page, code: str) -> Told | None:
    """What the page's request names when it is about the unit with that code; None if there is no such thing."""
    things = {key: value(world, person, code) if callable(value) else value for key, value in page.kwargs.items()}
    data = {key: value(world, person, code) if callable(value) else value for key, value in page.data.items()}
    if None in {*map(_hashable, things.values()), *map(_hashable, data.values())}:
        return None
    return Told(things, data)


def _hashable(value: object) -> str | None:
    return None if value is None else str(value)


def tip(world: World, _person: Person, code: str) -> str:
    """The public id of the unit's report with a file."""
    return world.full[code].public_id


def repeat(world: World, _person: Person, code: str) -> str:
    """The public id of a report that the unit holds and that repeats one that lies elsewhere."""
    return next(t for t in world.tips[code][2:] if t.public_id != world.unread).public_id


def apart(world: World, _person: Person, code: str) -> str:
    """The public id of a report of the unit about somebody who was cleared."""
    return world.tips[code][1].public_id


def batch(world: World, _person: Person, code: str) -> str:
    """The public id of an import of the unit."""
    return world.imports[code].public_id


def unit(world: World, _person: Person, code: str) -> str:
    """The public id of the unit."""
    return world.units[code].public_id


def other_unit(world: World, _person: Person, code: str) -> str:
    """The code of another unit."""
    return "DI-A2" if code != "DI-A2" else "ST-B"


def _colleague(world: World, person: Person, code: str) -> Person:
    if code in world.staff:
        return world.staff[code]
    role = "intake-analyst" if person.role != "intake-analyst" else "legal-reviewer"
    return world.person(role, code)


def colleague(world: World, person: Person, code: str) -> str:
    """The public id of somebody of the unit, other than who asks."""
    user = _colleague(world, person, code).user
    assert user is not None
    return user.public_id


def post(world: World, person: Person, code: str) -> str:
    """The post of that colleague."""
    user = _colleague(world, person, code).user
    assert user is not None
    return user.posts.get().public_id


def shift_from(world: World, _person: Person, _code: str) -> str:
    """A time in some days."""
    return (world.at + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")


def just_now(world: World, _person: Person, _code: str) -> str:
    """A time a little before now, as the officers' clocks show it."""
    zone = ZoneInfo(settings.ENVIRONMENT.zone)
    return (world.at - timedelta(minutes=2)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def shift_until(world: World, _person: Person, _code: str) -> str:
    """Some hours later."""
    return (world.at + timedelta(days=3, hours=4)).strftime("%Y-%m-%dT%H:%M")


def session(world: World, _person: Person, _code: str) -> int:
    """A session of somebody else."""
    return world.session


def viewing(world: World, _person: Person, code: str) -> str:
    """A look at the unit's file by its investigator."""
    return world.viewings[code]


def opening(world: World, _person: Person, code: str) -> str:
    """An opening of a sealed identity by the unit's investigator."""
    return world.openings[code]


def identity(world: World, _person: Person, code: str) -> str:
    """A sealed identity of the unit's report."""
    return world.identities[code]


def export(world: World, _person: Person, code: str) -> str:
    """An export of the unit's file that waits for a second person."""
    return world.exports[code]


def hold(world: World, _person: Person, code: str) -> str:
    """A hold on the unit's report."""
    return world.holds[code]


def destruction(world: World, _person: Person, code: str) -> str:
    """A destruction that waits for a second person."""
    return world.destructions[code]


def certificate(world: World, _person: Person, code: str) -> str:
    """A destruction that was carried out."""
    return world.certificates[code]


def glass(world: World, _person: Person, code: str) -> str:
    """Glass that somebody of a unit far away broke for a report of the unit."""
    return world.glass[code]


def entry(world: World, _person: Person, code: str) -> str:
    """The place in the log of an entry about the unit's report."""
    return world.entries[code]


def hash_list(world: World, _person: Person, _code: str) -> str:
    """The list of known files; everybody who works on tips reads it."""
    return world.hash_list


def partner(_world: World, _person: Person, _code: str) -> str:
    """The partner that may pull the list."""
    return Member.objects.get(number=17).public_id


def remark_at(_world: World, _person: Person, _code: str) -> str:
    """When the partner said what nobody has answered yet."""
    return clock.stamp(Feedback.objects.get(type="MD5").at)


def alert(world: World, _person: Person, code: str) -> str:
    """An alert about the unit's report with a file."""
    return world.alerts[code]


def handover(world: World, _person: Person, code: str) -> str:
    """What a shift of the unit left to the next."""
    return world.handovers[code]


def on_the_tip(world: World, person: Person, code: str) -> str:
    """The public id of somebody who works on tips in the unit, other than who asks where there is another."""
    role = "investigator" if person.role != "investigator" else "triage-officer"
    user = (world.staff.get(code) or world.person(role, code)).user
    assert user is not None
    return user.public_id


def other_rules(_world: World, _person: Person, _code: str) -> str:
    """Rules that are not quite those that count."""
    return rulebooks.current().body.replace("minutes = 10", "minutes = 11")


def rules_shown(world: World, person: Person, code: str) -> str:
    """What names the preview of these other rules: the one that is looked at before they are saved."""
    return rulebooks.shown(other_rules(world, person, code), rulebooks.current())


def takes(person: Person, told: Told) -> None:
    """The person has taken the tip already."""
    Standing.objects.filter(tip__public_id=told.kwargs["public_id"]).update(
        holder_id=person.user_id, held_since=clock.now()
    )


def closed(_person: Person, told: Told) -> None:
    """The tip was closed already."""
    Standing.objects.filter(tip__public_id=told.kwargs["public_id"]).update(lane="closed")


def closed_by_another(person: Person, told: Told) -> None:
    """Somebody else has closed the tip, and the closure was sampled."""
    tip = Tip.objects.get(public_id=told.kwargs["public_id"])
    another = User.objects.exclude(pk=person.user_id or 0).earliest("id")
    Closure.objects.create(
        tip=tip, disposition="cannot-work", reason="Nothing leads to anybody", sampled=True, by=another, at=clock.now()
    )
    Standing.objects.filter(tip=tip).update(lane="closed")


FORM = "multipart/form-data; boundary=x"
UPLOAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="notes.json"\r\n\r\n{}\r\n--x--\r\n'
