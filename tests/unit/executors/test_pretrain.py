"""`ledger run pretrain` and what goes with it, as a user meets them."""

import json
import math
import os
import shutil
import subprocess
import sys

import pytest
from corpora import small_corpus
from labs import ask, bodies, digest
from trainings import answer, environment, new_training_room, words

from executors.training.holding import hold
from ledger.cli import run
from ledger.errors import BadArguments, Conflict
from ledger.folder import open_folder
from ledger.ledger import Ledger
from ml.training.checkpoints import read_checkpoint, write_checkpoint

pytestmark = pytest.mark.slow
#: Another process that holds a folder until it is told to end.
HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print(flush=True)
input()
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one finished run of twelve steps. Only for looking."""
    folder = new_training_room(tmp_path_factory.mktemp("training"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        assert run(words(folder)) == 0
    return folder


@pytest.fixture
def room(trained, tmp_path, monkeypatch):
    """A copy of it that the test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


def resume(folder, name, *more, corpus=None):
    """`ledger run pretrain --resume` of a run."""
    given = ["run", "pretrain", str(corpus or folder / "corpus"), "--resume", name, *more]
    return run([*given, "--out", str(folder / "runs"), "--json"])


def lab(folder):
    """The ledger's folder."""
    return open_folder(folder / "lab" / ".ledger")


def measured(folder, name, metric):
    """Bodies of a run's measurements of one metric."""
    found = bodies(lab(folder), "measurement.taken")
    return [b for b in found if (b["run"], b["metric"]) == (name, metric)]


def kinds(folder, name):
    """Kinds of a run's entries, in order."""
    sql = f"select kind from events where stream = 'run/{name}' order by position"
    return [kind for (kind,) in ask(lab(folder), sql)]


def test_everything_is_on_record(room):
    """Settings, data, environment; steps with their numbers; looks; the end."""
    (started,) = (b for b in bodies(lab(room), "run.started") if b["run"] == "pretrain-0001")
    assert started["arguments"]["settings"]["preset"]["name"] == "tiny"
    assert started["arguments"]["force_under_provisioned"] is True
    assert started["inputs"].keys() == {"corpus", "train", "held_out"}
    assert (started["seed"], started["device_observed"], started["dtype"]) == (42, "cpu", "float32")
    steps = bodies(lab(room), "step.taken")
    assert [step["step"] for step in steps] == list(range(12))
    assert steps[0]["metrics"].keys() == {
        "loss", "grad_norm", "lr", "tokens", "tokens_per_sec", "wall_ms", "memory_bytes"
    }  # fmt: skip
    assert all(step["metrics"]["memory_bytes"] > 0 for step in steps)
    looks = measured(room, "pretrain-0001", "val_loss")
    assert [look["key"]["step"] for look in looks] == [0, 4, 8, 12]
    assert all(look["key"]["low"] < look["value"] < look["key"]["high"] for look in looks)
    assert {look["key"]["n"] for look in looks} == {8}
    assert looks[-1]["value"] < looks[0]["value"] - 0.5
    baselines = {b["metric"]: b["value"] for b in bodies(lab(room), "measurement.taken")}
    assert baselines["uniform_loss"] == pytest.approx(math.log(400))
    assert baselines["bigram_loss"] < baselines["unigram_loss"] < baselines["uniform_loss"]
    assert kinds(room, "pretrain-0001")[-1] == "run.finished"


def test_checkpoints_are_what_is_on_record(room):
    """Size and digest of the bytes, and the digest of the state in them."""
    written = bodies(lab(room), "checkpoint.written")
    assert [body["step"] for body in written] == [5, 10, 12]
    for body in written:
        path = room / "runs" / "pretrain-0001" / body["file"]
        assert path.stat().st_size == body["size_bytes"]
        assert body["digest"].endswith(subprocess.check_output(["sha256sum", path], text=True)[:64])
        assert body["state"] == f"sha256:{read_checkpoint(path).state.digest()}"


def test_samples_say_whether_they_parse(room):
    """Two texts at step 6 and at the end, and the share of them with its n."""
    samples = measured(room, "pretrain-0001", "sample")
    assert [(s["key"]["step"], s["key"]["sample"]) for s in samples] == [
        (6, 0), (6, 1), (12, 0), (12, 1)
    ]  # fmt: skip
    assert all(isinstance(s["value"], str) for s in samples)
    for rate in measured(room, "pretrain-0001", "sample_parse_rate"):
        mine = [s for s in samples if s["key"]["step"] == rate["key"]["step"]]
        assert rate["key"]["n"] == 2
        assert rate["value"] == sum(s["key"]["parses"] for s in mine) / 2


def test_the_ledgers_share_is_measured(room):
    """The tiny preset takes milliseconds a step; the share stays below the bar all the same."""
    (share,) = measured(room, "pretrain-0001", "recording_share")
    assert 0 < share["value"] < 0.05


