"""The compiler front's translation, and which compiler is chosen."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml.compiler import choice, front
from ml.errors import CompilerMissing

# As tinygrad 0.14 calls its compiler.
COMMON = ["-c", "-x", "c", "-O2", "-fPIC", "-ffreestanding", "-fno-math-errno", "-nostdlib"]
COMMON += ["-fno-ident"]


def test_x86():
    """Target, quiet options, processor; everything else is kept in place."""
    arguments = [*COMMON, "--target=x86_64-none-unknown-elf", "-march=native", "-", "-o", "-"]
    assert front.translate(arguments) == [
        *COMMON,
        *("-target", "x86_64-freestanding-none", *front.QUIET),
        *("-mcpu=native", "-", "-o", "-"),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--target=x86_64-none-unknown-elf -march=x86-64-v3", "-mcpu=x86_64_v3"),
        ("--target=arm64-none-unknown-elf -mcpu=native", "-mcpu=native"),
        ("--target=arm64-none-unknown-elf -mcpu=cortex-a72+nocrc+sve", "-mcpu=cortex_a72-crc+sve"),
        ("--target=riscv64-none-unknown-elf -march=rv64g_zba", "-mcpu=baseline_rv64-c+zba"),
    ],
)
def test_processors(given, expected):
    """Zig's spelling: underscores in names, + and - for features, a processor for RISC-V."""
    assert expected in front.translate(given.split())


def compile_with(command, source, *machine):
    """Compile C on stdin to an object on stdout, as tinygrad does."""
    done = subprocess.run(
        [*command, *COMMON, *machine, "-", "-o", "-"], input=source, capture_output=True, check=True
    )
    return done.stdout


@pytest.mark.skipif(front.find_zig() is None, reason="the package ziglang is not installed")
@pytest.mark.parametrize(
    "machine",
    [
        ["--target=x86_64-none-unknown-elf", "-march=x86-64-v3"],
        ["--target=arm64-none-unknown-elf", "-ffixed-x18", "-mcpu=generic"],
        ["--target=riscv64-none-unknown-elf", "-march=rv64g"],
    ],
)
def test_zig_compiles_for_every_machine(machine, tmp_path, monkeypatch):
    """An ELF object on stdout, nothing in the working directory, a cache where it belongs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    source = b"float f(float *a) { return a[0] + a[1]; }"
    built = compile_with([sys.executable, front.__file__], source, *machine)
    assert built[:4] == b"\x7fELF"
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert (tmp_path / "cache" / "research-ledger" / "zig").is_dir()


@pytest.mark.skipif(front.find_zig() is None, reason="the package ziglang is not installed")
def test_concurrent_compiles_do_not_mix(tmp_path, monkeypatch):
    """Eight at once over one empty cache, each with its own answer in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = [sys.executable, front.__file__]
    machine = ["--target=x86_64-none-unknown-elf", "-march=x86-64-v3"]

    def build(i):
        return compile_with(command, f"long f(void) {{ return {4711 + i}; }}".encode(), *machine)

    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(build, range(8)))
    for i, code in enumerate(built):
        assert (4711 + i).to_bytes(4, "little") in code


def test_the_launcher_runs_the_front(tmp_path):
    """For trees that were not installed: executable by its owner, made once, by digest."""
    launcher = choice.write_launcher(tmp_path)
    assert choice.write_launcher(tmp_path) == launcher
    assert launcher.stat().st_mode & stat.S_IXUSR
    assert [path.name for path in tmp_path.iterdir()] == [launcher.name]
    if front.find_zig() is not None:
        machine = ["--target=x86_64-none-unknown-elf", "-march=x86-64-v3"]
        assert compile_with([str(launcher)], b"int x;", *machine)[:4] == b"\x7fELF"


@pytest.fixture
def bare(monkeypatch):
    """No CC, no clang, and a choice that has not been made; CC is restored afterwards."""
    monkeypatch.setenv("CC", "")
    monkeypatch.setenv("CACHEDB", "")
    monkeypatch.setattr(choice.shutil, "which", lambda _: None)
    return choice.choose.__wrapped__


def test_an_explicit_cc_wins(monkeypatch):
    """Whatever else is there; its kernels are kept apart from other compilers'."""
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setenv("CACHEDB", "")
    monkeypatch.delenv("CACHEDB")
    chosen = choice.choose.__wrapped__()
    assert (chosen.command, chosen.reason) == (sys.executable, "CC is set")
    assert chosen.version.startswith("Python")
    assert Path(os.environ["CACHEDB"]).name.startswith("kernels-")


def test_a_cc_that_is_no_program(bare, monkeypatch):
    """Tinygrad would fail in the middle of a run."""
    monkeypatch.setenv("CC", "gcc -m64")
    with pytest.raises(CompilerMissing, match="gcc -m64") as caught:
        bare()
    assert "one program" in caught.value.hint


def test_zig_stands_in(bare):
    """CC names the front, by path."""
    if front.find_zig() is None:
        pytest.skip("the package ziglang is not installed")
    chosen = bare()
    assert os.environ["CC"] == chosen.command
    assert os.access(chosen.command, os.X_OK)
    assert "zig" in chosen.version


def test_nothing_at_all(bare, monkeypatch):
    """The hint says what to install."""
    monkeypatch.setattr(choice.front, "find_zig", lambda: None)
    with pytest.raises(CompilerMissing) as caught:
        bare()
    assert "research-ledger[cpu]" in caught.value.hint


def test_the_front_imports_nothing_of_the_room():
    """It is started for every kernel."""
    program = "import sys, ml.compiler.front; assert not {'attrs', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])
