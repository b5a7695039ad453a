"""`kill -9` at random moments, and what must hold after each: for CI, and for `make bench`."""

import json
import random
import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from lasting import PAUSE, label_of
from ledgers import HUMAN, gaps_of, lines_of, new_folder, new_recorder, note
from nursery import Nursery, wait_for
from stores import journalled, stored

from ledger.audit import audit
from ledger.entry import entry_hash, format_hash
from ledger.folder import Folder
from ledger.journal.batch import NAME
from ledger.journal.segments import list_segments
from ledger.state import remove_state
from ledger.store.catch_up import catch_up

#: Kills before a new ledger is begun: an audit follows each, so a ledger must not grow large.
KILLS_A_LEDGER = 8
HOW = ("steps", "steps", "mixed", "mixed", "durable")
SEGMENT_BYTES = (100_000, 400_000, 3_000_000)


@dataclass
class Outcome:
    """What was killed and what survived it, over all ledgers."""

    kills: int = 0
    reader_kills: int = 0
    ledgers: int = 0
    segments: int = 0
    entries: int = 0
    acknowledged: int = 0
    refused: int = 0
    in_flight: int = 0
    gaps: int = 0
    audits: int = 0
    seconds: float = 0.0


@dataclass
class Scene:
    """One ledger, its writers alive and dead, and its reader."""

    folder: Folder
    nursery: Nursery
    files: dict[str, Path] = field(default_factory=dict)
    alive: dict[int, str] = field(default_factory=dict)
    reader: int | None = None

    @property
    def problem(self) -> Path:
        """Where the reader says what is wrong."""
        return self.folder.path / "problem"

    def start_writer(self, how: str, segment_bytes: int) -> None:
        """One more process that records until it is killed."""
        name = f"w{len(self.files)}"
        file = self.folder.path / f"{name}.acknowledged"
        task = ("lasting.record_until_killed", self.folder.path, name, file, segment_bytes, how)
        self.alive[self.nursery.start(*task)] = name
        self.files[name] = file

    def start_reader(self) -> None:
        """A process that folds and asks until it is killed."""
        task = ("lasting.ask_until_killed", self.folder.path, self.problem)
        self.reader = self.nursery.start(*task)

    def kill(self, pid: int) -> None:
        """`kill -9` a writer; one that had ended by itself is an error that it talked of."""
        code = self.nursery.kill(pid)
        assert code == -9, f"{self.alive[pid]} ended by itself, code {code}"
        del self.alive[pid]

    def kill_reader(self) -> None:
        """`kill -9` the reader, likewise."""
        pid, self.reader = self.reader, None
        code = self.nursery.kill(pid)
        said = self.problem.read_text() if self.problem.exists() else ""
        assert code == -9, f"the reader ended by itself, code {code} {said}"


def kill_at_random(home: Path, kills: int, seed: int, nursery: Nursery, tell=None) -> Outcome:
    """Kill writers, one to four at a time, until it is enough; a failed check raises.

    `tell` is called with the number of kills after each.
    """
    outcome, draw = Outcome(), random.Random(seed)  # noqa: S311 - a seed, not a secret
    began = time.monotonic()
    while outcome.kills < kills:
        directory = home / f"ledger-{outcome.ledgers}"
        scene = Scene(new_folder(directory), nursery)
        until = min(kills, outcome.kills + KILLS_A_LEDGER)
        while outcome.kills < until:
            _go_on(scene, draw, outcome)
            if tell is not None:
                tell(outcome.kills)
        _finish(scene, outcome)
        outcome.ledgers += 1
    outcome.seconds = time.monotonic() - began
    return outcome


def _go_on(scene: Scene, draw: random.Random, outcome: Outcome) -> None:
    """Start what is missing, wait a moment, kill, and look."""
    wanted = draw.randint(1, 4)
    while len(scene.alive) < wanted:
        scene.start_writer(draw.choice(HOW), draw.choice(SEGMENT_BYTES))
    if scene.reader is None and draw.random() < 0.5:
        scene.start_reader()
    if draw.random() < 0.8:
        for name in scene.alive.values():
            wait_for(scene.files[name])
    time.sleep(draw.uniform(0, 0.03))
    if scene.reader is not None and draw.random() < 0.5:
        scene.kill_reader()
        outcome.reader_kills += 1
    all_of_them = draw.random() < 0.4
    for pid in draw.sample(sorted(scene.alive), len(scene.alive) if all_of_them else 1):
        scene.kill(pid)
        outcome.kills += 1
    pause = scene.folder.path / PAUSE
    pause.touch()  # else the survivors write faster than an audit reads
    check_acknowledged(scene)
    _check_audit(scene.folder, outcome)
    pause.unlink()
    if scene.alive:
        return  # they heal
    if draw.random() < 0.2:
        remove_state(scene.folder)
    if scene.reader is None and draw.random() < 0.2:
        scene.folder.database.unlink(missing_ok=True)
    heal(scene.folder)
    check_whole(scene)
    _check_audit(scene.folder, outcome)


