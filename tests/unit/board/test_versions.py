"""`--at`: the state at every version and position of the history, and what is neither."""

import itertools

import pytest
from histories import history_lines
from published_boards import board, declared, ledger_of, registered, verdict

from ledger.cli import run
from ledger.cli.base import resolve_at
from ledger.errors import BadArguments


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger that holds the history and nothing else; line n of the file is position n."""
    return ledger_of(tmp_path_factory.mktemp("history") / "lab", history_lines())


def ends_of(versions, last):
    """Version → the position before the next different one is first registered, from the lines."""
    first = {}
    for position, version in versions:
        if version is not None:
            first.setdefault(version, position)
    order = sorted(first, key=first.get)
    ends = {one: first[after] - 1 for one, after in itertools.pairwise(order)}
    return ends | {order[-1]: last}


def test_every_version_of_the_history(folder):
    """Each version, the one registered twice too, is the position before the next different one."""
    lines = history_lines()
    versions = [
        (position, each["data"].get("to_version"))
        for position, each in enumerate(lines, start=1)
        if each["kind"] == "section_registered"
    ]
    ends = ends_of(versions, len(lines))
    assert len(ends) == 106
    assert {version: resolve_at(folder, version) for version in list(ends)[::3]} == {
        version: ends[version] for version in list(ends)[::3]
    }
    twice = [one for one in ends if [version for _, version in versions].count(one) > 1]
    assert twice == ["3.18"]
    for version in (*twice, "2.51", "3.20", list(ends)[-1]):
        assert resolve_at(folder, version) == ends[version]
        assert resolve_at(folder, f"v{version}") == ends[version]


def test_versions_are_no_numbers(tmp_path):
    """Versions follow one another as they were registered, whatever their names are."""
    names = ["2.10", "2.9", None, "2.10", "10", "v7", "2.9", "1"]
    sections = [registered(f"s-{n}", name) for n, name in enumerate(names)]
    folder = ledger_of(tmp_path / "lab", sections)  # section n stands at position n + 1
    assert resolve_at(folder, "2.10") == 1
    assert resolve_at(folder, "2.9") == 4  # 2.10 comes again in between: it is not the next
    assert resolve_at(folder, "v10") == 5
    assert resolve_at(folder, "v7") == 7
    assert resolve_at(folder, "v1") == 8
    assert (
        resolve_at(folder, "10") == 10
    )  # a whole number is a position, whether it is there or not
    assert resolve_at(folder, "007") == 7
    assert resolve_at(folder, None) is None


def test_at_names_the_state_before(tmp_path):
    """What is recorded between two versions belongs to the first of them."""
    lines = [
        *(declared("A"), registered("s-1", "1.0"), verdict("A", "P")),
        *(registered("s-2", "1.1"), verdict("A", "D"), registered("s-3", "1.1"), verdict("A", "P")),
        *(registered("s-4", "1.2"), verdict("A", "D")),
    ]
    folder = ledger_of(tmp_path / "lab", lines)
    found = {at: board(folder, at=resolve_at(folder, at)) for at in ("1.0", "1.1", "1.2", "1", "0")}
    assert {at: [row["status"] for row in rows] for at, rows in found.items()} == {
        "1.0": ["PARTIAL_ALGORITHM_LEVEL"],
        "1.1": ["PARTIAL_ALGORITHM_LEVEL"],
        "1.2": ["DISCHARGED"],
        "1": ["unbound"],
        "0": [],
    }
    assert found["1.1"][0]["verdict_position"] == 7


@pytest.mark.parametrize(
    ("at", "message", "hint"),
    [
        ("3.19", "no section registers version '3.19'", "did you mean 3.21 or 3.18"),
        ("2.999", "no section registers version '2.999'", "did you mean 2.99"),
        ("latest", "no section registers version 'latest'", "106, 1.0.0 to 3.28"),
        ("", "no section registers version ''", "a whole number is a position"),
        ("-1", "no section registers version '-1'", "a whole number is a position"),
        ("v3", "no section registers version 'v3'", "a whole number is a position"),
        ("857", "there is no position 857; the ledger ends at 856", "count from 0"),
        ("9" * 20, "there is no position " + "9" * 20, "count from 0"),
        ("9" * 6000, "there is no position " + "9" * 40, "count from 0"),
    ],
)
def test_neither_version_nor_position(folder, capsys, at, message, hint):
    """What is not there is a mistake, with the nearest versions or the end of the ledger."""
    assert run(["board", f"--at={at}", "--ledger", str(folder.path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"bad arguments: {message}"
    assert hint in second


def test_no_version_at_all(tmp_path):
    """A ledger without sections says so."""
    folder = ledger_of(tmp_path / "lab", [declared("A"), registered("s", None)])
    with pytest.raises(BadArguments) as caught:
        resolve_at(folder, "1.0")
    assert "versions on record: none" in caught.value.hint


@pytest.mark.parametrize("at", ["0", "856"])
def test_first_and_last_position(folder, capsys, at):
    """The first entry and the last are positions like others."""
    assert run(["board", "--at", at, "--ledger", str(folder.path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == {"0": 2, "856": 70}[at]
