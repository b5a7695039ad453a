"""`ledger run generate` and `ledger run golden`, as a user meets them."""

import json

import pytest
from labs import F16, Q4, ask, bodies
from vocabularies import byte_vocabulary

from executors.generate import spelled
from ledger.cli import run

GENERATE = ["run", "generate", str(F16), "--engine", "numpy"]
GOLDEN = ["run", "golden", str(F16)]


def measured(ledger):
    """Value by metric of the last run."""
    rows = ask(ledger.folder, "select metric, value_json from measurements order by position")
    return {metric: json.loads(value) for metric, value in rows}


def test_what_a_generation_records(ledger, capsys):
    """Text on stdout; ids, margins and text in the ledger, speed beside them."""
    assert run([*GENERATE, "--prompt", "hello the", "--max-tokens", "6"]) == 0
    out, err = capsys.readouterr()
    assert "generate-0001: 7 tokens in, 6 out on cpu" in err
    found = measured(ledger)
    kept = json.loads(found["generation"])
    assert kept["prompt"] == [319, 75, 75, 78, 220, 272, 68]
    assert kept["text"] + "\n" == out
    assert len(kept["ids"]) == len(kept["margins"]) == found["generated_tokens"] == 6
    assert found["smallest_margin"] == min(kept["margins"])
    assert found["decode_tokens_per_second"] > 0
    (start,) = bodies(ledger.folder, "run.started")
    assert (start["device_asked"], start["device_observed"], start["seed"]) == ("auto", "cpu", None)
    assert start["arguments"]["ids"] == kept["prompt"]


def test_json_and_seeds(ledger, capsys):
    """A list of one object; the same seed gives the same ids."""
    drawn = [
        "--ids",
        "319,75",
        "--max-tokens",
        "5",
        "--temperature",
        "1",
        "--top-k",
        "50",
        "--json",
    ]
    found = []
    for seed in ("3", "3", "4"):
        assert run([*GENERATE, *drawn, "--top-p", "0.9", "--seed", seed]) == 0
        ((row),) = json.loads(capsys.readouterr().out)
        assert set(row) == {"run", "text", "ids", "margins", "stopped_by", "device"}
        found.append(row["ids"])
    assert found[0] == found[1] != found[2]
    assert [start["seed"] for start in bodies(ledger.folder, "run.started")] == [3, 3, 4]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "give the prompt once"),
        (["--prompt", "a", "--ids", "1"], 2, "give the prompt once"),
        (["--ids", "1", "--system", "b"], 2, "--system goes with --chat"),
        (["--chat", "hello"], 2, "no chat template 'default'"),
        (["--chat", "hello", "--bos"], 2, "--bos goes with --prompt"),
        (["--ids", "1", "--temperature", "-1"], 2, "temperature -1"),
        (["--ids", "1", "--top-p", "0"], 2, "top-p 0"),
        (["--ids", "999"], 2, "outside the vocabulary"),
        (["--prompt-file", "no such file"], 2, "check --prompt-file"),
    ],
)
def test_what_is_refused_before_a_run_begins(ledger, capsys, words, code, said):
    """With a hint, and nothing on record."""
    assert run([*GENERATE, *words]) == code
    assert said in capsys.readouterr().err
    assert bodies(ledger.folder, "run.started") == []


def test_python_is_checked(ledger, tmp_path, capsys):
    """Prompt and text together; what is none ends with 1, on record all the same."""
    file = tmp_path / "code.py"
    file.write_text("x = (")
    words = [*GENERATE, "--prompt-file", str(file), "--max-tokens", "2", "--check-python"]
    assert run(words) == 1
    assert "this is no Python: line 1" in capsys.readouterr().err
    assert len(bodies(ledger.folder, "run.finished")) == 1


def test_a_chat_is_put_into_the_template(tmp_path):
    """System and user message, special tokens as one id each."""
    from executors.tracing.prompt import read_chat
    from ml.tokenizer import Tokenizer

    path = byte_vocabulary(tmp_path / "chat.gguf", template="chatml")
    ids = read_chat(path, "hello", "be brief", "default", None)
    text = (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhello<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    tokenizer = Tokenizer.from_gguf(path)
    assert tokenizer.decode(ids) == text
    assert ids == tokenizer.encode(text, special=True)


def test_a_terminal_is_told_no_commands():
    """Escapes and marks that turn text around are spelled; joined emoji come apart."""
    assert spelled("a\x1b[2Jb\r\n\tc\u202e") == "a\\x1b[2Jb\\r\n\tc\\u202e"
    assert spelled("naïve 東京 🙂") == "naïve 東京 🙂"


def test_golden_outputs(ledger, tmp_path, capsys):
    """Made, held against the same model, and against another that differs."""
    file = str(tmp_path / "golden.json")
    made = ["--make", "--prompt", "hello the", "--ids", "1,2,3", "--max-tokens", "5"]
    assert run([*GOLDEN, file, *made, "--engine", "numpy"]) == 0
    assert run([*GOLDEN, file, "--engine", "numpy", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in rows] == ["same", "same"]
    found = measured(ledger)
    assert (found["golden_same"], found["golden_differ"], found["golden_drift"]) == (2, 0, 0)
    other = ["run", "golden", str(Q4), file, "--engine", "numpy"]
    assert run(other) == 2
    assert "made with another model" in capsys.readouterr().err
    assert run([*other, "--another-model"]) == 1
    assert run([*other, "--another-model", "--tolerance", "100"]) == 0
    assert "2 part at a near tie" in capsys.readouterr().err


def test_golden_files_that_are_refused(ledger, tmp_path, capsys):
    """Malformed ones with 5, prompts in the wrong place with 2, a failed run that cannot write."""
    file = tmp_path / "golden.json"
    file.write_text('{"format": "golden/1",')
    assert run([*GOLDEN, str(file), "--engine", "numpy"]) == 5
    assert "no JSON" in capsys.readouterr().err
    assert run([*GOLDEN, str(file), "--make"]) == 2
    assert run([*GOLDEN, str(file), "--prompt", "a"]) == 2
    assert (
        run([*GOLDEN, str(tmp_path / "no" / "x.json"), "--make", "--ids", "1", "--engine", "numpy"])
        == 2
    )
    assert "cannot write" in capsys.readouterr().err
    assert len(bodies(ledger.folder, "run.failed")) == 1
