"""`ledger diff`: what changed between two places, in words, and whether the places fit."""

import json

import pytest
from evidence import as_json, secret_note
from labs import copy_lab, criterion, train
from ledgers import (
    EXECUTOR,
    HUMAN,
    claim,
    lines_of,
    measurement,
    note,
    run_failed,
    run_started,
    step,
)

from ledger.cli import run
from ledger.commands.diff import Place, describe, diff, parse_place
from ledger.commands.judge import judge
from ledger.commands.redact import redact
from ledger.errors import IntegrityError
from ledger.exporters.base import journal_end


def changed(ledger, a, b=None):
    """The sentences by heading, from position `a` to `b` or the end."""
    end = journal_end(ledger.folder) - 1
    places = [Place(named="", position=n, chain=None) for n in (a, end if b is None else b)]
    return dict(describe(diff(ledger.folder, *places)))


def test_verdicts(ledger):
    """A verdict that changed, each time it did: from what to what, on which number."""
    ledger.record("criterion.declared", criterion("LOSS"))
    train(ledger, "train-0001", 2.5)
    judge(ledger, [], actor=HUMAN)
    train(ledger, "train-0002", 3.25)
    judge(ledger, [], actor=HUMAN)
    end = journal_end(ledger.folder) - 1
    first, second = changed(ledger, 0)["Verdicts"]
    assert first == (
        "LOSS: unbound -> DISCHARGED, loss_final is 2.5 nats, demanded is <= 3 nats (position 7)"
    )
    assert second == (
        "LOSS: DISCHARGED -> FALSIFIED, loss_final is 3.25 nats, demanded is <= 3 nats "
        f"(position {end})"
    )
    assert changed(ledger, 7)["Verdicts"] == [second]
    assert changed(ledger, 0, 7)["Verdicts"] == [first]
    assert "Verdicts" not in changed(ledger, 7, end - 1)


def test_rows_claims_notes(ledger):
    """What was declared, stated and remarked, each with its words."""
    ledger.record("criterion.declared", criterion("LOSS"))
    ledger.record("criterion.declared", criterion("B", blocking=False, threshold=True,
                                                  operator="==", unit=None))  # fmt: skip
    ledger.append([claim("H-1"), note("two\nlines")])
    found = changed(ledger, 0)
    assert found["Rows"] == [
        "LOSS was declared: the final loss is below three; loss_final <= 3 nats, blocking "
        "(position 1)",
        "B was declared: the final loss is below three; loss_final == true (position 2)",
    ]
    assert found["Claims"] == ["H-1 was stated: it holds (position 3)"]
    assert found["Notes"] == ["two\nlines (position 4)"]


def test_runs(ledger):
    """One sentence a run: its beginning, its end, its numbers, as far as they lie between."""
    train(ledger, "train-0001", 2.5)
    ledger.append([run_started("train-0002"), run_failed("train-0002")], actor=EXECUTOR)
    finished = {"run": "train-0001", "wall_ms": 2100.0, "entries": 6}
    ledger.record("run.finished", finished, actor=EXECUTOR)
    one, two = changed(ledger, 0)["Runs"]
    assert one == (
        "train-0001 (train) started at position 1 and finished after 2.1 s at position 8: "
        "loss_final 2.5 nats; 3 steps recorded, the last is 2 (loss 2.5, lr 0.001)"
    )
    assert two == (
        "train-0002 (train) started at position 6 and failed after 1 ms at position 7 (loss is NaN)"
    )
    assert changed(ledger, 0, 4)["Runs"] == [
        "train-0001 (train) started at position 1 and is under way: "
        "3 steps recorded, the last is 2 (loss 2.5, lr 0.001)"
    ]
    assert changed(ledger, 3, 4)["Runs"] == [
        "train-0001 went on: 1 step recorded, the last is 2 (loss 2.5, lr 0.001)"
    ]
    assert changed(ledger, 7)["Runs"] == ["train-0001 finished after 2.1 s at position 8"]


