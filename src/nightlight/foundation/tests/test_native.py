# SPDX-License-Identifier: Apache-2.0
"""The compiled core is used when it was made from these sources, and never otherwise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nightlight.foundation import native

BUILD = Path(__file__).parents[4] / "scripts" / "build-native"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The script and the smallest of the sources elsewhere, so that nothing of this installation is touched."""
    package = tmp_path / "src" / "nightlight" / "foundation" / "native"
    package.mkdir(parents=True)
    for path in [native.FOLDER / name for name in ("__init__.py", "core.c", "processors.h")]:
        shutil.copy(path, package / path.name)
    for folder in (package.parent, package.parent.parent):
        (folder / "__init__.py").write_text("")
    (tmp_path / "scripts").mkdir()
    shutil.copy(BUILD, tmp_path / "scripts" / "build-native")
    return package


def run(copied: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = copied.parents[3] / "scripts" / "build-native"
    return subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_it_is_not_loaded_where_the_setting_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_NATIVE", "no")
    assert native.load() is None


def test_what_is_no_library_of_ours_is_not_used(tmp_path: Path) -> None:
    assert native.load(tmp_path / "missing.so") is None
    (tmp_path / "_core.so").write_bytes(b"not a library")
    assert native.load(tmp_path / "_core.so") is None


def test_without_a_compiler_it_says_so_and_is_content(copied: Path) -> None:
    done = run(copied, PATH="/nowhere")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "compiler" in done.stdout
    assert not (copied / "_core.so").exists()


def test_it_is_compiled_once_and_again_when_a_source_changed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    path = "/usr/local/bin:/usr/bin:/bin"
    monkeypatch.setattr(native, "FOLDER", copied)
    first = run(copied, PATH=path)
    assert (first.returncode, "Compiled" in first.stdout) == (0, True), first.stderr
    built = (copied / "_core.so").stat().st_mtime_ns
    assert (run(copied, PATH=path).stdout, (copied / "_core.so").stat().st_mtime_ns) == ("", built)
    assert loads(copied, "first")
    with (copied / "core.c").open("a") as source:
        source.write("/* changed */\n")
    assert not loads(copied, "stale")
    assert run(copied, PATH=path).returncode == 0
    assert loads(copied, "second")
    with (copied / "core.c").open("a") as source:
        source.write("this is no C\n")
    broken = run(copied, PATH=path)
    assert (broken.returncode, "could not be made" in broken.stderr) == (1, True)


def loads(copied: Path, name: str) -> bool:
    """Under a name of its own: a process never loads another library from a path that it loaded before."""
    return native.load(Path(shutil.copy(copied / "_core.so", copied / f"{name}.so"))) is not None
