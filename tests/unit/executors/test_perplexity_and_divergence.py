"""`ledger run perplexity` and `ledger run divergence` as a user meets them."""

import json
import math

import pytest
from labs import F16, MODELS, bodies

from ledger.cli import run

Q8 = MODELS / "tiny4-Q8_0.gguf"
TEXT = "The quick brown fox jumps over the lazy dog. " * 40


@pytest.fixture
def text(tmp_path):
    """A file of text."""
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def measured(ledger):
    """Measurements by metric."""
    return {body["metric"]: body for body in bodies(ledger.folder, "measurement.taken")}


def test_a_text_is_scored(ledger, text, capsys):
    """The table, and the same numbers on record under a key that says what they depend on."""
    words = ["run", "perplexity", str(Q8), str(text), "--engine", "numpy", "--context", "128"]
    assert run([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    table = {row["quantity"]: row for row in json.loads(out)}
    nats = table["nats per token"]
    assert nats["low"] < nats["value"] < nats["high"]
    assert table["perplexity"]["value"] == pytest.approx(math.exp(nats["value"]))
    found = measured(ledger)
    assert found["nats_per_token"]["value"] == nats["value"]
    assert found["nats_per_token_low"]["value"] == nats["low"]
    assert found["bits_per_byte"]["value"] == table["bits per byte"]["value"]
    key = found["perplexity"]["key"]
    assert (key["context"], key["stride"], key["n"]) == (128, 64, table["n"]["value"])
    assert {key[name][:7] for name in ("model", "tokens", "text", "tokenizer")} == {"sha256:"}
    assert "tokenizer" not in found["bits_per_byte"]["key"]
    assert f"perplexity-0001: {key['n']} of {key['n'] + 1} tokens scored" in err
    assert run(["audit"]) == 0


def test_ids_have_no_bytes(ledger, tmp_path, capsys):
    """So there are no bits a byte; of few tokens there is no interval."""
    ids = tmp_path / "ids.json"
    ids.write_text("[1, 2, 3, 4]")
    words = ["run", "perplexity", str(Q8), "--ids-file", str(ids), "--engine", "numpy", "--json"]
    assert run(words) == 0
    table = {row["quantity"]: row for row in json.loads(capsys.readouterr().out)}
    assert "bits per byte" not in table
    assert table["nats per token"]["low"] is None
    assert set(measured(ledger)) == {"nats_per_token", "perplexity", "token_accuracy"}


def test_two_models_on_one_text(ledger, text, capsys):
    """Means with intervals, and how often the likeliest token is the same."""
    words = ["run", "divergence", str(F16), str(Q8), str(text), "--engine", "numpy"]
    assert run([*words, "--context", "128", "--json"]) == 0
    table = {row["quantity"]: row for row in json.loads(capsys.readouterr().out)}
    assert 0 < table["KL mean"]["low"] < table["KL mean"]["value"] < table["KL mean"]["high"] < 1e-2
    assert table["KL median"]["value"] <= table["KL p99"]["value"] <= table["KL max"]["value"]
    agrees = table["top token agrees"]
    assert agrees["low"] < agrees["value"] <= agrees["high"]
    key = measured(ledger)["kl_mean"]["key"]
    assert key["a"] != key["b"]
    assert (key["engine_a"], key["device_b"]) == ("numpy", "cpu")
    assert run(["audit"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["perplexity", str(Q8)], 2, "give the text once"),
        (["perplexity", str(Q8), "TEXT", "--ids-file", "TEXT"], 2, "give the text once"),
        (["perplexity", str(Q8), "NOWHERE"], 2, "cannot read"),
        (["perplexity", str(Q8), "BYTES"], 5, "is not UTF-8"),
        (["perplexity", str(Q8), "TEXT", "--context", "4096"], 2, "a context of 4096"),
        (["perplexity", str(Q8), "TEXT", "--context", "8", "--stride", "9"], 2, "a stride of 9"),
        (["perplexity", str(Q8), "--ids-file", "IDS"], 2, "token 1 of the text is 512"),
        (["perplexity", str(Q8), "TEXT", "--device", "gpu"], 2, "gpu"),
        (["divergence", str(Q8), "OTHER", "--ids-file", "IDS"], 2, "incomparable: vocabularies"),
        (["divergence", str(Q8), str(Q8), "TEXT", "--engine-b", "c"], 2, "no engine is named"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else None,
)
def test_what_cannot_be_scored(ledger, text, tmp_path, capsys, words, code, says):
    """A mistake of the caller: one error with a hint, and no run."""
    from small_models import small_model

    (tmp_path / "bytes").write_bytes(b"ab\xff")
    (tmp_path / "ids").write_text("1,512")
    places = {"TEXT": text, "BYTES": tmp_path / "bytes", "IDS": tmp_path / "ids"}
    places |= {"OTHER": small_model(tmp_path / "other.gguf"), "NOWHERE": tmp_path / "nowhere"}
    assert run(["run", *(str(places.get(word, word)) for word in words)]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("hint") == 1
    assert bodies(ledger.folder, "run.started") == []
