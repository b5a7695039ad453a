"""`ledger runs`: a list of runs with their marks, whole or by name, now or then."""

import json

import pytest

from ledger.cli import run


@pytest.fixture(autouse=True)
def _here(lab, monkeypatch):
    monkeypatch.setenv("LEDGER_DIR", str(lab.path))


def asked(capsys, *words):
    """Rows of --json."""
    assert run(["runs", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_run_is_listed_in_the_order_of_its_start(capsys):
    """18 reported runs and 10 of this ledger, with the gravest mark of each."""
    rows = asked(capsys)
    assert [row["reported"] for row in rows] == [True] * 18 + [False] * 10
    assert {row["run"]: row["mark"] for row in rows if row["mark"]} == {
        "run-2500": "SUSPECT",
        "cuda-50step": "SUSPECT",
        "broken-5k": "INVALID",
        "untuned-50k": "SUSPECT",
        "tuned-50k": "SUSPECT",
        "1x-20k": "SUSPECT",
        "4x-20k": "SUSPECT",
        "4x-80k": "SUSPECT",
        "5g2-broken-corpus": "INVALID",
    }


def test_a_named_run_has_its_reasons(capsys):
    """The marks say which monitor, why, by which events and numbers."""
    (row,) = asked(capsys, "broken-5k")
    assert row["monitors"] == ["exhausted-data", "wall-time", "sentinel"]
    (quick,) = [mark for mark in row["marks"] if mark["monitor"] == "wall-time"]
    assert quick["events"] == [396, 397]
    assert quick["numbers"]["factor"] == pytest.approx(55 / 0.378)
    assert run(["runs", "broken-5k"]) == 0
    out = capsys.readouterr().out
    assert "broken-5k: wall-time, INVALID: 2 of 5 epochs are 146 times quicker" in out


def test_the_past(capsys):
    """At the start of a run it has no epochs and no marks."""
    (row,) = asked(capsys, "broken-5k", "--at", "392")
    assert (row["epochs"], row["ended"], row["mark"]) == (0, False, None)
    assert len(asked(capsys, "--at", "395")) == 4


def test_an_unknown_run(capsys):
    """A name that is none is refused, and what to do is said."""
    assert run(["runs", "no-such-run"]) == 2
    assert "there is no run 'no-such-run'" in capsys.readouterr().err
