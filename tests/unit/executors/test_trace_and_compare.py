"""The executors as a user meets them: what they print, record, refuse, and leave in the ledger."""

import contextlib
import json

import numpy as np
import pytest
from labs import F16, Q4, TOKENS, ask, bodies, digest, trace
from ledgers import new_ledger

from executors import base
from executors.compare import record_comparison
from ledger.cli import run
from ml import devices
from ml.errors import MlError

IDS = ",".join(map(str, TOKENS))


def test_what_a_trace_records(ledger):
    """Device asked and observed, dtype and device with their reasons, digests, arguments."""
    assert run(["run", "trace", str(F16), "--ids", IDS, "--engine", "numpy"]) == 0
    (start,) = bodies(ledger.folder, "run.started")
    assert start["inputs"]["model"] == digest(F16)
    assert (start["device_asked"], start["device_observed"]) == ("auto", "cpu")
    assert start["device_reason"]
    assert (start["dtype"], start["seed"]) == ("float64", None)
    assert start["dtype_reason"]
    assert start["arguments"]["engine"] == "numpy"
    (traced,) = bodies(ledger.folder, "trace.captured")
    assert ledger.read_blob(traced["blob"])
    assert traced["identity"]["tokens_sha256"] == start["inputs"]["tokens"].removeprefix("sha256:")
    (end,) = bodies(ledger.folder, "run.finished")
    count = ask(ledger.folder, "select count(*) from events where stream = 'run/trace-0001'")
    assert count == [(end["entries"],)]


def test_logits_out(ledger, tmp_path):
    """The last token's logits as float32, and the largest of them are the ones that are told."""
    path = tmp_path / "logits.npy"
    words = ["run", "trace", str(F16), "--ids", IDS, "--engine", "numpy", "--logits-out", str(path)]
    assert run(words) == 0
    logits = np.load(path)
    assert (logits.dtype, logits.ndim) == (np.float32, 1)
    assert np.isfinite(logits).all()
    assert len(bodies(ledger.folder, "run.finished")) == 1


def test_logits_out_that_cannot_be_written(ledger, tmp_path, capsys):
    """A path that cannot be written fails the run, which says so."""
    words = ["run", "trace", str(F16), "--ids", IDS, "--engine", "numpy"]
    assert run([*words, "--logits-out", str(tmp_path / "none" / "x.npy")]) == 2
    assert "--logits-out" in capsys.readouterr().err
    (end,) = bodies(ledger.folder, "run.failed")
    assert "cannot write" in end["reason"]


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_no_card(ledger, capsys, device):
    """Asking for CUDA where there is none ends with 7, a failed run, and never a run on the CPU."""
    with contextlib.suppress(MlError):
        devices.resolve(device)
        pytest.skip("this machine has a card")
    assert run(["run", "trace", str(F16), "--ids", IDS, "--device", device]) == 7
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("executor failed: ")
    (start,) = bodies(ledger.folder, "run.started")
    assert (start["device_asked"], start["device_observed"]) == (device, None)
    assert start["device_reason"]
    (end,) = bodies(ledger.folder, "run.failed")
    assert end["reason"] == start["device_reason"]
    assert bodies(ledger.folder, "trace.captured") == []
    assert ask(ledger.folder, "select count(*) from measurements") == [(0,)]


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", "CUDA:", "cpu:0"])
def test_no_such_device(ledger, device):
    """A device that has no such name is a mistake of the caller, and no run begins."""
    assert run(["run", "trace", str(F16), "--ids", IDS, "--device", device]) == 2
    assert bodies(ledger.folder, "run.started") == []


@pytest.mark.parametrize("ids", ["-1", "999999", "1.5", "\N{SUPERSCRIPT TWO}"])
def test_no_such_token(ledger, ids):
    """Token ids that the model does not have are a mistake of the caller, and no run begins."""
    assert run(["run", "trace", str(F16), f"--ids={ids}", "--engine", "numpy"]) == 2
    assert bodies(ledger.folder, "run.started") == []


