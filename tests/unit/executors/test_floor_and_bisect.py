"""`ledger run floor`, `compare` with floors, and `ledger run bisect`, as a user meets them."""

import json
import shlex

import numpy as np
import pytest
from labs import ask, bodies
from small_models import small_model

from ledger.cli import run
from ml.passes import open_side, parse_settings

IDS = "31,7,7,78,22,27,68"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A small model in the working folder, where commands that are told find it."""
    monkeypatch.chdir(tmp_path)
    return small_model(tmp_path / "model.gguf")


@pytest.fixture
def port(tmp_path):
    """The same with a row of ffn_up wrong."""
    return small_model(tmp_path / "port.gguf", change=break_row)


def break_row(tensors):
    """A port's mistake."""
    tensors["blk.0.ffn_up.weight"][3] *= 1.5


def trace(model, **options):
    """Trace through the reference."""
    words = [f"--{name}={value}" for name, value in options.items()]
    assert run(["run", "trace", str(model), "--ids", IDS, "--engine", "numpy", *words]) == 0


def measure(model, *more):
    """Measure the floor between caches of f32 and f16."""
    words = ["run", "floor", str(model), "--a", "engine=numpy", "--b", "engine=numpy,kv=f16"]
    return run([*words, *more])


def test_what_a_floor_records(ledger, model, capsys):
    """Path differences, models, prompts as a blob, floors and what they come from."""
    assert measure(model, "--json") == 0
    out, err = capsys.readouterr()
    assert "kv_dtype: f32 | f16" in err
    (made,) = bodies(ledger.folder, "floor.measured")
    assert made["path_differences"] == [{"name": "kv_dtype", "a": "f32", "b": "f16"}]
    assert made["model_a"] == made["model_b"]
    assert made["tokens"] == [64] * 5
    prompts = json.loads(ledger.read_blob(made["prompts"]))
    assert [len(ids) for ids in prompts] == [64] * 5
    assert len(made["points"]) == len(made["rows"]) == len(json.loads(out)) == 23
    floors = ["free_max", "free_median", "local_max", "local_median", "local_channel"]
    assert made["columns"] == [*floors, *(f"measured_{name}" for name in floors)]
    (start,) = bodies(ledger.folder, "run.started")
    assert start["inputs"]["prompts"] == made["prompts"]
    assert start["arguments"]["b"] == "engine=numpy,activation=none,device=auto,kv=f16"
    (end,) = bodies(ledger.folder, "run.finished")
    assert end["entries"] == 3
    columns = ("run", "prompt_count", "points", "fallen")
    table = ledger.query("floors")
    assert [row[table.columns.index(c)] for row in table.rows for c in columns] == [
        *("floor-0001", 5, 23, None)
    ]


def test_given_prompts_and_points(ledger, model, tmp_path):
    """A file with a prompt a line, and the points that are asked for alone."""
    lines = [",".join(str((7 * i + j) % 96) for i in range(64 + j)) for j in range(5)]
    (tmp_path / "prompts.txt").write_text("\n".join(lines) + "\n\n")
    assert measure(model, "--prompts", "prompts.txt", "--points", "attn_mix,q_*") == 0
    (made,) = bodies(ledger.folder, "floor.measured")
    assert made["tokens"] == [64, 65, 66, 67, 68]
    assert {point for point, _ in made["points"]} == {"attn_mix", "q_matmul", "q_bias", "q_rope"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--b", "engine=numpy"], "same model along the same path"),
        (["--b", "engine=none"], "no engine is named 'none'"),
        (["--b", "engine=numpy,engine=a"], "sets nothing, or sets it twice"),
        (["--b", "speed=1"], "sets nothing"),
        (["--b", "engine=a,activation=q8"], "cannot quantise activations"),
        (["--b", "engine=numpy,kv=f8"], "'f8' is no type of the cache"),
        (["--b", "engine=numpy,device=gpu"], "gpu"),
        (["--b", "kv=f16", "--model-b", "none.gguf"], "none.gguf"),
        (["--b", "kv=f16", "--prompts", "none.txt"], "cannot read none.txt"),
        (["--b", "kv=f16", "--prompts", "words.txt"], "not token ids"),
        (["--b", "kv=f16", "--prompts", "short.txt"], "at least 5 different prompts"),
        (["--b", "kv=f16", "--prompts", "big.txt"], "outside the vocabulary of 96"),
        (["--b", "kv=f16", "--points", "attn"], "no capture point is named attn"),
    ],
)
def test_what_no_floor_can_be_measured_of(ledger, model, tmp_path, capsys, words, said):
    """Bad input is told before anything is computed or recorded."""
    (tmp_path / "words.txt").write_text("hello the\n")
    (tmp_path / "short.txt").write_text("1,2,3\n")
    (tmp_path / "big.txt").write_text("1,96\n")
    code = run(["run", "floor", str(model), "--a", "engine=numpy", *words])
    assert said in capsys.readouterr().err
    assert code == 2
    assert bodies(ledger.folder, "floor.measured") == []
    assert bodies(ledger.folder, "run.started") == []


