# SPDX-License-Identifier: Apache-2.0
"""A program inside the sandbox tries what a taken-over decoder would try; every attempt fails."""

from __future__ import annotations

import dataclasses
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nightlight.trust.viewing.rendering import asking, calls, child, render
from nightlight.trust.viewing.rendering.sandbox import NOBODY
from nightlight.trust.viewing.rendering.terms import Protections, Why
from nightlight.trust.viewing.tests import files

# Everything a probe needs is imported first, as the child does; then it is shut in; then it tries.
PROBE = """
import ctypes, mmap, os, signal, socket, sys, threading, time
from nightlight.trust.viewing.rendering import sandbox
libc = ctypes.CDLL(None, use_errno=True)
given = sys.argv[1:]
def refused(what):
    try:
        what()
    except OSError as refusal:
        os.write(1, b"refused %d" % refusal.errno)
    else:
        os.write(1, b"done")
def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
def fork():
    if os.fork() == 0:
        os._exit(0)
{before}
held = sandbox.enter(memory=64 << 20, cpu_seconds=1)
assert held.enough, held
{inside}
os._exit(0)
"""
EPERM, EACCES = 1, 13


def probe(inside: str, *arguments: str, before: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run ``inside`` in the sandbox, in a process of its own."""
    program = PROBE.format(inside=inside, before=before)
    return subprocess.run(
        [sys.executable, "-I", "-c", program, *arguments], capture_output=True, check=False, timeout=20
    )


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair()",
        "open('/etc/passwd').read()",
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.stat('/etc/passwd')",
        "os.listdir('/')",
        "os.readlink('/proc/self/exe')",
        "open('/tmp/written-from-inside', 'w')",
        "os.open('/proc/self/mem', os.O_RDWR)",
        "os.mkdir('/tmp/made-from-inside')",
        "os.unlink('/etc/hostname')",
        "os.chdir('/tmp')",
        "os.execv('/bin/true', ['/bin/true'])",
        "os.execv(sys.executable, [sys.executable, '-c', ''])",
        "fork()",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 0)",
        "os.setuid(0)",
        "os.memfd_create('x')",
        "os.dup(1)",
        "os.pipe()",
        "checked(libc.ptrace(0, 0, 0, 0))",
        "checked(libc.unshare(0x10000000))",
        "checked(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))",
        "checked(libc.prctl(38, 0, 0, 0, 0))",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
    ],
)
def test_nothing_outside_can_be_reached(attempt: str) -> None:
    tried = probe(f"refused(lambda: {attempt})")
    assert (tried.returncode, tried.stdout) == (0, b"refused %d" % EPERM), tried


def test_the_installations_home_cannot_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text("invented")
    assert probe("refused(lambda: open(given[0]))", str(secret)).stdout == b"refused %d" % EPERM
    # A file that was open before is closed by entering, unless it is the one to be read.
    before = "kept = os.open(given[0], os.O_RDONLY)"
    assert probe("refused(lambda: os.read(kept, 9))", str(secret), before=before).stdout == b"refused 9"


def test_a_file_at_hand_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.touch()
    with path.open("wb") as file:
        program = PROBE.format(before="", inside="os.write(1, b'x')")
        done = subprocess.run([sys.executable, "-I", "-c", program], stdout=file, stderr=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGXFSZ or b"OSError" in done.stderr
    assert path.read_bytes() == b""


def test_landlock_alone_closes_all_files(tmp_path: Path) -> None:
    """Without the list of system calls, which closes them too: the error says which layer answered."""
    program = """
import ctypes, os, sys
from nightlight.trust.viewing.rendering import sandbox
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
version = sandbox.close_files(libc)
for path, how in (("/etc/passwd", os.O_RDONLY), (sys.argv[1], os.O_WRONLY | os.O_CREAT)):
    try:
        os.open(path, how)
    except OSError as refusal:
        os.write(1, b"%d %d;" % (version > 0, refusal.errno))
    else:
        os.write(1, b"%d opened;" % (version > 0))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program, str(tmp_path / "new")], capture_output=True, check=True)
    if render.protections().landlock:
        assert done.stdout == b"1 %d;1 %d;" % (EACCES, EACCES)
    else:  # a kernel without it: then it must not be claimed either
        assert done.stdout.startswith(b"0 ")


