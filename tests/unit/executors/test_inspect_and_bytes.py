"""`ledger run inspect` and `ledger run bytes` as a user meets them."""

import json

import llamas
import pytest
from checkpoints import safetensors_bytes, write_checkpoint
from labs import F16, Q4, ask, digest
from small_models import small_model

from ledger.cli import run


@pytest.fixture
def no_ledger(tmp_path, monkeypatch):
    """A folder without a ledger, in which commands work."""
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


def damaged(path, offset, tmp_path):
    """A copy of a file with one bit of one byte turned."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    copy = tmp_path / f"damaged-{path.name}"
    copy.write_bytes(content)
    return copy


def measured(folder, name):
    """Metric -> value of a run."""
    sql = f"select metric, value from measurements where run = '{name}'"
    return dict(ask(folder, sql))


@pytest.mark.usefixtures("no_ledger")
def test_inspect_as_json(capsys):
    """Format, size, counts, metadata with shortened arrays, tensors with their places."""
    words = ["run", "inspect", str(F16), "--digest", "--json", "--tensors", "blk.3.attn_q.*"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["size_bytes"]) == ("gguf v3", F16.stat().st_size)
    assert (found["tensor_count"], found["parameters"]) == (50, 3_281_152)
    assert found["types"] == {"F16": 29, "F32": 21}
    assert found["digest"] == digest(F16)
    assert found["metadata"]["qwen2.block_count"] == 4
    tokens = found["metadata"]["tokenizer.ggml.tokens"]
    assert (tokens["count"], tokens["first"][:2], len(tokens["first"])) == (512, ["!", '"'], 8)
    weight, bias = found["tensors"]
    assert (weight["tensor"], weight["type"], weight["shape"]) == (
        "blk.3.attn_q.weight",
        "F16",
        [256, 256],
    )
    assert bias["size_bytes"] == 1024
    assert weight["offset"] % 32 == 0


@pytest.mark.usefixtures("no_ledger")
def test_inspect_as_tables(tmp_path, capsys):
    """A checkpoint says besides where each tensor is and what it is called there."""
    folder = write_checkpoint(F16, tmp_path / "tiny4", files=2)
    assert run(["run", "inspect", str(folder), "--metadata", "*.block_count"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "qwen2.block_count  4" in lines
    assert sum("rope.freq" in line for line in lines) == 0
    (line,) = [line for line in lines if line.startswith("blk.0.attn_q.bias")]
    assert line.split()[-2:] == [
        "model-00002-of-00002.safetensors",
        "model.layers.0.self_attn.q_proj.bias",
    ]


@pytest.mark.usefixtures("no_ledger")
def test_inspect_shows_no_control_characters(tmp_path, capsys):
    """What a file calls its tensors and says in its metadata cannot steer a terminal."""
    path = tmp_path / "odd.safetensors"
    tensors = {"\x1b[2J": ("I8", (1,), b"x")}
    path.write_bytes(safetensors_bytes(tensors, {"\x07": "\x1b]0;owned\x07"}))
    assert run(["run", "inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\\x1b[2J" in out
    assert run(["run", "bytes", str(path), str(path), "--all", "--no-record"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_inspect_records_only_when_asked(ledger, capsys):
    """Size, tensors and parameters, under the digest of the file."""
    assert run(["run", "inspect", str(F16)]) == 0
    assert ask(ledger.folder, "select count(*) from runs") == [(0,)]
    assert run(["run", "inspect", str(F16), "--record"]) == 0
    assert "recorded as inspect-0001" in capsys.readouterr().err
    assert measured(ledger.folder, "inspect-0001") == {
        "size_bytes": F16.stat().st_size,
        "tensors": 50,
        "parameters": 3_281_152,
    }
    rows = ask(ledger.folder, "select entry from events where kind = 'measurement.taken' limit 1")
    assert json.loads(rows[0][0])["body"]["key"] == {"contract": "inspect/1", "model": digest(F16)}


@pytest.mark.parametrize("command", ["inspect", "bytes"])
def test_a_malformed_file_is_one_error(tmp_path, capsys, command):
    """With its offset, no output, and no run."""
    path = tmp_path / "cut.gguf"
    path.write_bytes(F16.read_bytes()[:1000])
    files = [str(path)] * (2 if command == "bytes" else 1)
    assert run(["run", command, *files]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "at byte" in err


def test_bytes_of_equal_files(ledger, tmp_path, capsys):
    """Across containers, code 0, every count recorded with both digests in the key."""
    folder = write_checkpoint(F16, tmp_path / "tiny4")
    assert run(["run", "bytes", str(folder), str(F16)]) == 0
    assert "bytes-0001: 50 tensors: 50 equal" in capsys.readouterr().err
    assert measured(ledger.folder, "bytes-0001") == {
        "tensors_compared": 50,
        "tensors_differing": 0,
        "tensors_missing": 0,
        "max_difference": 0,
        "config_fields_differing": 0,
    }
    rows = ask(ledger.folder, "select entry from events where kind = 'measurement.taken' limit 1")
    key = json.loads(rows[0][0])["body"]["key"]
    assert (key["contract"], key["model_b"], key["tensors"]) == ("bytes/1", digest(F16), "*")


@pytest.mark.parametrize("name", ["plain", "tied", "biases", "linear", "yarn"])
@pytest.mark.usefixtures("no_ledger")
def test_bytes_of_a_llama(tmp_path, capsys, name):
    """Rows of q and k that GGUF has in another order are brought into one first."""
    folder = llamas.write_checkpoint(llamas.VARIANTS[name], tmp_path / "model")
    packed = llamas.write_gguf(llamas.VARIANTS[name], tmp_path / "model.gguf")
    assert run(["run", "bytes", str(folder), str(packed), "--no-record"]) == 0
    assert "equal" in capsys.readouterr().err


def test_bytes_says_what_the_files_say_of_the_pass(ledger, tmp_path, capsys):
    """Equal tensors do not make equal models: a knob that differs is named, and the code is 1."""
    one = small_model(tmp_path / "a.gguf")
    other = small_model(tmp_path / "b.gguf", theta=1e6, epsilon=1e-5)
    assert run(["run", "bytes", str(one), str(other)]) == 1
    err = capsys.readouterr().err
    assert "14 tensors: 14 equal" in err
    assert "rope_theta: 10000.0 | 1000000.0" in err
    assert "norm_epsilon: " in err
    assert measured(ledger.folder, "bytes-0001")["config_fields_differing"] == 2


def test_bytes_finds_one_bit(ledger, tmp_path, capsys):
    """The tensor, the first byte in it and in both files, and what it does to the numbers."""
    run(["run", "inspect", str(F16), "--json"])
    tensors = {row["tensor"]: row for row in json.loads(capsys.readouterr().out)["tensors"]}
    offset = tensors["blk.2.ffn_up.weight"]["offset"] + 4711
    copy = damaged(F16, offset, tmp_path)
    assert run(["run", "bytes", str(F16), str(copy), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["tensor"], row["result"]) == ("blk.2.ffn_up.weight", "differs")
    assert (row["first_offset"], row["differing_bytes"]) == (4711, 1)
    assert row["file_offset_a"] == row["file_offset_b"] == offset
    assert 0 < row["max_difference"] < row["rms_a"]
    found = measured(ledger.folder, "bytes-0001")
    assert (found["tensors_differing"], found["max_difference"]) == (1, row["max_difference"])


def test_bytes_of_a_quantised_file(ledger, capsys):
    """Other types are held against each other as numbers; equal tensors show when asked for."""
    words = ["run", "bytes", str(F16), str(Q4), "--tensor", "blk.0.*", "--json", "--all"]
    assert run(words) == 1
    rows = {row["tensor"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 12
    assert rows["blk.0.attn_norm.weight"]["result"] == "equal"
    down = rows["blk.0.ffn_down.weight"]
    assert (down["type_a"], down["type_b"], down["first_offset"]) == ("F16", "Q4_K", None)
    assert 0 < down["rms_difference"] < down["max_difference"]
    largest = max(row["max_difference"] or 0 for row in rows.values())
    assert measured(ledger.folder, "bytes-0001")["max_difference"] == largest


def test_bytes_leaves_no_number_where_a_tensor_is_left_out(ledger, tmp_path):
    """A missing tensor has no difference, so there is no largest one."""
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    a.write_bytes(safetensors_bytes({"t": ("I8", (1,), b"x"), "s": ("I8", (1,), b"x")}))
    b.write_bytes(safetensors_bytes({"t": ("I8", (1,), b"y")}))
    assert run(["run", "bytes", str(a), str(b)]) == 1
    found = measured(ledger.folder, "bytes-0001")
    assert found == {"tensors_compared": 1, "tensors_differing": 1, "tensors_missing": 1}


def test_a_file_against_itself_measures_nothing(ledger):
    """What cannot come out otherwise gives no number that a criterion could be met with."""
    assert run(["run", "bytes", str(F16), str(F16)]) == 0
    assert measured(ledger.folder, "bytes-0001") == {}


def test_bytes_of_no_tensor(ledger, capsys):
    """A glob that nothing fits is a mistake, not an equality."""
    assert run(["run", "bytes", str(F16), str(F16), "--tensor", "nothing*"]) == 2
    assert "no tensor of either file fits" in capsys.readouterr().err
    assert ask(ledger.folder, "select count(*) from runs") == [(0,)]


@pytest.mark.usefixtures("no_ledger")
def test_bytes_without_a_ledger(capsys):
    """Comparing needs none when nothing is recorded, and says so when something should be."""
    assert run(["run", "bytes", str(F16), str(F16), "--no-record"]) == 0
    capsys.readouterr()
    assert run(["run", "bytes", str(F16), str(F16)]) == 2
    assert "ledger" in capsys.readouterr().err