def test_compare_says_what_would_measure_the_floor_and_then_uses_it(ledger, model, capsys):
    """no_floor, with a command that can be pasted; run it, and the answer is expected."""
    trace(model)
    trace(model, kv="f16")
    capsys.readouterr()
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 0
    err = capsys.readouterr().err
    assert "compare-0001: trace-0002 against trace-0001: no floor" in err
    (line,) = [line for line in err.splitlines() if "to measure a floor: " in line]
    assert run(shlex.split(line.partition(": ")[2])[1:]) == 0
    capsys.readouterr()
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 0
    err = capsys.readouterr().err
    assert "trace-0002 against trace-0001: expected" in err
    ((hash_,),) = ask(ledger.folder, "select hash from events where kind = 'floor.measured'")
    assert f"floor: floor-0001 ({hash_})" in err
    before, after = bodies(ledger.folder, "comparison.made")
    assert (before["result"], after["result"]) == ("no_floor", "expected")
    assert after["columns"][-3:] == ["floor_max", "floor_median", "over_floor"]
    assert before["columns"] == after["columns"][:-3]
    cites = ask(
        ledger.folder,
        "select cites from events where kind = 'comparison.made' order by position",
    )
    assert [hash_ in cited for (cited,) in cites] == [False, True]
    assert ledger.query("compare", run="compare-0002").rows


