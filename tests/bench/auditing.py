"""How fast a ledger is audited, beside bare loops of SHA-256 over the same bytes.

`--events` training steps of five metrics, written straight into journal segments. Then, in rounds:
order, hashes and chain alone, and the whole audit, each with one process and with two; the same
with a database that is caught up. The bare loop does nothing but two hashes an entry, of bytes that
are in memory already: no audit in Python can be faster.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from figures import Figure, median, parser, print_figures

from ledger.entry import Entry, entry_hash
from ledger.folder import Folder, create_folder, open_folder
from ledger.journal.line import chain_next, chain_start
from ledger.journal.segments import SEGMENT_BYTES, segment_path

ORIGIN = "bench.example/audit"
START_US = 1_767_225_600_000_000
PROCESSES = (1, 2)
#: Entries a second that an audit of order, hashes and chain is to reach with two processes.
BAR = 1_000_000


def entries(count: int) -> Iterator[bytes]:
    """The bytes E of a ledger's first entry, and of steps of one run."""
    first = {"format": "research-ledger/v1", "keys": [], "program": "bench 1"}
    yield entry("ledger.created", "ledger", 0, first, START_US)
    sample = {"loss": 1.0, "lr": 1e-4, "grad_norm": 1.0, "tokens_per_sec": 1.0, "wall_ms": 1.0}
    body = {"metrics": sample, "provenance": "synthetic", "run": "bench-0001", "step": 7}
    text = entry("step.taken", "run/bench-0001", 7, body, START_US).decode()
    for old, new in (
        ('"grad_norm":1.0', '"grad_norm":{norm}'),
        ('"loss":1.0', '"loss":{loss}'),
        ('"tokens_per_sec":1.0', '"tokens_per_sec":{speed}'),
        ('"wall_ms":1.0', '"wall_ms":{wall}'),
        ('"step":7', '"step":{step}'),
        (f'"recorded_at":{START_US}', '"recorded_at":{at}'),
        ('"stream_version":7', '"stream_version":{step}'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new.replace("{", "\0").replace("}", "\1"))
    fill = text.replace("{", "{{").replace("}", "}}").replace("\0", "{").replace("\1", "}").format
    for step in range(count - 1):
        yield fill(
            norm=1.25 + step % 97 / 97,
            loss=2.5 + 1 / (step + 1),
            speed=15_000.5 + step % 31,
            wall=22.5 + step % 13 / 8,
            step=step,
            at=START_US + 20_000 * step,
        ).encode()


def entry(kind: str, stream: str, version: int, body: dict[str, object], at: int) -> bytes:
    """One entry's bytes."""
    return Entry(
        actor="executor:bench",
        body=body,
        branch=None,
        cites=(),
        kind=kind,
        origin=ORIGIN,
        recorded_at=at,
        schema_version=1,
        stream=stream,
        stream_version=version,
    ).format()


def build(home: Path, count: int) -> Folder:
    """Make a ledger of `count` entries in `home`."""
    folder = create_folder(home, ORIGIN)
    chain, first, size = chain_start(ORIGIN), 0, 0
    lines: list[bytes] = []
    for position, data in enumerate(entries(count)):
        chain = chain_next(chain, entry_hash(data))
        line = b"%d %b %b\n" % (position, chain.hex().encode(), data)
        if size + len(line) > SEGMENT_BYTES:
            segment_path(folder.journal, first).write_bytes(b"".join(lines))
            lines, first, size = [], position, 0
        lines.append(line)
        size += len(line)
    segment_path(folder.journal, first).write_bytes(b"".join(lines))
    return folder


def bare(home: Path, which: int, of: int) -> None:
    """Two hashes an entry, for every `of`-th segment: print entries, seconds."""
    folder = open_folder(home / ".ledger")
    done, seconds = 0, 0.0
    for path in sorted(folder.journal.glob("*.log"))[which::of]:
        lines = path.read_bytes().split(b"\n")[:-1]
        started, chain = time.perf_counter(), b""
        for line in lines:
            chain = sha256(chain + sha256(line).digest()).digest()
        done, seconds = done + len(lines), seconds + time.perf_counter() - started
    print(done, seconds)


def one_audit(home: Path, processes: int, *, chain_only: bool) -> None:
    """Audit once: print entries, seconds, and at most how many bytes of memory were used."""
    from ledger.audit import audit

    started = time.perf_counter()
    report = audit(open_folder(home / ".ledger"), processes=processes, chain_only=chain_only)
    seconds = time.perf_counter() - started
    assert report.exit_code == 0, report.findings
    # Not ru_maxrss: that knows of the process that started this one, too.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    kib = int(status["VmHWM"].split()[0])
    kib += processes * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(report.entries, seconds, kib * 1024)


def measure(home: Path, *words: object) -> "subprocess.Popen[str]":
    """Run a part of this file in a process of its own."""
    command = [sys.executable, __file__, "--part", *map(str, words), "--folder", str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def numbers(process: "subprocess.Popen[str]") -> list[float]:
    """What a part printed."""
    said = process.communicate()[0]
    assert process.returncode == 0
    return [float(word) for word in said.split()]


def bare_rate(home: Path, count: int) -> float:
    """Entries a second of bare loops, so many at a time."""
    parts = [numbers(each) for each in [measure(home, "bare", n, count) for n in range(count)]]
    return sum(done for done, _ in parts) / max(seconds for _, seconds in parts)


def rounds(home: Path, count: int, what: str, *, is_bare: bool) -> list[Figure]:
    """Audits with one process and with two, and their memory; perhaps with bare loops beside."""
    figures = []
    for processes in PROCESSES:
        found, peers, memory = [], [], []
        for _ in range(count):
            done, seconds, size = numbers(measure(home, what, processes))
            found.append(done / seconds)
            memory.append(size)
            if is_bare:
                peers.append(bare_rate(home, processes))
        name = f"{what}, {processes} process{'es' * (processes > 1)}"
        figures.append(
            Figure(
                name,
                median(found),
                "entries/s",
                bar=BAR if is_bare and processes == 2 else None,
                peer=f"{processes} bare loop{'s' * (processes > 1)}" if peers else None,
                peer_value=median(peers) if peers else None,
                is_least=True,
            )
        )
        figures.append(Figure(f"{name}: memory at most", max(memory) / 2**20, "MiB"))
    return figures


def main(options: argparse.Namespace) -> None:
    """Measure, and print one table."""
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        home = Path(temporary)
        folder = build(home, options.events)
        figures = rounds(home, options.rounds, "chain", is_bare=True)
        figures += rounds(home, options.rounds, "whole", is_bare=False)
        if not options.no_database:
            from ledger.store.catch_up import catch_up

            catch_up(folder)
            found = rounds(home, options.rounds, "whole", is_bare=False)
            figures += [
                Figure(f"with a database: {figure.what}", figure.value, figure.unit)
                for figure in found
            ]
        print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="entries of the ledger")
    arguments.add_argument("--rounds", type=int, default=3, help="medians are over so many")
    arguments.add_argument("--no-database", action="store_true", help="leave the database out")
    arguments.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.part is None:
        main(given)
    elif given.part[0] == "bare":
        bare(given.folder, int(given.part[1]), int(given.part[2]))
    else:
        one_audit(given.folder, int(given.part[1]), chain_only=given.part[0] == "chain")