def test_the_kernel_confirms_what_is_claimed() -> None:
    program = PROBE.format(before="", inside="os.write(1, repr(held).encode())\ntime.sleep(30)")
    with subprocess.Popen([sys.executable, "-I", "-c", program], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        claimed = os.read(running.stdout.fileno(), 4096).decode()
        proc = Path(f"/proc/{running.pid}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        root = os.geteuid() == 0
        other_network = root and (proc / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        running.kill()
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    if root:
        assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
        assert status["Groups"].strip() == ""
        assert (f"network_namespace={other_network}") in claimed


def test_memory_and_time_are_limited() -> None:
    greedy = probe("try:\n    bytearray(256 << 20)\nexcept MemoryError:\n    os.write(1, b'no')")
    assert greedy.stdout == b"no"
    began = time.monotonic()
    busy = probe("while True: pass")
    assert busy.returncode == -signal.SIGXCPU
    assert time.monotonic() - began < 10


def test_decoders_may_have_threads() -> None:
    calm = probe("t = threading.Thread(target=os.write, args=(1, b'thread')); t.start(); t.join()")
    assert calm.stdout == b"thread", calm


def test_doctor_can_ask_what_holds() -> None:
    held = render.protections()
    assert held.enough
    assert held.system_calls, "on the machines we test on"


# Takes away, for this process and its children, the ways into the sandbox; as a strict container would.
_DENIED = {
    "x86_64": {"seccomp": 317, "prctl": 157, "unshare": 272, "landlock": 444},
    "aarch64": {"seccomp": 277, "prctl": 167, "unshare": 97, "landlock": 444},
}
BARE = """
import ctypes, sys
from nightlight.trust.viewing.rendering import calls, render
from nightlight.trust.viewing.rendering.terms import RenditionRefused, Wanted
libc = ctypes.CDLL(None, use_errno=True)
step, refuse, allow = calls._step, calls._step(0x06, 0x00050001), calls._step(0x06, 0x7FFF0000)
libc.prctl(38, 1, 0, 0, 0)
filter_ = step(0x20, 0)
for number in {simple}:
    filter_ += step(0x15, number, no=1) + refuse
filter_ += step(0x15, {prctl}, no=3) + step(0x20, 16) + step(0x15, 22, no=1) + refuse
assert calls.install(libc, filter_ + allow)
try:
    render.render([sys.stdin.buffer.read()], wanted=Wanted("OF-7F3K-9QTX"))
except RenditionRefused as refused:
    print(refused.why.value)
else:
    print("shown")
"""


@pytest.mark.parametrize(
    ("taken", "outcome"),
    [
        (("seccomp", "unshare", "landlock"), "no-sandbox"),
        (("seccomp", "unshare"), "no-sandbox"),
        (("seccomp", "landlock"), "no-sandbox"),
        (("seccomp",), "shown"),
        (("unshare", "landlock"), "shown"),
    ],
)
def test_without_a_sandbox_nothing_is_opened(taken: tuple[str, ...], outcome: str) -> None:
    numbers = _DENIED[platform.machine()]
    prctl = numbers["prctl"] if "seccomp" in taken else -1 & 0xFFFFFFFF
    program = BARE.format(simple=[numbers[name] for name in taken], prctl=prctl)
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], input=files.good()["png"], capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == outcome


def test_what_is_enough() -> None:
    everything = Protections(
        resource_limits=True,
        no_new_privileges=True,
        no_capabilities=True,
        nobody=True,
        network_namespace=True,
        landlock=7,
        system_calls=True,
    )
    assert everything.enough
    for missing in ({"resource_limits": False}, {"no_new_privileges": False}):
        assert not dataclasses.replace(everything, **missing).enough
    no_calls = dataclasses.replace(everything, system_calls=False)
    assert no_calls.enough
    assert not dataclasses.replace(no_calls, landlock=0).enough
    assert not dataclasses.replace(no_calls, network_namespace=False).enough
    assert dataclasses.replace(everything, landlock=0, network_namespace=False).enough


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_list_of_system_calls_opens_nothing(machine: str) -> None:
    """The program run by hand over every number: what is allowed is exactly what is listed."""
    program = calls.program(machine)
    assert program is not None
    arch, known = calls._MACHINES[machine]
    conditional = {"mmap", "mprotect", "newfstatat", "clone", "clone3"}
    free = {number for name, number in known.items() if name not in conditional}
    for number in [*range(600), 0x40000000, 0x40000001, 0xFFFFFFFF]:
        verdict = _verdict(program, arch, number, (0, 0, 0, 0))
        allowed = number in free or number in (known["mmap"], known["mprotect"])
        assert (verdict == calls._ALLOW) == allowed, number
        assert _verdict(program, 0x40000003, number, (0, 0, 0, 0)) == calls._KILL
    executable = (0, 0, 4, 0)
    assert _verdict(program, arch, known["mmap"], executable) == calls._REFUSE
    assert _verdict(program, arch, known["mprotect"], executable) == calls._REFUSE
    assert _verdict(program, arch, known["clone"], (0x10000, 0, 0, 0)) == calls._ALLOW
    assert _verdict(program, arch, known["newfstatat"], (0, 0, 0, 0x1000)) == calls._ALLOW
    assert calls.program("some-other-machine") is None


def _verdict(program: bytes, arch: int, number: int, arguments: tuple[int, int, int, int]) -> int:
    """What the kernel would say: classic BPF with the five instructions we use."""
    data = {calls._NUMBER: number, calls._ARCH: arch}
    data |= {calls._argument(place): value for place, value in enumerate(arguments)}
    at = loaded = 0
    while True:
        step = program[8 * at : 8 * at + 8]
        code, yes, no, value = int.from_bytes(step[:2], "little"), step[2], step[3], int.from_bytes(step[4:], "little")
        at += 1
        if code == calls._LOAD:
            loaded = data[value]
        elif code == calls._RETURN:
            return value
        else:
            assert code in (calls._EQUAL, calls._ANY_BIT)
            true = loaded == value if code == calls._EQUAL else bool(loaded & value)
            at += yes if true else no


def test_child_and_server_mean_the_same_by_a_code() -> None:
    assert {code: why for why, code in child.EXITS.items()} == asking.REFUSALS
    assert len(set(child.EXITS.values())) == len(Why)