def test_many_numbers(ledger):
    """A run with many numbers shows the last of them, and that there are more."""
    drafts = [run_started("r-1"), *(measurement("r-1", n, metric=f"m{n}") for n in range(9))]
    ledger.append(drafts, actor=EXECUTOR)
    (sentence,) = changed(ledger, 0)["Runs"]
    assert sentence.endswith("is under way: …; m5 5 nats; m6 6 nats; m7 7 nats; m8 8 nats")


def test_numbers_that_are_none(ledger):
    """A loss that is NaN is said as it was recorded."""
    body = {"run": "r-1", "step": 7, "provenance": "measured", "metrics": {"loss": "NaN"}}
    ledger.record("step.taken", body, actor=EXECUTOR)
    (sentence,) = changed(ledger, 0)["Runs"]
    assert sentence == "r-1 went on: 1 step recorded, the last is 7 (loss NaN)"


def test_nothing_that_a_terminal_obeys(home, ledger, capsys):
    """Control characters in what others wrote are not sent to the terminal."""
    ledger.append([note("\x1b[2Jgone\x07 \u202eflipped")])
    assert run(["diff", "0"]) == 0
    assert "�[2Jgone� �flipped" in capsys.readouterr().out
    assert home.is_dir()


def test_the_rest(ledger):
    """Numbers without a run, withheld values, gaps; and nothing where nothing changed."""
    ledger.append([measurement(None, 3, provenance="asserted")])
    digest, receipt = secret_note(ledger)
    redact(ledger.folder, receipt.hash, "a key", actor=HUMAN)
    ledger.close()
    segment = next(ledger.folder.journal.glob("*.log"))
    segment.write_bytes(segment.read_bytes() + b"4 abc")
    ledger.append([step("r-1", 0)], actor=EXECUTOR)
    found = changed(ledger, 0)
    assert found["Numbers without a run"] == ["loss_final is 3 nats, asserted (position 1)"]
    assert found["Withheld"] == [f"{digest}: a key (position 3)"]
    assert found["Gaps"] == [
        "a crash left 5 bytes after position 3; they were kept apart (position 4)"
    ]
    assert found["Notes"] == [f"withheld:{digest} (position 2)"]
    assert changed(ledger, 5) == {}


def test_laboratory(lab, tmp_path, monkeypatch, capsys):
    """A whole laboratory with a history: every heading has its lines, long ones are cut."""
    copy_lab(lab, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["diff", "0"]) == 0
    text = capsys.readouterr().out
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[1:] == [
        "Verdicts", "Rows", "Claims", "Runs", "Comparisons", "Notes", "Published elsewhere"
    ]  # fmt: skip
    assert " earlier; --all shows them" in text
    assert "as reported" in text
    assert "AC-SHIP2-003: a threshold went from 2.2 to 4.7, as reported" in text
    assert "compare-0001: trace-0001 and trace-0002, first at" in text
    assert run(["diff", "0", "--all"]) == 0
    whole = capsys.readouterr().out
    assert "earlier" not in whole
    assert "on branch unmerged" in whole
    shown = {line for line in text.splitlines() if "earlier" not in line}
    assert shown < set(whole.splitlines())


def test_json(home, ledger, capsys):
    """Both checkpoints, what lies between by kind, and the changes as rows."""
    ledger.append([claim("H-1"), note("x"), note("y")])
    lines = lines_of(ledger.folder)
    assert run(["diff", "0", "--json"]) == 0
    found = as_json(capsys)
    assert found["from"] == {"position": 0, "chain": lines[0].chain.hex()}
    assert found["to"] == {"position": 3, "chain": lines[3].chain.hex()}
    assert (found["entries"], found["kinds"]) == (3, {"note.added": 2, "claim.stated": 1})
    assert [row["change"] for row in found["changes"]] == ["claim", "note", "note"]
    assert run(["query", "changes", "--after", "0", "--json"]) == 0
    assert as_json(capsys) == found["changes"]
    assert home.is_dir()


