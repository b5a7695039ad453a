"""The golden ledger: what version 0.1 left is read, audited, asked and gone on with for ever."""

import hashlib
import importlib.util
import shutil

import pytest
from ledgers import HUMAN, START_US, lines_of, new_recorder, note
from memory_store import canonical
from vectors import REPOSITORY

from ledger.audit import audit
from ledger.clock import FixedClock
from ledger.errors import Rejected
from ledger.events import KINDS, read_event
from ledger.folder import create_folder, open_folder
from ledger.ids import is_known_actor
from ledger.journal.line import Line, extend
from ledger.journal.segments import list_segments, segment_path
from ledger.queries import QUERIES, find_query
from ledger.recorder import Draft, Recorder
from ledger.store.reader import open_reader

GOLDEN = REPOSITORY / "tests" / "golden" / "ledger"
#: Never edited: what the file of 0.1 says at its end.
ENTRIES = 153
CHAIN = "85850ffa803abdb6351c24a7ded6a911de5715d9658d6089b8f92f5c9dd490bc"
ORIGIN = "example.org/golden"
SEGMENT_BYTES = 8192
#: Positions that a rule of a later version would refuse to record; they stay on record.
REFUSED_SINCE: set[int] = set()
UNKNOWN = "which this program does not know"
FINDINGS = (
    ("note", "streams", None, f"1 events of kind note.added, {UNKNOWN}"),
    ("note", "streams", None, f"2 events of kind unknowable.happened, {UNKNOWN}"),
    *(
        ("holds", "verdicts", position, f"{what}, measured at position {evidence}")
        for position, evidence, what in (
            (56, 51, "LOSS is DISCHARGED: loss_final = 2.5 nats (<= 3.0)"),
            (57, 52, "SPEED is FALSIFIED: speed = 915 tokens_per_sec (>= 1000)"),
            (58, 53, "TIED is DISCHARGED: weights_tied = True (== True)"),
            (59, 54, "FORMAT is DISCHARGED: container = gguf v3 (== gguf v3)"),
            (86, 81, "LOSS is FALSIFIED: loss_final = 3.5 nats (<= 3.0)"),
            (113, 108, "LOSS is DISCHARGED: loss_final = 2.25 nats (<= 3.0)"),
            (
                144,
                142,
                "CLOSE is FALSIFIED: trace_distance_max = 0.18411492357966466 ratio (< 0.001)",
            ),
        )
    ),
)
#: What is asked where a query needs an argument: by its name, else by its type.
ARGUMENTS = {"run": "train-0001", "metric": "loss", "of": 113}
BY_TYPE = {"text": "LOSS", "integer": 1, "number": 1.0, "yesno": "yes"}
ROWS = {
    "board": 7, "boards": 1, "claims": 3, "compare": 2, "comparisons": 1, "criteria": 7,
    "curve": 100, "epochs": 1, "events": 153, "kinds": 31, "measurements": 15, "runs": 9,
    "sections": 1, "support": 7, "trace": 4, "verdicts": 8,
}  # fmt: skip


