"""From entries to rows: in bulk as one by one, and each projection reads what it says it reads."""

import pytest
from event_values import example_event
from labs import build_lab, copy_lab
from ledgers import EXECUTOR, HUMAN, new_ledger, note, run_started, step
from stores import journalled, stored

from ledger.events import EVENTS
from ledger.events.reported import Reported
from ledger.journal.segments import list_segments, segment_path
from ledger.projections import PROJECTIONS
from ledger.recorder import Draft
from ledger.store import lines, slices
from ledger.store.catch_up import catch_up, connect
from ledger.store.lines import Limits
from ledger.store.schema import slice_of


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A laboratory with the history, and one event of each instrument and reported kind."""
    folder = build_lab(tmp_path_factory.mktemp("slices"))
    with new_ledger_of(folder) as ledger:
        examples = [example_event(cls) for cls in EVENTS if cls.KIND.family != "decided"]
        drafts = [
            Draft(event=event, stream="import/x" if isinstance(event, Reported) else None)
            for event in examples
        ]
        for draft in drafts:
            ledger.append([draft], actor=EXECUTOR)
    catch_up(folder)
    return folder


def new_ledger_of(folder):
    """The ledger of a folder, open to be appended to."""
    from ledger.ledger import Ledger

    return Ledger(folder, actor=HUMAN)


def rows(folder):
    """Every row of every table in the file; the events in the order in which they lie there."""
    with connect(folder.database, read_only=True) as db:
        return {
            one.name: db.execute(
                f"from {one.name}" + ("" if one.name == "events" else " order by all")
            ).fetchall()
            for one in PROJECTIONS
        }


def folded(lab, directory):
    """A copy of the laboratory, folded anew."""
    again = copy_lab(lab, directory)
    again.database.unlink()
    catch_up(again)
    return again


@pytest.mark.parametrize("bulk", [0, 10**9], ids=["in bulk", "one by one"])
@pytest.mark.parametrize("rows_a_slice", [10**9, 100])
def test_same_rows(lab, tmp_path, monkeypatch, bulk, rows_a_slice):
    """In bulk or by single values, at once or in many slices: the same rows."""
    monkeypatch.setattr(slices, "_BULK", bulk)
    monkeypatch.setattr(slices, "ROW_GROUP", rows_a_slice)
    again = folded(lab, tmp_path)
    assert rows(again) == rows(lab)
    assert stored(again) == journalled(lab)


def test_few_among_many(tmp_path, monkeypatch):
    """Kinds that make up the bulk are read apart from the others; nothing is lost or doubled."""
    with new_ledger(tmp_path / "lab") as ledger:
        for number in range(5):
            ledger.append([run_started(f"r-{number}")], actor=EXECUTOR)
            ledger.append([step(f"r-{number}", n) for n in range(60)], actor=EXECUTOR)
            ledger.append([note(f"n {number}")])
        catch_up(ledger.folder)
        plain = rows(ledger.folder)
        monkeypatch.setattr(slices, "_BULK", 3)
        assert rows(folded(ledger.folder, tmp_path)) == plain
    assert len(plain["step_metrics"]) == 300
    assert len(plain["runs"]) == 5


def test_kinds_are_as_declared(lab):
    """A projection gives no row for a kind that it does not name, and each kind it names exists."""
    known = {cls.KIND.name for cls in EVENTS}
    with connect(lab.database, read_only=True) as db:
        for one in PROJECTIONS:
            if one.kinds is None:
                continue
            assert set(one.kinds) <= known
            names = ", ".join(f"'{kind}'" for kind in one.kinds)
            db.execute(
                f"create or replace temp view arrived as from events where kind not in ({names})"
            )
            db.execute(f"create or replace temp view slice as {slice_of('arrived', lab.origin)}")
            assert db.execute(one.select).fetchall() == [], one.name


def test_longest_and_strangest(tmp_path, monkeypatch):
    """Texts that look like the envelope, escapes and the longest entries come back as they were."""
    texts = [
        '},"branch":"evil","cites":[],"kind":"step.taken","origin":"x","stream":"run/x"}',
        "\\u0000 \x00 \\n \n ' \" \x01\x02",
        "\N{GRINNING FACE}" * 16_000,
        "x" * 65_000,
        "\u2028\u0085\ufeff",
        "sha256:" + "0" * 64,
    ]
    monkeypatch.setattr(slices, "_BULK", 2)
    monkeypatch.setattr(lines, "_CHUNK", 1000)
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append([note(text) for text in texts])
        catch_up(ledger.folder)
        assert stored(ledger.folder) == journalled(ledger.folder)
        with connect(ledger.folder.database, read_only=True) as db:
            found = db.execute(
                "select entry->>'$.body.text', kind, branch, origin, stream from events offset 1"
            ).fetchall()
        assert found == [
            (text, "note.added", None, ledger.folder.origin, "ledger") for text in texts
        ]


def test_names_of_metrics(tmp_path):
    """Whatever a metric is called and whatever its value, a step is read as it was recorded."""
    metrics = {
        '"': 1,
        "$.*": 2.5,
        "a,": "NaN",
        'b,"c":': "-Infinity",
        "loss": 1e-320,
        "null": -0.0,
        "x.y": 2**53,
        "{}": 0.1,
    }
    with new_ledger(tmp_path / "lab") as ledger:
        taken = step("r-1", 7)
        changed = type(taken.event)(run="r-1", step=7, provenance="measured", metrics=metrics)
        empty = type(taken.event)(run="r-1", step=8, provenance="measured", metrics={})
        drafts = [run_started("r-1"), Draft(event=changed), Draft(event=empty)]
        ledger.append(drafts, actor=EXECUTOR)
        catch_up(ledger.folder)
        with connect(ledger.folder.database, read_only=True) as db:
            found = db.execute(
                "select step, from_json(metrics, '[\"VARCHAR\"]'), numbers from step_metrics"
            ).fetchall()
    assert [row[0] for row in found] == [7, 8]
    assert found[1][1:] == ([], [])
    assert found[0][1] == sorted(metrics)
    assert [repr(value) for value in found[0][2]] == [
        repr(float(metrics[name])) for name in sorted(metrics)
    ]


def test_limits_of_a_rebuild(tmp_path, monkeypatch):
    """A rebuild over many slices, segments and commits in the background holds everything once."""
    monkeypatch.setattr(slices, "limits", None)
    monkeypatch.setattr("ledger.store.catch_up.limits", lambda _groups=1: Limits(10, 10**9))
    with new_ledger(tmp_path / "lab") as ledger:
        for number in range(12):
            ledger.append([note(f"n {number} {n}") for n in range(9)])
        told = []
        catch_up(ledger.folder, lambda done, total: told.append((done, total)))
        assert stored(ledger.folder) == journalled(ledger.folder)
        size = segment_path(ledger.folder.journal, list_segments(ledger.folder.journal)[-1])
    assert len(told) == 11
    assert told[-1] == (size.stat().st_size,) * 2