def _finish(scene: Scene, outcome: Outcome) -> None:
    """Kill who is left, and look at everything."""
    for pid in tuple(scene.alive):
        scene.kill(pid)
    if scene.reader is not None:
        scene.kill_reader()
    heal(scene.folder)
    counts = check_whole(scene)
    outcome.acknowledged += counts["acknowledged"]
    outcome.refused += counts["refused"]
    outcome.in_flight += counts["in flight"]
    outcome.entries += counts["entries"]
    outcome.gaps += len(gaps_of(scene.folder))
    outcome.segments += len(list_segments(scene.folder.journal))
    check_views(scene.folder)
    _check_audit(scene.folder, outcome)


def heal(folder: Folder) -> None:
    """What the next writer does."""
    recorder = new_recorder(folder)
    recorder.append([note("after")], actor=HUMAN)
    recorder.close()
    assert not (folder.journal / NAME).exists()


def _check_audit(folder: Folder, outcome: Outcome) -> None:
    report = audit(folder, processes=1)  # so small a journal is read before a second one starts
    assert report.exit_code == 0, report.findings
    outcome.audits += 1


def acknowledged(file: Path) -> list[tuple[int, str, str]]:
    """(append, position, hash) as a writer wrote them down; a last line cut short is not one."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [(int(number), position, hash_) for number, position, hash_ in map(str.split, lines)]


def check_acknowledged(scene: Scene) -> None:
    """Every acknowledged entry stands at its position, with its hash; others may be recording."""
    known = {name: acknowledged(file) for name, file in scene.files.items()}
    hashes = [format_hash(entry_hash(line.entry)) for line in lines_of(scene.folder)]
    for name, entries in known.items():
        for _, position, hash_ in entries:
            if position != "-":
                found = hashes[int(position)] if int(position) < len(hashes) else "nothing"
                assert found == hash_, f"{name} was told {hash_} at {position}; there is {found}"


def check_whole(scene: Scene) -> Counter[str]:
    """Once nobody records: all or nothing, nothing twice, no hole, and what was told, no more.

    Of each writer, at most the one append that the kill interrupted is there without having been
    acknowledged.
    """
    check_acknowledged(scene)
    lines = lines_of(scene.folder)
    assert [line.position for line in lines] == list(range(len(lines)))
    hashes = {format_hash(entry_hash(line.entry)) for line in lines}
    assert len(hashes) == len(lines)
    heads: Counter[tuple[str, str]] = Counter()
    claims: Counter[str] = Counter()
    parts: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for line in lines:
        entry = json.loads(line.entry)
        head = entry["origin"], entry["stream"]
        assert entry["stream_version"] == heads[head]
        heads[head] += 1
        if entry["kind"] == "claim.stated":
            claims[entry["body"]["claim"]] += 1
        if (label := label_of(entry)) is not None:
            parts[label[0], label[1], label[3]].append(label[2])
    assert set(claims.values()) <= {1}
    assert [key for key, indices in parts.items() if indices != list(range(key[2]))] == []
    counts = Counter(entries=len(lines))
    for name, file in scene.files.items():
        told = acknowledged(file)
        refused = {number for number, position, _ in told if position == "-"}
        there = {number for writer, number, _ in parts if writer == name}
        extra = there - {number for number, _, _ in told}
        assert there.isdisjoint(refused)
        assert sorted(there | refused) == list(range(len(there | refused)))
        assert len(extra) <= 1
        counts["acknowledged"] += len(told) - len(refused)
        counts["refused"] += len(refused)
        counts["in flight"] += len(extra)
    return counts


def check_views(folder: Folder) -> None:
    """The state that went through this equals one made anew; the database equals the journal."""
    kept = _rows(folder)
    remove_state(folder)
    new_recorder(folder).close()
    assert _rows(folder) == kept
    catch_up(folder)
    assert stored(folder) == journalled(folder)


def _rows(folder: Folder) -> dict[str, list[tuple]]:
    """Every row of every table of the state, caught up."""
    new_recorder(folder).close()
    db = sqlite3.connect(folder.state)
    try:
        names = [row[0] for row in db.execute("select name from sqlite_master where type='table'")]
        return {name: sorted(db.execute(f"select * from {name}").fetchall()) for name in names}
    finally:
        db.close()