def load_script():
    """The committed script, as a module."""
    path = REPOSITORY / "tests" / "golden" / "write_ledger.py"
    spec = importlib.util.spec_from_file_location("write_ledger", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(path):
    """The bytes of every file that is committed, by name."""
    paths = (file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in paths}


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """A copy of the ledger, as its writer left it: all segments sealed but the last."""
    path = tmp_path_factory.mktemp("golden") / ".ledger"
    shutil.copytree(GOLDEN, path)
    folder = open_folder(path)
    for first in list_segments(folder.journal)[:-1]:
        segment_path(folder.journal, first).chmod(0o444)
    return folder


def test_script_writes_the_same(tmp_path):
    """The committed script writes the committed bytes."""
    load_script().write(tmp_path / "new")
    assert files(tmp_path / "new") == files(GOLDEN)


def test_chain(golden):
    """Every line is followed, and the last chain value is the one of 0.1."""
    lines = lines_of(golden)
    chain = hashlib.sha256(b"research-ledger/v1\nexample.org/golden").digest()
    for line in lines:
        leaf = hashlib.sha256(b"\x00" + line.entry).digest()
        chain = hashlib.sha256(chain + leaf).digest()
    assert (len(lines), lines[-1].chain.hex(), chain.hex()) == (ENTRIES, CHAIN, CHAIN)


def test_audit(golden):
    """The audit has the same to say, word for word; whether there is a database aside."""
    report = audit(golden)
    found = [(f.severity, f.check, f.position, f.message) for f in report.findings]
    assert [each for each in found if each[1] != "store"] == list(FINDINGS)
    assert (report.entries, report.exit_code) == (ENTRIES, 0)


@pytest.mark.parametrize("name", QUERIES)
def test_query(golden, name):
    """Every named query answers, those of 0.1 with as many rows as then."""
    query = find_query(name)
    needed = [parameter for parameter in query.parameters if parameter.required]
    given = {each.name: ARGUMENTS.get(each.name, BY_TYPE[each.type]) for each in needed}
    with open_reader(golden) as db:
        table = query.run(db, given)
    assert len(table.rows) == ROWS.get(name, len(table.rows))


def test_board(golden):
    """The statuses of its own rows."""
    with open_reader(golden) as db:
        table = find_query("board").run(db, {"reported": "no"})
    assert {row["row"]: row["status"] for row in table.objects()} == {
        "LOSS": "DISCHARGED",
        "SPEED": "FALSIFIED",
        "TIED": "DISCHARGED",
        "FORMAT": "DISCHARGED",
        "CLOSE": "FALSIFIED",
        "NEVER": "unbound",
    }


def test_going_on(golden, tmp_path):
    """A later version appends behind it and changes nothing before."""
    shutil.copytree(golden.path, tmp_path / ".ledger")
    folder = open_folder(tmp_path / ".ledger")
    before = b"".join(path.read_bytes() for path in sorted(folder.journal.glob("*.log")))
    recorder = new_recorder(folder)
    receipt = recorder.append([note("years later")], actor=HUMAN)[0]
    recorder.close()
    assert receipt.position == ENTRIES
    after = b"".join(path.read_bytes() for path in sorted(folder.journal.glob("*.log")))
    assert after.startswith(before)
    assert audit(folder).exit_code == 0


def test_recorded_again(tmp_path):
    """What this version can record, it records to the same bytes; the rest it takes as it is.

    It cannot record other people's entries, kinds it does not know, and versions of a kind that a
    newer one has replaced: these are put into the journal as another program would.
    """
    told = load_script().story()
    steps = iter(told.steps)
    _, (created,) = next(steps)
    folder = create_folder(tmp_path, ORIGIN, line_after(None, created))
    for name, data in told.blobs.items():
        path = folder.blobs / name[7:9] / name[9:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    clock, refused, recorded = FixedClock(0, 1_000_000), set(), 0
    recorder = Recorder(folder, clock, segment_bytes=SEGMENT_BYTES)
    for name, value in steps:
        if name == "torn":
            with segment_path(folder.journal, list_segments(folder.journal)[-1]).open("ab") as file:
                file.write(value)
            continue
        entries = value if name == "append" else [value]
        clock._next = entries[0]["recorded_at"]
        position = (clock._next - START_US) // 1_000_000
        if all(map(is_current, entries)):
            try:
                recorder.append(drafts_of(entries), actor=entries[0]["actor"])
            except Rejected:
                refused.add(position)
            else:
                recorded += len(entries)
                continue
        put(folder, entries)
    recorder.close()
    assert refused == REFUSED_SINCE
    assert recorded > ENTRIES / 2
    rebuilt = {name: data for name, data in files(folder.path).items() if name in files(GOLDEN)}
    assert rebuilt == files(GOLDEN)


def is_current(entry):
    """Whether this version would write the entry, if it may."""
    kind = KINDS.get(entry["kind"])
    version = kind.version if kind else None
    is_own = entry["origin"] == ORIGIN and is_known_actor(entry["actor"])
    return is_own and version == entry["schema_version"]


def drafts_of(entries):
    """The entries as someone would want them recorded; a gap is recorded by itself."""
    if entries[0]["kind"] == "gap.found":
        return []
    return [
        Draft(
            event=read_event(entry["kind"], entry["schema_version"], entry["body"]),
            cites=tuple(entry["cites"]),
            stream=entry["stream"],
            branch=entry["branch"],
        )
        for entry in entries
    ]


def line_after(last, entry):
    """The line of an entry behind another line."""
    data = canonical(entry).encode()
    start = hashlib.sha256(f"research-ledger/v1\n{ORIGIN}".encode()).digest()
    chain = extend(last.chain if last else start, data)
    return Line(last.position + 1 if last else 0, chain, data).format()


def put(folder, entries):
    """Append entries as another program would."""
    for entry in entries:
        lines = lines_of(folder)
        path = segment_path(folder.journal, list_segments(folder.journal)[-1])
        data = line_after(lines[-1], entry)
        if path.stat().st_size + len(data) > SEGMENT_BYTES:
            path.chmod(0o444)
            path = segment_path(folder.journal, lines[-1].position + 1)
        with path.open("ab") as file:
            file.write(data)