def test_the_same_seed_gives_the_same_state(room, capsys):
    """A second run ends in the state of the first."""
    assert run(words(room)) == 0
    found = answer(capsys.readouterr().out)
    assert found["run"] == "pretrain-0002"
    states = [b["state"] for b in bodies(lab(room), "checkpoint.written")]
    assert states[:3] == states[3:]
    assert found["state"] == states[2]


def test_a_run_that_failed_goes_on(room, capsys):
    """Exhausted data fail it with exit 1; --resume takes it up, and fails for the same reason."""
    assert run(words(room, steps=80, eval_every=40, checkpoint_every=40, samples=0)) == 1
    said = answer(capsys.readouterr().out)
    assert said["failed"]
    assert "exhausted" in said["ended"]
    assert kinds(room, "pretrain-0002")[-1] == "run.failed"
    assert resume(room, "pretrain-0002") == 1
    again = answer(capsys.readouterr().out)
    assert again["state"] == said["state"]
    assert kinds(room, "pretrain-0002")[-3:].count("run.failed") == 1
    (apart,) = measured(room, "pretrain-0002", "fixed_batch_difference")
    assert apart["value"] == 0.0
    (lost,) = measured(room, "pretrain-0002", "unrecorded_steps_at_most")
    assert lost["value"] == 1


def test_wrapping_goes_on_where_it_was_asked_for(room, capsys):
    """With --wrap the same run takes all its steps."""
    assert (
        run([*words(room, steps=70, eval_every=70, checkpoint_every=70, samples=0), "--wrap"]) == 0
    )
    assert answer(capsys.readouterr().out)["steps"] == 70


