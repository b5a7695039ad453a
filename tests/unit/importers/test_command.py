import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from histories import PATH, history_lines, line, to_bytes

SCRIPT = Path(sysconfig.get_path("scripts")) / "ledger"


def start(folder, *words, **more):
    """The installed script, begun in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    environment = {**kept, "LEDGER_ACTOR": "human:ada"}
    return subprocess.Popen(
        [SCRIPT, *map(str, words)],
        cwd=folder,
        env=environment | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder, *words, **more):
    """(exit code, stdout, stderr) of the installed script."""
    process = start(folder, *words, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture
def lab(tmp_path):
    """A folder with a new ledger."""
    assert run(tmp_path, "init")[0] == 0
    return tmp_path


def counts(folder) -> dict[str, int]:
    """Events on record by kind."""
    code, out, _ = run(folder, "query", "kinds", "--json")
    assert code == 0
    return {row["kind"]: row["events"] for row in json.loads(out)}


def test_the_answer_is_counts_by_kind(lab):
    """A table on stdout, or with --json a list of objects; talk on stderr."""
    code, out, err = run(lab, "import", "ship-two", PATH)
    assert code == 0
    assert out.splitlines()[0].split() == ["kind", "added", "skipped"]
    assert "epoch.reported          241        0" in out
    assert err == "856 events added to import/ship-two\n"
    code, out, err = run(lab, "import", "ship-two", PATH, "--json")
    rows = json.loads(out)
    assert code == 0
    assert list(rows[0]) == ["kind", "added", "skipped"]
    assert sum(row["skipped"] for row in rows) == 856
    assert not any(row["added"] for row in rows)
    assert err == "nothing added to import/ship-two: all 856 lines are on record\n"


def test_imports_at_the_same_time_do_not_double_a_line(lab):
    """Four processes with one file: together they take each line once."""
    processes = [start(lab, "import", "ship-two", PATH, "--json") for _ in range(4)]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    added = [sum(row["added"] for row in json.loads(answer)) for answer in answers]
    assert sorted(added) == [0, 0, 0, 856]
    assert sum(counts(lab).values()) == 857


def test_bad_lines_leave_the_record_alone(lab):
    """Exit 5, each bad line by number, and nothing recorded, not even the good lines."""
    file = lab / "bad.jsonl"
    good = line("edge", {"frm": "A", "to": "B", "relation": "supports"})
    file.write_bytes(to_bytes(good, "{", good, line("epoch", {"run": "r", "epoch": "one"})))
    code, out, err = run(lab, "import", "ship-two", file)
    assert (code, out) == (5, "")
    assert "bad.jsonl: 2 of 4 lines are bad; nothing was recorded" in err
    assert "  - line 2: not JSON" in err
    assert "  - line 4: data.epoch: expected" in err
    assert counts(lab) == {"ledger.created": 1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ship-two", "nowhere.jsonl"), 2, "cannot read nowhere.jsonl: No such file"),
        (("ship-two", "."), 2, "cannot read .: Is a directory"),
        (("ship-two", "empty.jsonl"), 5, "empty.jsonl: the file holds no lines"),
        (("ship-two", "binary.gz"), 5, "binary.gz: the file is binary, not text (byte 2)"),
        (("ship-three", "empty.jsonl"), 2, "did you mean ship-two?"),
        (("ship-two",), 2, "give the NAME of an importer and a FILE"),
        ((), 2, "ledger import --list"),
    ],
)
def test_what_cannot_be_imported_is_refused_clearly(lab, words, code, said):
    """Each with its exit code and a sentence that says what to do."""
    (lab / "empty.jsonl").touch()
    (lab / "binary.gz").write_bytes(b"\x1f\x8b\0\0")
    answer = run(lab, "import", *words)
    assert answer[0] == code
    assert answer[1] == ""
    assert said in answer[2]


def test_an_import_has_an_actor(lab):
    """Who takes a history in stands in every entry."""
    code, _, err = run(lab, "import", "ship-two", PATH, LEDGER_ACTOR="")
    assert code == 2
    assert "--actor" in err


def test_help_and_list(lab):
    """The page has examples, the list names what can be read."""
    assert "ledger import ship-two ship_two_history.jsonl" in run(lab, "import", "--help")[1]
    listed = json.loads(run(lab, "import", "--list", "--json")[1])
    assert [(row["importer"], row["stream"]) for row in listed] == [
        ("ship-two", "import/ship-two"),
        ("jsonl", "as recorded"),
    ]


def test_no_line_of_the_history_is_missing_from_the_record(lab):
    """Counted by an own reader: as many lines of each topic as events that carry it."""
    run(lab, "import", "ship-two", PATH)
    sql = "select entry->>'$.body.topic' as topic, count(*) as n from events where stream <> "
    out = run(lab, "query", "--sql", sql + "'ledger' group by 1 order by 1", "--json")[1]
    topics = [each["kind"] for each in history_lines()]
    assert {row["topic"]: row["n"] for row in json.loads(out)} == {
        topic: topics.count(topic) for topic in topics
    }
