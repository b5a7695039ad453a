"""A compiler front: takes the arguments that tinygrad gives clang, and runs zig's clang with them.

tinygrad 0.14 compiles a kernel with `$CC -c -x c -O2 … --target=x86_64-none-unknown-elf
-march=native - -o -`, source on stdin, object on stdout. Zig spells targets and processors in its
own way, and adds by default what tinygrad's loader does not know (debug sections, unwind tables,
sanitizer calls); `translate` makes one out of the other.

Started once for every kernel, so: standard library only. It also runs as a plain file, without the
package (`ml.compiler.choice` relies on that). Zig locks its cache entries itself, so any number of
these may run at once; the cache lies in the user's cache directory, never in a working tree.
"""

import os
import sys
from importlib.util import find_spec

# Without -g0 tinygrad's loader meets relocations of debug sections that it does not know.
QUIET = ("-fno-sanitize=all", "-g0", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
# tinygrad's name of a machine -> zig's.
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64", "riscv64": "riscv64"}


def translate(arguments: list[str]) -> list[str]:
    """Return the arguments for `zig cc` that mean what `arguments` mean to clang.

    >>> translate(["-O2", "--target=x86_64-none-unknown-elf", "-march=native"])[:3]
    ['-O2', '-target', 'x86_64-freestanding-none']
    """
    machine = next((MACHINES.get(_machine(a), _machine(a)) for a in arguments if _is_target(a)), "")
    translated: list[str] = []
    for argument in arguments:
        if _is_target(argument):
            translated += ["-target", f"{machine}-freestanding-none", *QUIET]
        elif argument.startswith("-march="):
            translated.append("-mcpu=" + _processor(machine, argument.removeprefix("-march=")))
        elif argument.startswith("-mcpu="):
            translated.append("-mcpu=" + _arm_processor(argument.removeprefix("-mcpu=")))
        else:
            translated.append(argument)
    return translated


def _is_target(argument: str) -> bool:
    return argument.startswith("--target=")


def _machine(argument: str) -> str:
    return argument.removeprefix("--target=").split("-")[0]


def _processor(machine: str, march: str) -> str:
    """Spell clang's `-march` as zig's `-mcpu`: dashes become underscores in zig's names."""
    if machine != "riscv64":
        return march.replace("-", "_")
    # `rv64g_zba_zbb`: zig names a processor and adds extensions. Its baseline is rv64gc, and the
    # relocations of compressed instructions are none that were asked for.
    base, *extensions = march.split("_")
    processor = {"rv64g": "baseline_rv64-c", "rv64gc": "baseline_rv64"}.get(base, base)
    return "+".join([processor, *extensions])


def _arm_processor(mcpu: str) -> str:
    """clang: `native+noaes+sve`; zig: `native-aes+sve`."""
    name, *features = mcpu.split("+")
    spelled = [f"-{f[2:]}" if f.startswith("no") else f"+{f}" for f in features]
    return name.replace("-", "_") + "".join(spelled)


def cache_directory() -> str:
    """Return where compilers may cache: `$XDG_CACHE_HOME/research-ledger`, made if missing."""
    # posixpath calls, not pathlib: pathlib alone costs more to import than all of this file.
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    directory = os.path.join(home, "research-ledger")  # noqa: PTH118
    os.makedirs(directory, exist_ok=True)  # noqa: PTH103
    return directory


def find_zig() -> str | None:
    """Return the zig executable of the `ziglang` package, or None where it is not installed."""
    spec = find_spec("ziglang")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        zig = os.path.join(directory, "zig")  # noqa: PTH118
        if os.access(zig, os.X_OK):
            return zig
    return None


def main() -> None:
    """Replace this process with zig's C compiler; exit status 127 where zig is missing."""
    zig = find_zig()
    if zig is None:
        sys.exit("research-ledger-cc: the package ziglang is not installed: pip install ziglang")
    zig_cache = os.path.join(cache_directory(), "zig")  # noqa: PTH118
    os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", zig_cache)
    os.environ.setdefault("ZIG_LOCAL_CACHE_DIR", zig_cache)
    os.execv(zig, [zig, "cc", *translate(sys.argv[1:])])  # noqa: S606


if __name__ == "__main__":
    main()
