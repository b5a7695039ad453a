"""Named queries: headers, parameters, columns, order, and the record at any position."""

import json
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import copy_lab, criterion, train
from ledgers import EXECUTOR, HUMAN, claim, new_ledger, note, run_failed, run_started, step

from ledger.cli import run
from ledger.commands.judge import judge
from ledger.errors import BadArguments
from ledger.journal.segments import segment_path
from ledger.projections import PROJECTIONS
from ledger.queries import QUERIES, find_query
from ledger.queries.base import parse_query
from ledger.store import slices
from ledger.store.reader import keep_views, open_reader

#: What a required parameter is given.
VALUES = {
    "run": "cuda-50step",
    "metric": "train_loss",
    "of": 3,
    "positions": "0,3",
    "section": "1",
    "step": 3,
}


def required(query):
    """A value for each required parameter."""
    return {p.name: VALUES[p.name] for p in query.parameters if p.required}


def answers(folder, at=None):
    """The answer of every query, over one connection."""
    with open_reader(folder, at=at) as db:
        return {name: find_query(name).run(db, required(find_query(name))) for name in QUERIES}


@pytest.mark.parametrize("name", QUERIES)
def test_columns_are_as_documented(lab, name):
    """The columns of the answer are those of the header, in that order, and rows come."""
    query = find_query(name)
    with open_reader(lab) as db:
        table = query.run(db, required(query))
    assert table.columns == tuple(column for column, _ in query.columns)
    assert table.rows
    assert "position" in table.columns
    assert all(isinstance(row["position"], int) for row in table.objects())


@pytest.mark.parametrize("name", QUERIES)
def test_examples_run(lab, capsys, monkeypatch, name):
    """Every example of a header runs as it stands and answers with rows."""
    monkeypatch.setenv("LEDGER_DIR", str(lab.path))
    for example in find_query(name).examples:
        words = shlex.split(example)
        assert words[:3] == ["ledger", "query", name]
        assert run([*words[1:], "--json"]) == 0
        assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", QUERIES)
def test_every_parameter_can_be_given(lab, name):
    """Each parameter alone, with a value that occurs or not, gives rows of the whole answer."""
    query = find_query(name)
    with open_reader(lab) as db:
        whole = {repr(row) for row in query.run(db, required(query)).rows}
        for parameter in query.parameters:
            values = {"integer": 3, "number": 0.5, "yesno": "yes"}
            value = values.get(parameter.type, "no such thing' or 1=1 --")
            rows = query.run(db, {**required(query), parameter.name: value}).rows
            if parameter.name == "points":  # how finely, not what
                assert 0 < len(rows) <= max(len(whole), 3 * value)
                continue
            if parameter.name in ("discharge", "refute", "now", "commit"):  # as if, not which
                assert all(len(row) == len(query.columns) for row in rows)
                continue
            assert {repr(row) for row in rows} <= whole
            if parameter.type == "text":
                assert rows == ()


def test_order_is_total(lab, tmp_path, monkeypatch):
    """A database made anew, at once or in small steps, gives the same rows in the same order."""
    first = answers(lab)
    for number, size in enumerate((slices.SLICE_BYTES, 80_000)):
        monkeypatch.setattr(slices, "SLICE_BYTES", size)
        again = copy_lab(lab, tmp_path / str(number))
        again.database.unlink()
        assert answers(again) == first


@pytest.mark.parametrize(
    ("name", "given_", "says"),
    [
        ("board", {"modell": "x"}, "no parameter --modell"),
        ("curve", {}, "--run is missing"),
        ("events", {"last": "three"}, "--last 'three' is not integer"),
        ("board", {"reported": "maybe"}, "--reported 'maybe' is not yes or no"),
        ("events", {"last": "1.5"}, "is not integer"),
        ("events", {"last": "-1"}, "not an integer from 0"),
        ("events", {"since": str(2**63)}, "not an integer from 0"),
        ("events", {"since": "9" * 30}, "not an integer from 0"),
        ("curve", {"a": 1, "b": 2, "run": None}, "no parameter --a; no parameter --b; --run"),
    ],
)
def test_wrong_parameters(name, given_, says):
    """Everything that is wrong is said at once, with what to do."""
    with pytest.raises(BadArguments) as caught:
        find_query(name).bind(given_)
    assert says in caught.value.message
    assert f"ledger query {name} --help" in caught.value.hint


@pytest.mark.parametrize(("name", "hint"), [("bord", "board"), ("zzz", "--list")])
def test_unknown_query(name, hint):
    """A name that is none is refused with the nearest ones."""
    with pytest.raises(BadArguments, match="there is no query") as caught:
        find_query(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "select 1 order by 1",
        "-- Help.\n-- example: x\nselect 1 order by 1",
        "-- Help.\n-- column a: x\nselect 1 order by 1",
        "-- Help.\n-- column a: x\n-- example: x\nselect 1 as a",
    ],
)
def test_header_must_be_whole(text):
    """A query file without help, columns, an example or an order is refused when it is read."""
    with pytest.raises(AssertionError, match=r"x\.sql: needs"):
        parse_query("x", text)


def test_header_is_read():
    """Help over several lines, parameters with and without required, columns, examples."""
    query = parse_query(
        "x",
        "-- Help\n-- goes on.\n-- param a text: what a is\n-- param b integer required: b\n"
        "-- column c: seen\n-- example: ledger query x --b 1\nselect 1 as c order by c\n",
    )
    assert query.help == "Help goes on."
    assert [(p.name, p.type, p.required, p.help) for p in query.parameters] == [
        ("a", "text", False, "what a is"),
        ("b", "integer", True, "b"),
    ]
    assert query.columns == (("c", "seen"),)
    assert query.examples == ("ledger query x --b 1",)
    assert query.bind({"b": "7"}) == {"a": None, "b": 7}