def test_places(home, ledger, capsys):
    """Position, checkpoint, now, a manifest by file or folder: all name a place."""
    ledger.append([note("x"), note("y")])
    assert run(["render", "--out", "out"]) == 0
    ledger.append([note("z")])
    chain = lines_of(ledger.folder)[2].chain.hex()
    (home / "old.json").write_bytes((home / "out" / "manifest.json").read_bytes())
    capsys.readouterr()
    for place in ("2", f"2:{chain}", "out", "out/manifest.json", "old.json"):
        assert run(["diff", place]) == 0
        assert capsys.readouterr().out.startswith("from position 2 to 3, one entry: 1 note.added")
    assert run(["diff", "now", "3"]) == 0
    assert capsys.readouterr().out == "nothing changed: both are position 3\n"


def test_the_earlier_one_is_before(home, ledger, capsys):
    """A record only grows: in whichever order they are named, the earlier is the one before."""
    ledger.append([note("x")])
    assert run(["diff", "0", "1"]) == 0
    wanted = capsys.readouterr().out
    assert run(["diff", "1", "0"]) == 0
    out, err = capsys.readouterr()
    assert out == wanted
    assert "1 is after 0" in err
    assert home.is_dir()


def test_checkpoints_that_do_not_fit(home, ledger, capsys):
    """Another chain value, a lost end, another ledger: an integrity error that names both."""
    ledger.append([note("x")])
    chains = [line.chain.hex() for line in lines_of(ledger.folder)]
    for words in (["1:" + chains[0]], ["0", "1:" + chains[0]]):
        assert run(["diff", *words]) == 6
        err = capsys.readouterr().err
        assert chains[0] in err
        assert chains[1] in err
    assert run(["diff", "9:" + chains[1]]) == 6
    assert "ahead of the journal" in capsys.readouterr().err
    manifest = {"format": "research-ledger/manifest/1", "origin": "example.org/lab"}
    manifest["checkpoint"] = {"position": 7, "chain": chains[0]}
    (home / "m.json").write_text(json.dumps(manifest))
    assert run(["diff", "m.json"]) == 6
    (home / "m.json").write_text(json.dumps({**manifest, "origin": "example.org/other"}))
    assert run(["diff", "m.json"]) == 6
    assert "example.org/other" in capsys.readouterr().err


def test_a_changed_record_is_noticed(ledger):
    """A checkpoint kept elsewhere tells a journal that was written anew from the old one."""
    ledger.append([note("x"), note("y")])
    kept = f"2:{lines_of(ledger.folder)[2].chain.hex()}"
    place = parse_place(ledger.folder, kept)
    now = parse_place(ledger.folder, "now")
    assert diff(ledger.folder, place, now).entries == 0
    from ledger.journal.line import Line, chain_start, extend

    chain, data = chain_start(ledger.folder.origin), b""
    for line in lines_of(ledger.folder):
        entry = line.entry.replace(b'"x"', b'"X"')
        chain = extend(chain, entry)
        data += Line(line.position, chain, entry).format()
    ledger.close()
    next(ledger.folder.journal.glob("*.log")).write_bytes(data)
    ledger.folder.database.unlink()
    with pytest.raises(IntegrityError, match="is not a checkpoint of this journal"):
        diff(ledger.folder, place, now)


WRONG = [
    ("diff", 2, "Missing argument"),
    ("diff 0 1 2", 2, "unexpected extra argument"),
    ("diff 9", 2, "there is no position 9"),
    ("diff 0 9", 2, "there is no position 9"),
    ("diff -1", 2, "No such option"),
    ("diff x", 2, "x is no position, checkpoint or manifest"),
    ("diff 0:abc", 2, "0:abc is no position"),
    ("diff ²", 2, "² is no position"),
    ("diff 2.51", 2, "no section registers version '2.51'"),
    ("diff .", 2, "cannot read manifest.json"),
    ("diff f.txt", 5, "f.txt is no manifest"),
    ("diff g.json", 5, "g.json is no manifest"),
    ("diff 99999999999999999999999", 2, "there is no position"),
]


@pytest.mark.parametrize(("line", "code", "says"), WRONG, ids=[line for line, _, _ in WRONG])
def test_wrong(home, ledger, capsys, line, code, says):
    """One clear error, and nothing on stdout."""
    (home / "f.txt").write_text("not what anyone expects\n")
    (home / "g.json").write_text('{"format": "other/9"}')
    assert run(line.split(" ")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert len(lines_of(ledger.folder)) == 1