def test_over_the_floor(ledger, model, capsys):
    """A point beyond three floors: over_floor, exit code 1, and the point with its numbers."""
    assert measure(model) == 0
    (made,) = bodies(ledger.folder, "floor.measured")
    low = {name: value for name, value in made.items() if name != "run"}
    low["rows"] = [[1e-6] * len(made["columns"]) for _ in made["rows"]]
    with ledger.run("floor") as lowered:
        lowered.record("floor.measured", low)
    trace(model)
    trace(model, kv="f16")
    capsys.readouterr()
    assert run(["run", "compare", "trace-0001", "trace-0002", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "trace-0002 against trace-0001: over floor" in err
    assert "first over three floors: layer 0, attn_out: largest 0.000" in err
    assert "with a floor of 1e-06" in err
    assert [row["over_floor"] for row in json.loads(out)].count(True) > 5
    (made,) = bodies(ledger.folder, "comparison.made")
    assert made["result"] == "over_floor"
    over = {m["metric"]: m["value"] for m in bodies(ledger.folder, "measurement.taken")}
    assert over["points_over_floor"] == [row["over_floor"] for row in json.loads(out)].count(True)


def test_a_floor_that_fell_is_not_used(ledger, model, capsys):
    """A floor whose run was marked, or that was refuted, carries nothing; the answer says why."""
    assert measure(model) == 0
    trace(model)
    trace(model, kv="f16")
    table = ledger.query("floors")
    (row,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    mark = {"run": "floor-0001", "mark": "INVALID", "monitor": "somebody", "numbers": {}}
    mark |= {"why": "those prompts were traced before", "positions": [row["position"]]}
    marked = ledger.record("run.marked", mark)
    compare = ["run", "compare", "trace-0001", "trace-0002"]
    capsys.readouterr()
    assert run(compare) == 0
    fallen = "floor not used: floor-0001 carries nothing any more: "
    assert f"{fallen}run floor-0001 is INVALID" in capsys.readouterr().err
    refuted = {"entry": row["hash"], "evidence": marked.hash, "reason": "measured on the traces"}
    ledger.record("entry.refuted", refuted)
    ledger.record("run.marked", mark | {"mark": "SOUND", "monitor": None})
    assert run(compare) == 0
    assert f"{fallen}what it rests on was refuted" in capsys.readouterr().err
    made = bodies(ledger.folder, "comparison.made")
    assert [body["result"] for body in made] == ["no_floor", "no_floor"]
    words = ["run", "bisect", str(model), "--a", "engine=numpy", "--b", "engine=numpy,kv=f16"]
    assert run([*words, "--ids", IDS, "--floor", "floor-0001"]) == 2
    assert "floor-0001 carries nothing any more" in capsys.readouterr().err
    # Measured again, it is used.
    assert measure(model) == 0
    assert run(compare) == 0
    assert "floor: floor-0002 (sha256:" in capsys.readouterr().err


def test_a_floor_that_was_cut_off_is_not_used(ledger, model, capsys):
    """A run that ended before its last part was recorded left no floor."""
    assert measure(model) == 0
    (made,) = bodies(ledger.folder, "floor.measured")
    with ledger.run("floor") as cut:
        cut.record("floor.measured", {**made, "run": cut.name, "parts": 2})
    trace(model)
    trace(model, kv="f16")
    capsys.readouterr()
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 0
    assert "floor: floor-0001 (sha256:" in capsys.readouterr().err
    table = ledger.query("floors", run="floor-0002")
    assert [row[table.columns.index("fallen")] for row in table.rows] == [
        "its run ended before all was recorded"
    ]


def test_bisect_names_the_operation(ledger, model, port, tmp_path, capsys):
    """The culprit in one sentence, a table, a plot, a reproducer, an event; exit code 1."""
    words = ["run", "bisect", str(model), str(port), "--a", "engine=numpy", "--ids", IDS]
    more = ["--plot", "plot.svg", "--reproducer", "case", "--json"]
    assert run([*words, *more]) == 1
    out, err = capsys.readouterr()
    assert "bisect-0001: layer 0 ffn_up is the first stage that differs by itself: local " in err
    assert "everything before is inherited \u2264 0" in err
    assert [row["point"] for row in json.loads(out) if row["over"]] == ["ffn_up"]
    assert (tmp_path / "plot.svg").stat().st_size > 1000
    assert (tmp_path / "case" / "test_reproducer.py").is_file()
    (made,) = bodies(ledger.folder, "bisection.made")
    assert (made["culprit"]["point"], made["culprit"]["layer"]) == ("ffn_up", 0)
    assert made["provenance"] == "measured"
    assert made["default_limit"] == pytest.approx(3e-6)
    assert len(made["points"]) == 23
    table = ledger.query("bisections")
    (row,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (row["point"], row["layer"], row["stages"]) == ("ffn_up", 0, 23)
    assert row["answer"] in err


def test_bisect_uses_a_floor(ledger, model, port, capsys):
    """A floor for these paths gives the limits; one of other models has to be asked for by name."""
    words = ["run", "bisect", str(model), "--a", "engine=numpy", "--b", "engine=numpy,kv=f16"]
    assert run([*words, "--ids", IDS]) == 0
    assert "to measure a floor: ledger run floor" in capsys.readouterr().err
    assert measure(model) == 0
    assert run([*words, "--ids", IDS]) == 0
    assert "floor: floor-0001 (sha256:" in capsys.readouterr().err
    words.insert(3, str(port))
    assert run([*words, "--ids", IDS]) == 1
    assert "floor not used: floor-0001 was measured with another model" in capsys.readouterr().err
    assert run([*words, "--ids", IDS, "--floor", "floor-0001"]) == 1
    assert "floor 1e-06, limit 3e-06" in capsys.readouterr().err
    made = bodies(ledger.folder, "bisection.made")
    assert [body["floor"] is None for body in made] == [True, False, True, False]


def test_nothing_differs_by_itself(ledger, model, tmp_path, capsys):
    """No culprit: exit code 0, no reproducer, and the answer says how near the nearest stage is."""
    words = ["run", "bisect", str(model), "--a", "engine=numpy", "--b", "engine=numpy,kv=f16"]
    assert run([*words, "--ids", IDS, "--reproducer", "case"]) == 0
    err = capsys.readouterr().err
    assert "no stage differs by itself: the nearest is layer 0 attn_mix" in err
    assert "no reproducer" in err
    assert not (tmp_path / "case").exists()
    (made,) = bodies(ledger.folder, "bisection.made")
    assert made["culprit"] is None


def export(folder, model, points=None, **changes):
    """Write the activations of a model as somebody else's, with their contract."""
    ids = [int(token) for token in IDS.split(",")]
    whole = open_side(model, parse_settings("engine=numpy")).run(ids).activations
    chosen = {at: v for at, v in whole.items() if points is None or at[0] in points}
    folder.mkdir()
    entries = []
    for (name, layer), values in chosen.items():
        np.save(folder / f"{name}.npy", values)
        place = {} if layer is None else {"layers": layer}
        entries.append({"point": name, "file": f"{name}.npy", **place})
    contract = {"format": "imported-trace/1", "program": "elsewhere 1", "ids": ids, **changes}
    path = folder.with_suffix(".yaml")
    path.write_text(json.dumps({**contract, "points": entries}))
    return ["--against", str(folder), "--contract", str(path)]


def test_bisect_against_somebody_elses_activations(ledger, model, port, tmp_path, capsys):
    """Their values are forced on our pass; what comes of it is asserted, not measured."""
    against = export(tmp_path / "theirs", model)
    words = ["run", "bisect", str(port), "--b", "engine=numpy", *against]
    assert run([*words, "--reproducer", "case"]) == 1
    assert "layer 0 ffn_up is the first stage that differs by itself" in capsys.readouterr().err
    (made,) = bodies(ledger.folder, "bisection.made")
    assert made["provenance"] == "asserted"
    assert made["path_a"]["engine"] == "elsewhere 1"
    case = json.loads((tmp_path / "case" / "operation.json").read_text())
    assert case["weights"]["a"] is None
    assert case["weights"]["b"]["weight"]["tensor"] == "blk.0.ffn_up.weight"


@pytest.mark.usefixtures("ledger")
def test_boundary_activations_give_a_span(model, port, tmp_path, capsys):
    """With the outputs of layers alone, the answer says what it lies behind."""
    against = export(tmp_path / "theirs", model, ("embedding", "output", "logits"))
    assert run(["run", "bisect", str(port), "--b", "engine=numpy", *against]) == 1
    said = "layer 0 output is the first stage that differs by itself (somewhere behind embedding)"
    assert said in capsys.readouterr().err


def test_a_deep_model_takes_several_entries(ledger, tmp_path, capsys):
    """Tables that fit into no entry are recorded in parts, and read back whole."""
    deep = small_model(tmp_path / "deep.gguf", layers=24)
    assert measure(deep) == 0
    floors = bodies(ledger.folder, "floor.measured")
    assert [body["part"] for body in floors] == list(range(floors[0]["parts"]))
    assert len(floors) > 1
    words = ["run", "bisect", str(deep), "--a", "engine=numpy", "--b", "engine=numpy,kv=f16"]
    assert run([*words, "--ids", IDS]) == 0
    assert "floor: floor-0001 (sha256:" in capsys.readouterr().err
    stages = bodies(ledger.folder, "bisection.made")
    assert len(stages) > 1
    places = [tuple(at) for body in stages for at in body["points"]]
    assert places == [tuple(at) for body in floors for at in body["points"]]
    assert len(places) == 3 + 24 * 20
    table = ledger.query("bisections")
    assert [row[table.columns.index("stages")] for row in table.rows] == [3 + 24 * 20]
    trace(deep)
    trace(deep, kv="f16")
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 0
    assert "expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ids", IDS], "same model along the same path"),
        (["--ids", "31,x", "--b", "kv=f16"], "not a list of numbers"),
        (["--ids", "31,96", "--b", "kv=f16"], "outside the vocabulary of 96"),
        (["--b", "kv=f16"], "give the prompt once"),
        (["none.gguf", "--ids", IDS], "none.gguf"),
        (["--ids", IDS, "--b", "engine=x"], "no engine is named 'x'"),
        (["--ids", IDS, "--b", "kv=f16", "--threshold", "0"], "finds nothing"),
        (["--ids", IDS, "--b", "kv=f16", "--floor", "floor-0007"], "recorded no floor.measured"),
        (["--ids", IDS, "--b", "kv=f16", "--plot", "plot.pdf"], "no plot that can be made"),
        (["--ids", IDS, "--b", "kv=f16", "--reproducer", "."], "not an empty folder"),
        (["--ids", IDS, "--contract", "c.yaml"], "go together"),
        (["--ids", IDS, "--against", ".", "--contract", "c.yaml"], "leave MODEL_B, --a"),
        (["--b", "kv=f16", "--against", ".", "--contract", "c.yaml"], "cannot read c.yaml"),
    ],
)
def test_what_cannot_be_bisected(ledger, model, capsys, words, said):
    """Bad input is told, and nothing is recorded of it but a run that failed."""
    code = run(["run", "bisect", str(model), *words])
    assert said in capsys.readouterr().err
    assert code in (2, 5, 7)
    assert bodies(ledger.folder, "bisection.made") == []


def test_two_shapes(ledger, model, tmp_path, capsys):
    """A model of another depth is refused with what differs."""
    deeper = small_model(tmp_path / "deeper.gguf", layers=2)
    assert run(["run", "bisect", str(model), str(deeper), "--ids", IDS]) == 2
    assert "layers 1 and 2" in capsys.readouterr().err
    assert bodies(ledger.folder, "run.started") == []


@pytest.mark.usefixtures("ledger")
def test_rows_are_no_activations(model, port, tmp_path, capsys):
    """A contract of the last row, or of ready rows, has nothing to be forced."""
    against = export(tmp_path / "theirs", model, ("output",), rows="last")
    assert run(["run", "bisect", str(port), *against]) == 5
    assert "full activations of all tokens are needed" in capsys.readouterr().err
