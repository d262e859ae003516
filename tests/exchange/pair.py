# SPDX-License-Identifier: Apache-2.0
"""Two real installations on one machine that know each other over TLS, each with a certificate of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import tempfile
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightlight.config.supervisor import die_with_parent
from tests.certificates import certificate
from tests.faults.installation import Installation, until
from tests.faults.reporting import Answer, Line, Login, details, report
from tests.first_start import give_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ACTING = Path(__file__).with_name("acting.py")


class SafeLine(Line):
    """A reporter's connection over TLS."""

    def __init__(self, port: int, login: Login, trusting: Path, *, timeout: float = 120) -> None:
        super().__init__(port, login, timeout=timeout)
        context = ssl.create_default_context(cafile=trusting)
        self._http = HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
        token = b64encode(f"{login.username}:{login.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}


@dataclass
class Side(Installation):
    """One of the two, by its name; everything else is an installation as the tests of faults know it."""

    name: str = ""
    more: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cert, self.key = certificate(self.folder)

    @property
    def base(self) -> str:
        """Where it is reached."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """As it should stand: over TLS, with the address others reach it at."""
        ours = super().environment
        ours.pop("NIGHTLIGHT_INSECURE_HTTP")
        return ours | {
            "NIGHTLIGHT_EXCHANGE_NAME": self.name,
            "NIGHTLIGHT_EXCHANGE_URL": self.base,
            "NIGHTLIGHT_EXCHANGE_DISK": "1",
            "NIGHTLIGHT_WEB_PROCESSES": "1",
            "NIGHTLIGHT_SECOND_FACTOR": "offered",
            "NIGHTLIGHT_CUSTODY_ORIGIN": f"{self.name.lower()}.example.org/custody",
            **(self.more or {}),
        }

    def start(self) -> None:
        """Run ``nightlight up`` over TLS and wait until it answers."""
        self.launch()
        until(self.answers, "the web server answers", 240)

    def launch(self) -> None:
        """Run it without waiting. From the main thread: it ends with the thread that started it (prctl(2))."""
        give_database(self.home)
        self.up = subprocess.Popen(
            [sys.executable, "-m", "nightlight", "up", "--port", str(self.port),
             "--tls-cert", str(self.cert), "--tls-key", str(self.key)],
            env=self.environment, stdout=self._log, stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls prctl(2) and nothing else
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether it shows its card: web server and keys work. A bare connection says little on a port of chance."""
        context = ssl.create_default_context(cafile=self.cert)
        http = HTTPSConnection("127.0.0.1", self.port, timeout=3, context=context)
        try:
            http.request("GET", "/exchange/v1/card")
            return http.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            http.close()

    def line(self) -> SafeLine:
        """A reporter's connection."""
        return SafeLine(self.port, self.login, self.cert)

    def act(self, *acts: Mapping[str, Any], by: str = "") -> list[Any]:
        """Do what officers do, or this one under the rights of the pages; return what each act told."""
        done = subprocess.run(
            [sys.executable, str(_ACTING), *filter(None, [by])], env=self.environment, input=json.dumps(acts),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        told: list[Any] = json.loads(done.stdout)
        return told

    def packages(self, **wanted: object) -> list[dict[str, Any]]:
        """Packages as the command line shows them, the newest first."""
        found: list[dict[str, Any]] = self.told("exchange", "status")["packages"]
        return [one for one in found if all(one[name] == value for name, value in wanted.items())]

    def states(self) -> list[tuple[Any, ...]]:
        """Way, kind, state, code and why of every package, the oldest first, read from the table."""
        return self.rows(
            "SELECT outgoing, kind, state, code, why, moved, size, done, tips FROM routing_package ORDER BY id"
        )

    def file(self, names: Sequence[str], sizes: Sequence[int] = (), *, fill: object = None) -> list[str]:
        """File reports over the reporting API, each with a file of each size; return the tips' numbers."""
        ids = []
        with self.line() as line:
            for name in names:
                report_id = _good(line.submit(report(name))).value("reportId")
                ids.append(report_id)
                for number, size in enumerate(sizes):
                    content = pattern(f"{name}-{number}", size)
                    file_id = _good(line.upload(report_id, content)).value("fileId")
                    _good(line.fileinfo(details(report_id, file_id, name)))
                _good(line.finish(report_id))
        found = dict(self.rows("SELECT report_id, public_id FROM tips_tip"))
        return [str(found[int(one)]) for one in ids]


def pattern(name: str, size: int) -> bytes:
    """Bytes that are never the same twice and cost little: a line of its own, then a repeated one."""
    head = f"{name} a pattern of lines\n".encode()
    return (head + bytes(range(256)) * (size // 256 + 1))[:size]


def _good(answer: Answer) -> Answer:
    assert answer.ok, answer.body
    return answer


@contextmanager
def two(*, more: Mapping[str, str] | None = None) -> Iterator[tuple[Side, Side]]:
    """Two installations that run, each with a unit for the other; neither knows the other yet."""
    # Not pytest's own folder: a socket's path must stay short.
    with tempfile.TemporaryDirectory(prefix="nightlight-two-", ignore_cleanup_errors=True) as folder:
        sides = [Side(Path(folder) / letter, name=name, more=more) for letter, name in (("a", "Centre"), ("b", "East"))]
        try:
            for side in sides:
                side.launch()
            with ThreadPoolExecutor(2) as both:
                list(both.map(_begin, sides))
            yield sides[0], sides[1]
        finally:
            with ThreadPoolExecutor(2) as both:
                list(both.map(Side.close, sides))


def _begin(side: Side) -> None:
    until(side.answers, "the web server answers", 240)
    side.open_to("Example Chat")
    table = side.folder / "units.csv"
    other = "East" if side.name == "Centre" else "Centre"
    table.write_text(f"code,name,kind,parent,areas\nOTHER,{other},special,IN,\n")
    side.told("unit", "load", str(table))


def introduce(here: Side, there: Side, *, by: str = "") -> str:
    """Add the card of one at the other, and compare what is read out; return its number."""
    card = there.told("exchange", "card")
    file = here.folder / "card.json"
    file.write_text(card["card"])
    made = here.told("exchange", "add", str(file), "--unit", "OTHER", "--ca", str(there.cert))
    name = by or f"hearer-{here.name.lower()}"
    here.told("person", "add", name, "--role", "commander")
    done = here.command("exchange", "compare", made["installation"], "--by", name, "--heard", card["spoken"])
    assert done.returncode == 0, done.stderr
    return str(made["installation"])