def test_parts(tmp_path, monkeypatch):
    """A table recorded in many parts folds to the same rows in the same order as one in one."""
    found = []
    for name, budget in (("whole", base._TABLE_BYTES), ("parts", 1500)):
        monkeypatch.setattr(base, "_TABLE_BYTES", budget)
        with new_ledger(tmp_path / name) as ledger:
            trace(ledger, F16)
            trace(ledger, Q4)
            record_comparison(ledger, "trace-0001", "trace-0002", threshold=1e-3)
            folder = ledger.folder
        parts = {body["parts"] for body in bodies(folder, "trace.captured")}
        assert (min(parts) > 5) == (name == "parts")
        for kind in ("trace.captured", "comparison.made"):
            each = bodies(folder, kind)
            assert all(body["part"] < body["parts"] for body in each)
        runs = "select count(*), count(distinct run) from "
        assert ask(folder, runs + "traces") == [(2, 2)]
        assert ask(folder, runs + "comparisons") == [(1, 1)]
        tables = []
        for table in ("trace_points", "comparison_points"):
            sql = f"select * exclude (position, ordinal) from {table} order by position, ordinal"
            tables.append(ask(folder, sql + (", scope" if table == "trace_points" else "")))
        found.append(tables)
    assert found[0] == found[1]
    assert min(len(table) for table in found[0]) > 20


def test_compare_with_itself(ledger, capsys):
    """A run held against itself is equal, point by point, and the code is 0."""
    trace(ledger, F16)
    assert run(["run", "compare", "trace-0001", "trace-0001", "--json"]) == 0
    out, err = capsys.readouterr()
    assert {row["max_distance"] for row in json.loads(out)} == {0.0}
    assert "equal" in err
    (made,) = bodies(ledger.folder, "comparison.made")
    assert (made["result"], made["first_divergence"]) == ("equal", None)


def test_compare_two_runs_of_one_thing(ledger):
    """The same model, tokens and engine twice are bit-equal."""
    trace(ledger, F16)
    trace(ledger, F16)
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 0
    (made,) = bodies(ledger.folder, "comparison.made")
    assert (made["result"], made["path_differences"]) == ("equal", [])


def test_compare_another_prompt(ledger, capsys):
    """Unequal prompts do not compare: code 1, the field that differs, and what to do."""
    trace(ledger, F16)
    trace(ledger, F16, TOKENS[:2])
    assert run(["run", "compare", "trace-0001", "trace-0002"]) == 1
    err = capsys.readouterr().err
    assert "incomparable" in err
    assert "not comparable: tokens" in err
    assert "fix: " in err
    (made,) = bodies(ledger.folder, "comparison.made")
    assert made["result"] == "incomparable"
    assert all(difference["fix"] for difference in made["identity_differences"])
    assert ask(ledger.folder, "select count(*) from measurements where run = 'compare-0001'") == [
        (0,)
    ]


def test_compare_names_the_first_divergence(ledger, capsys):
    """A quantised file against the full one: what differs in the path, and where it begins."""
    trace(ledger, F16)
    trace(ledger, Q4)
    run(["run", "compare", "trace-0001", "trace-0002", "--threshold", "0.001"])
    err = capsys.readouterr().err
    assert "the paths differ in:" in err
    assert "first divergence: " in err
    (made,) = bodies(ledger.folder, "comparison.made")
    points = ask(
        ledger.folder, "select point, layer, max_distance from comparison_points order by ordinal"
    )
    first = next(point for point in points if point[2] > 0.001)
    assert (made["first_divergence"]["point"], made["first_divergence"]["layer"]) == first[:2]
    measured = dict(
        ask(ledger.folder, "select metric, value from measurements where run like 'c%'")
    )
    assert measured["divergent_points"] == sum(point[2] > 0.001 for point in points)
    assert measured["trace_distance_max"] == max(point[2] for point in points)


def test_compare_after_the_blob_changed(ledger, capsys):
    """Evidence that changed on disk is an integrity error, and nothing is compared."""
    trace(ledger, F16)
    (body,) = bodies(ledger.folder, "trace.captured")
    name = body["blob"].removeprefix("sha256:")
    path = ledger.folder.blobs / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"\x00" * path.stat().st_size)
    assert run(["run", "compare", "trace-0001", "trace-0001"]) == 6
    assert "does not have that digest" in capsys.readouterr().err
    assert bodies(ledger.folder, "comparison.made") == []


def test_a_trace_against_itself_measures_nothing(ledger):
    """What cannot come out otherwise gives no number that a criterion could be met with."""
    trace(ledger, F16)
    assert run(["run", "compare", "trace-0001", "trace-0001"]) == 0
    (made,) = bodies(ledger.folder, "comparison.made")
    assert made["result"] == "equal"
    runs = {body["run"] for body in bodies(ledger.folder, "measurement.taken")}
    assert runs == {"trace-0001"}