def test_quotes_in_parameters_are_text(lab):
    """A parameter is a value, whatever it looks like."""
    with open_reader(lab) as db:
        for text in ("'", "''; drop table store.events; --", "\\", "$x", "é"):
            assert find_query("board").run(db, {"model": text}).rows == ()


# The record at a position is the record as it was.

EVENTS = (
    lambda ledger, n: ledger.append([note(f"n {n}")], actor=HUMAN),
    lambda ledger, n: ledger.append([claim(f"H-{n}")], actor=HUMAN),
    lambda ledger, n: ledger.append([run_started(f"r-{n}"), step(f"r-{n}", 0)], actor=EXECUTOR),
    lambda ledger, n: ledger.append([run_started(f"f-{n}"), run_failed(f"f-{n}")], actor=EXECUTOR),
    lambda ledger, n: ledger.record("criterion.declared", criterion(f"C-{n}"), actor=HUMAN),
    lambda ledger, n: train(ledger, f"t-{n}", n),
    lambda ledger, n: train(ledger, f"t-{n}", -n),
    lambda ledger, _: judge(ledger, [], actor=HUMAN),
)


def truncated(folder, directory, at):
    """A ledger that has only the entries up to a position."""
    short = copy_lab(folder, directory)
    path = segment_path(short.journal, 0)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: at + 1]))
    for view in short.path.glob("[ls]*.*[be]"):
        view.unlink()
    return short


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(EVENTS), min_size=3, max_size=9))
def test_at_any_position(tmp_path_factory, actions):
    """Every query and table at every position equals itself on a ledger that ends there."""
    home = tmp_path_factory.mktemp("as-of")
    with new_ledger(home / "lab") as ledger:
        for number, action in enumerate(actions):
            action(ledger, number)
        folder = ledger.folder
    with open_reader(folder) as db:
        ((end,),) = db.execute("select max(position) from events").fetchall()
    for at in range(0, end + 1, max(1, end // 3)):
        short = truncated(folder, home / f"at-{at}", at)
        assert answers(folder, at) == answers(short)
        with open_reader(folder, at=at) as then, open_reader(short) as now:
            for one in PROJECTIONS:
                sql = f"from {one.name} order by all"
                assert then.execute(sql).fetchall() == now.execute(sql).fetchall()


def test_whole_laboratory_at_positions(lab, tmp_path):
    """The same for the real history with traces, at positions of every sort."""
    with open_reader(lab) as db:
        ((end,),) = db.execute("select max(position) from events").fetchall()
    for at in (0, 400, 856, end - 3):
        assert answers(lab, at) == answers(truncated(lab, tmp_path / str(at), at))


def test_steps_taken_again(tmp_path):
    """A curve has each step once, in its latest value, at the position of that value."""
    with new_ledger(tmp_path / "lab") as ledger:
        ledger.append([run_started("r-1"), step("r-1", 0), step("r-1", 1)], actor=EXECUTOR)
        again = step("r-1", 1)
        changed = type(again.event)(
            run="r-1", step=1, provenance="measured", metrics={"loss": "NaN", "lr": 9.0}
        )
        ledger.append([type(again)(event=changed)], actor=EXECUTOR)
        with open_reader(ledger.folder) as db:
            rows = find_query("curve").run(db, {"run": "r-1"}).objects()
            assert [(r["step"], r["metric"], r["position"]) for r in rows] == [
                (0, "loss", 2),
                (0, "lr", 2),
                (1, "loss", 4),
                (1, "lr", 4),
            ]
            assert rows[3]["value"] == 9.0
            assert rows[2]["value"] != rows[2]["value"]  # NaN


def test_the_lab_is_what_it_says(lab):
    """The laboratory has the history and its own rows, so that no test here looks at nothing."""
    with open_reader(lab) as db:
        kinds = dict(db.execute("select kind, count(*) from events group by kind").fetchall())
    assert kinds["trace.captured"] >= 3
    assert kinds["comparison.made"] >= 2
    assert kinds["verdict.given"] == 2
    assert sum(count for kind, count in kinds.items() if kind.endswith(".reported")) == 856


@pytest.mark.parametrize("name", [name for name in QUERIES if find_query(name).grouped_by])
def test_grouped_answers_are_those_of_each(lab, name):
    """The rows of all, by group, are what the query gives for each; too many rows are no answer."""
    query = find_query(name)
    with open_reader(lab) as db:
        groups = query.run_grouped(db, {}, 100_000)
        assert groups
        for value, rows in groups.items():
            assert query.run(db, {query.grouped_by: value}).objects() == rows
        count = sum(map(len, groups.values()))
        assert query.run_grouped(db, {}, count) == groups
        assert query.run_grouped(db, {}, count - 1) is None
        assert query.run(db, {query.grouped_by: "no such"}).rows == ()


def test_views_that_are_kept_answer_the_same(lab):
    """Documents compute what many queries stand on once; no answer changes."""
    with open_reader(lab) as db:
        before = {name: find_query(name).run(db, required(find_query(name))) for name in QUERIES}
        keep_views(db)
        assert before == {
            name: find_query(name).run(db, required(find_query(name))) for name in QUERIES
        }
