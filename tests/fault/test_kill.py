"""`kill -9` at random moments, one to four writers: nothing acknowledged is lost or doubled."""

import json
import os
import random
import time
from collections import Counter

import pytest
from ledgers import forget_state, gaps_of, lines_of, new_recorder, note
from nursery import wait_for

from ledger.entry import entry_hash, format_hash
from ledger.journal.batch import NAME
from ledger.journal.segments import list_segments

KILLS = int(os.environ.get("LEDGER_TEST_KILLS", "100"))


def acknowledged(path):
    """The hashes that a writer wrote down; a last one that the kill cut is not among them."""
    return [line for line in path.read_text().split("\n")[:-1] if len(line) == 71]


def assert_sound(folder, files):
    """Chain whole, acknowledged entries exactly once, batches whole, streams without holes."""
    lines = lines_of(folder)
    hashes = Counter(format_hash(entry_hash(line.entry)) for line in lines)
    assert set(hashes.values()) <= {1}
    for file in files:
        missing = [hash_ for hash_ in acknowledged(file) if hash_ not in hashes]
        assert missing == []
    heads, batches = Counter(), Counter()
    for line in lines:
        entry = json.loads(line.entry)
        assert entry["stream_version"] == heads[entry["stream"]]
        heads[entry["stream"]] += 1
        if entry["kind"] == "step.taken":
            batches[entry["body"]["run"]] += 1
        elif entry["kind"] == "note.added":
            name, _, size = entry["body"]["text"].split()
            batches[f"{name}.{size}"] += 1
    assert {name: size for name, size in batches.items() if int(name.split(".")[1]) != size} == {}
    return len(lines)


@pytest.mark.slow
def test_kill_at_random_moments(folder, nursery, tmp_path):
    """After every kill the next writer finds a sound journal and goes on."""
    draw = random.Random(20260101)  # noqa: S311 - a seed, not a secret
    killed, files = 0, []
    alive = {}
    while killed < KILLS:
        wanted = draw.randint(1, 4)
        while len(alive) < wanted:
            name = f"w{len(files)}"
            file = tmp_path / f"{name}.acknowledged"
            size = draw.choice((20_000, 200_000))
            alive[nursery.start("write_until_killed", folder.path, name, file, size)] = file
            files.append(file)
        for file in alive.values():
            wait_for(file)
        time.sleep(draw.uniform(0, 0.05))
        for _ in range(draw.randint(1, len(alive))):
            nursery.kill(pid := draw.choice(sorted(alive)))
            del alive[pid]
            killed += 1
        if killed % 10 == 0 and alive:
            continue  # the survivors heal
        if draw.random() < 0.3:
            for pid in tuple(alive):
                nursery.kill(pid)
                del alive[pid]
                killed += 1
            new_recorder(forget_state(folder) if draw.random() < 0.5 else folder).close()
            assert_sound(folder, [])
    for pid in tuple(alive):
        nursery.kill(pid)
    new_recorder(folder).append([note("after.1 0 1")], actor="human:ada")
    count = assert_sound(folder, files)
    assert count > sum(len(acknowledged(file)) for file in files) > killed
    assert len(list_segments(folder.journal)) > 1
    assert not (folder.journal / NAME).exists()
    forget_state(folder)
    new_recorder(folder).close()
    assert lines_of(folder)[-1].position == count - 1
    assert len(gaps_of(folder)) < count