def test_gates_end_a_run(room, capsys):
    """A target that is met ends it well, a throughput out of range as failed."""
    assert run(words(room, "--target", "5.9", steps=30, samples=0)) == 0
    assert answer(capsys.readouterr().out)["ended"].startswith("target: ")
    assert run(words(room, "--max-tokens-per-sec", "1", steps=30, samples=0)) == 1
    assert "is it computing at all?" in answer(capsys.readouterr().out)["ended"]
    failed = bodies(lab(room), "run.failed")[-1]
    assert failed["error"] == "GateClosed"
    assert failed["reason"].startswith("throughput: ")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"preset": "huge"}, "no preset 'huge'"),
        ({"batch": 4000}, "windows"),
        ({"samples": 5}, "5 samples"),
        ({"sequence": 16}, "no 17 tokens in a row on both sides"),
        ({"lr": 0}, "lr is 0.0"),
        ({"eval-every": 0}, "evaluate_every is 0"),
        ({"sample-every": -1}, "sample_every is -1"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_options_that_cannot_be(room, capsys, change, says):
    """Exit 2, and no run begins."""
    assert run(words(room, **change)) == 2
    assert says in capsys.readouterr().err
    assert len(bodies(lab(room), "run.started")) == 1


def test_too_little_data_must_be_asked_for(room, capsys):
    """Fewer than ten tokens a parameter is refused without the option."""
    given = [word for word in words(room) if word != "--force-under-provisioned"]
    assert run(given) == 2
    assert "--force-under-provisioned" in capsys.readouterr().err


def test_what_cannot_be_resumed(room, capsys):
    """A finished run, one that is not there, other options, another corpus."""
    assert resume(room, "pretrain-0001") == 4
    assert "has finished" in capsys.readouterr().err
    assert resume(room, "pretrain-0009") == 2
    assert resume(room, "pretrain-0001", "--steps", "9") == 2
    assert "--steps beside --resume" in capsys.readouterr().err
    small_corpus(room / "other", held_out=0.3)
    assert resume(room, "pretrain-0001", corpus=room / "other" / "corpus") == 2
    assert "trained on another corpus" in capsys.readouterr().err
    assert resume(room, "pretrain-0001", corpus=room / "nowhere") == 2


def test_one_process_trains_a_run(room, capsys):
    """While another process holds its folder, going on is a conflict."""
    held = room / "runs" / "pretrain-0001"
    words_ = [sys.executable, "-c", HOLDER, str(held)]
    with subprocess.Popen(words_, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(Conflict, match="another process"), hold(held):
            pass
        assert resume(room, "pretrain-0001") == 4
        assert "another process is training pretrain-0001" in capsys.readouterr().err
        other.communicate(b"\n")
    with hold(held) as folder:
        assert folder == held
    (room / "file").write_bytes(b"")
    with pytest.raises(BadArguments, match="cannot make"), hold(room / "file" / "x"):
        pass


def reproduce(room, *more):
    """`ledger run replay` of the run that is there."""
    corpus, out = str(room / "corpus"), str(room / "runs")
    return run(["run", "replay", "pretrain-0001", corpus, "--out", out, "--json", *more])


def test_a_step_is_reproduced(room, capsys):
    """From the checkpoint before it to the one behind it: same numbers, same bytes."""
    assert reproduce(room, "--step", "7") == 0
    said = answer(capsys.readouterr().out)
    assert (said["verdict"], said["steps"], said["tensors_held"]) == ("reproduced", "5 to 9", 60)
    (verdict,) = measured(room, "replay-0001", "replay_verdict")
    assert verdict["value"] == "reproduced"
    assert reproduce(room, "--step", "11") == 0
    assert answer(capsys.readouterr().out)["steps"] == "10 to 11"
    assert reproduce(room, "--step", "12") == 2


def test_a_step_that_diverges(room, capsys):
    """A weight that was changed in the checkpoint it begins at shows in the loss, and exit 1."""
    folder = room / "runs" / "pretrain-0001"
    found = read_checkpoint(folder / "step-00000005.safetensors")
    found.state.parts["weights"]["output_norm.weight"][3] *= 1.5
    write_checkpoint(folder, found.settings, found.state, found.evaluations, found.fixed)
    assert reproduce(room, "--step", "7") == 2
    assert "on record is" in capsys.readouterr().err
    (folder / "step-00000005.safetensors").unlink()
    with Ledger.open(room / "lab" / ".ledger") as ledger:
        body = bodies(lab(room), "step.taken")[3]
        wrong = body | {"metrics": body["metrics"] | {"loss": body["metrics"]["loss"] + 1e-7}}
        ledger.record("step.taken", wrong, actor="executor:pretrain")
    assert reproduce(room, "--step", "3") == 1
    said = answer(capsys.readouterr().out)
    assert said["verdict"] == "diverged at step 3: loss"
    assert reproduce(room, "--step", "3", "--within", "1e-5") == 0


def test_a_checkpoint_that_lies_is_noticed_after_loading(room, capsys):
    """The fixed batch's losses are not those in the file: the run fails again, and says why."""
    assert run(words(room, "--max-tokens-per-sec", "1", steps=30, samples=0)) == 1
    capsys.readouterr()
    folder = room / "runs" / "pretrain-0002"
    found = read_checkpoint(max(folder.iterdir()))
    wrong = [loss + 0.1 for loss in found.fixed]
    write_checkpoint(folder, found.settings, found.state, found.evaluations, wrong)
    assert resume(room, "pretrain-0002") == 7
    assert "after loading, the fixed batch has" in capsys.readouterr().err
    assert kinds(room, "pretrain-0002")[-1] == "run.failed"
    (apart,) = measured(room, "pretrain-0002", "fixed_batch_difference")
    assert apart["value"] == pytest.approx(0.1)


def test_a_checkpoint_is_exported(room, capsys):
    """Four files with their digests; what was made cites the state; a second time is refused."""
    path = next((room / "runs" / "pretrain-0001").glob("*12.safetensors"))
    asked = ["run", "export", str(path), str(room / "model"), "--corpus", str(room / "corpus")]
    assert run([*asked, "--json"]) == 0
    rows = {row["file"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    for name, row in rows.items():
        assert digest(room / "model" / name) == row["sha256"]
    made = [b for b in bodies(lab(room), "artifact.made") if b["run"] == "export-0001"]
    assert {b["digest"] for b in made} == {
        row["sha256"] for name, row in rows.items() if name != "tokenizer.json"
    }
    assert {b["inputs"]["state"] for b in made} == {
        bodies(lab(room), "checkpoint.written")[-1]["state"]
    }
    assert run(asked) == 2
    assert "already" in capsys.readouterr().err
    assert run(["run", "convert", str(room / "model"), str(room / "m.gguf"), "--to", "q8_0"]) == 0


def test_two_runs_are_compared_window_by_window(room, capsys):
    """One key differs: a difference with its interval; two or none: refused."""
    assert run(words(room, lr=3e-4)) == 0
    assert run(words(room, lr=3e-4, seed=7)) == 0
    assert run(words(room)) == 0
    capsys.readouterr()
    compare = ("run", "compare-runs", "--out", str(room / "runs"), "--json")
    assert run([*compare, "pretrain-0001", "pretrain-0002"]) == 0
    said = answer(capsys.readouterr().out)
    assert (said["differs"], said["windows"], said["verdict"]) == ("lr", 8, "a is lower")
    assert said["low"] < said["difference"] < said["high"]
    assert said["difference"] == pytest.approx(said["val_loss_b"] - said["val_loss_a"])
    (found,) = measured(room, "compare-runs-0001", "val_loss_difference")
    assert (found["provenance"], found["key"]["differs"]) == ("derived", "lr")
    assert run([*compare, "pretrain-0001", "pretrain-0003"]) == 2
    assert "2 things differ (lr, seed)" in capsys.readouterr().err
    assert run([*compare, "pretrain-0001", "pretrain-0004"]) == 2
    assert "nothing differs" in capsys.readouterr().err


def test_what_runs_say_while_one_is_under_way(room, capsys):
    """`ledger query runs` shows how each run ended."""
    assert run(["query", "runs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["run"], row["outcome"]) == ("pretrain-0001", "finished")
    assert os.environ["LEDGER_DIR"].startswith(str(room))
