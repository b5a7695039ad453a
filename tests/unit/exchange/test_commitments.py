"""Commitments: a value beside the record, under a salt, shown as long as it is kept."""

import json
import re

import pytest
from documents import ROOT
from evidence import as_json, secret_note
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import lines_of, new_folder

from ledger.blobs import blob_path, list_blobs, read_blob, write_blob
from ledger.cli import run
from ledger.commitments import commit, find, is_kept, reveal, withhold
from ledger.errors import BadArguments, IntegrityError, Malformed
from ledger.events.redaction import commitment_digest, commitment_places

TEXT = "withheld:sha256:" + "0" * 64
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z.]{1,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=values)
def test_round_trip(tmp_path, value):
    """Any JSON value comes back from its commitment."""
    folder = new_folder(tmp_path / "lab") if not (tmp_path / "lab").exists() else None
    from ledger.folder import open_folder

    folder = folder or open_folder(tmp_path / "lab" / ".ledger")
    text = commit(folder, value)
    assert commitment_digest(text) is not None
    assert reveal(folder, text) == value
    assert reveal(folder, commitment_digest(text)) == value


def test_form(ledger):
    """The blob is canonical JSON with salt and value, under its digest, as the page says."""
    text = commit(ledger.folder, {"b": 1, "a": "é"})
    assert re.fullmatch(r"withheld:sha256:[0-9a-f]{64}", text)
    data = read_blob(ledger.folder, text.removeprefix("withheld:"))
    salt = json.loads(data)["salt"]
    assert re.fullmatch(r"[0-9a-f]{64}", salt)
    assert data == f'{{"salt":"{salt}","value":{{"a":"é","b":1}}}}'.encode()


def test_salt_is_fresh(ledger):
    """Two commitments to one value have nothing in common."""
    assert commit(ledger.folder, "x") != commit(ledger.folder, "x")


@pytest.mark.parametrize("value", [float("nan"), 2**60, {1: 2}, {"": 1}, "\ud800", {1, 2}])
def test_no_json(ledger, value):
    """What JSON cannot hold cannot be committed to, and leaves no blob."""
    with pytest.raises(Malformed):
        commit(ledger.folder, value)
    assert list(list_blobs(ledger.folder)) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b'{"salt":"00","value":1}', b'{"value":1,"salt":"' + b"0" * 64 + b'"}',
     b'{"salt":"' + b"0" * 64 + b'","value":1} ', b'{"salt":"' + b"G" * 64 + b'","value":1}',
     b'{"more":1,"salt":"' + b"0" * 64 + b'","value":1}', b"\xff"],
)  # fmt: skip
def test_no_commitment(ledger, data):
    """A blob of another form is not shown as a value."""
    with pytest.raises(Malformed, match="holds no committed value"):
        reveal(ledger.folder, write_blob(ledger.folder, data))


def test_gone_and_changed(ledger):
    """A value that is gone or was changed is an integrity error."""
    text = commit(ledger.folder, "x")
    path = blob_path(ledger.folder, commitment_digest(text))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"x"', b'"y"'))
    with pytest.raises(IntegrityError):
        reveal(ledger.folder, text)
    path.unlink()
    assert not is_kept(ledger.folder, commitment_digest(text))
    with pytest.raises(IntegrityError, match="is missing"):
        reveal(ledger.folder, text)


def test_find():
    """Values at any depth, whole texts only, no keys, each digest once."""
    other = TEXT[:-1] + "1"
    body = {
        "a": TEXT,
        "b": [1, {"c": other, TEXT: "key"}],
        "d": TEXT,
        "e": f"{TEXT} ",
        "f": TEXT.upper(),
        "g": TEXT[len("withheld:") :],
        "h": TEXT + "\n",
    }
    assert find(body) == [TEXT.removeprefix("withheld:"), other.removeprefix("withheld:")]
    assert [place for place, _ in commitment_places(body)] == ["a", "b.1.c", "d"]


def test_withhold(ledger):
    """The values at dotted places are replaced, in a copy, and come back."""
    body = {"a": {"b.c": {"d": [1, "two"]}, "b": {"e": None}}, "f": "text"}
    before = json.dumps(body)
    hidden = withhold(ledger.folder, body, ("a.b.c.d.1", "f"))
    assert json.dumps(body) == before
    assert reveal(ledger.folder, hidden.body["a"]["b.c"]["d"][1]) == "two"
    assert reveal(ledger.folder, hidden.body["f"]) == "text"
    assert hidden.body["a"]["b.c"]["d"][0] == 1
    assert [f"withheld:{digest}" for digest in hidden.digests] == [
        hidden.body["a"]["b.c"]["d"][1],
        hidden.body["f"],
    ]
    hidden.undo(ledger.folder)
    assert list(list_blobs(ledger.folder)) == []


@pytest.mark.parametrize(
    "places",
    [("x",), ("f.x",), ("a.x",), ("a.b.c.d.2",), ("a.b.c.d.x",), ("a.b.c.d.-1",), ("",), ("a.",),
     ("a.b.e",), ("a.b.c.d", "a.b.c.d.1"), ("a.b.c.d.1", "a")],
    ids=" ".join,
)  # fmt: skip
def test_nothing_to_withhold(ledger, places):
    """A place that is not there, is null, or lies inside another is refused; no blob stays."""
    body = {"a": {"b.c": {"d": [1, "two"]}, "b": {"e": None}}, "f": "text"}
    with pytest.raises(BadArguments, match="nothing of its own stands at"):
        withhold(ledger.folder, body, places)
    assert list(list_blobs(ledger.folder)) == []


def test_page():
    """The example of the format's page hangs together."""
    import hashlib

    page = (ROOT / "spec" / "formats" / "commitment.md").read_text(encoding="utf-8")
    body, blob = [line[4:] for line in page.splitlines() if line.startswith('    {"')]
    (digest,) = find(json.loads(body))
    assert "sha256:" + hashlib.sha256(blob.encode()).hexdigest() == digest


# `ledger record --withhold` and `ledger reveal`.


def test_record_withholds(home, ledger, capsys):
    """The secret is in no entry; it is shown as long as it is kept."""
    assert run(["record", "note.added", "--text", "hunter2", "--withhold", "text"]) == 0
    assert home.is_dir()
    assert b"hunter2" not in b"".join(line.entry for line in lines_of(ledger.folder))
    capsys.readouterr()
    assert run(["reveal", "1", "--json"]) == 0
    (shown,) = as_json(capsys)
    assert (shown["field"], shown["state"], shown["value"]) == ("text", "kept", "hunter2")
    assert run(["reveal", f"withheld:{shown['blob']}", "--json"]) == 0
    assert as_json(capsys) == [shown]
    assert run(["reveal", shown["blob"], "--json"]) == 0
    assert as_json(capsys) == [shown]


def test_record_withholds_below_a_field(home, ledger, capsys):
    """A key of an object, named with dots, whatever its value; hyphens as in options."""
    words = ["record", "criterion.declared", "--criterion", "C", "--title", "t", "--metric", "m"]
    words += ["--operator", "<=", "--threshold", "1", "--unit", "s", "--blocking", "true"]
    words += ["--binding", '{"host": {"name": "n1"}, "seed": 3}']
    words += ["--withhold", "binding.host", "--withhold", "binding.seed"]
    assert run(words) == 0
    capsys.readouterr()
    assert run(["reveal", "1", "--field", "binding.seed", "--json"]) == 0
    assert [row["value"] for row in as_json(capsys)] == [3]
    assert run(["reveal", "1", "--json"]) == 0
    assert {row["field"]: row["value"] for row in as_json(capsys)} == {
        "binding.host": {"name": "n1"},
        "binding.seed": 3,
    }
    assert home.is_dir()
    assert ledger.folder.path.is_dir()


def test_refused_events_leave_no_secret(home, ledger, capsys):
    """When form or a rule says no, the blob goes, too."""
    say_it = ["record", "claim.stated", "--claim", "C", "--text", "s3cret", "--withhold", "text"]
    assert run(say_it) == 0
    kept = list(list_blobs(ledger.folder))
    assert run(say_it) == 3
    assert run([*say_it[:3], "C-2", *say_it[4:], "--withhold", "claim"]) == 2
    assert "claim.stated cannot withhold that: claim:" in capsys.readouterr().err
    assert list(list_blobs(ledger.folder)) == kept
    assert home.is_dir()


def test_the_value_is_checked_as_it_is(home, ledger, capsys):
    """What the kind would refuse in plain is refused withheld."""
    assert run(["record", "note.added", "--text", " ", "--withhold", "text"]) == 5
    assert "a note needs words" in capsys.readouterr().err
    assert list(list_blobs(ledger.folder)) == []
    assert home.is_dir()


WRONG = [
    ("record note.added --text x --withhold", 2, "--withhold"),
    ("record note.added --text x --withhold txt", 2, "nothing of its own stands at txt"),
    ("record --from f.txt --withhold text", 2, "--withhold is for one event"),
    ("reveal", 2, "Missing argument"),
    ("reveal 9", 2, "there is no position 9"),
    ("reveal 99999999999999999999999", 2, "there is no position"),
    ("reveal x", 2, "neither an entry nor a committed value"),
    ("reveal ²", 2, "neither an entry nor a committed value"),
    ("reveal sha256:12", 2, "neither an entry nor a committed value"),
    ("reveal " + TEXT, 2, "nothing is on record"),
    ("reveal sha256:" + "0" * 64, 2, "nothing is on record"),
    ("reveal 0", 3, "position 0 (ledger.created) holds no committed value"),
    ("reveal 1 --field x", 2, "no committed value stands at x"),
    ("reveal 1 2", 2, "unexpected extra argument"),
    ("redact 1", 2, "Missing option '--reason'"),
    ("redact 1 --reason", 2, "--reason"),
    ("redact 9 --reason x", 2, "there is no position 9"),
    ("redact 0 --reason x", 3, "position 0 (ledger.created) holds no committed value"),
    ("redact 1 --reason x --field y", 2, "no committed value stands at y"),
    ("redact 1 --reason x --actor nobody", 2, "is no actor"),
    ("redact " + TEXT + " --reason x", 2, "nothing is on record"),
    ("redact 1 --reason \t", 5, "say why in words"),
]


@pytest.mark.parametrize(("line", "code", "says"), WRONG, ids=[line[:40] for line, _, _ in WRONG])
def test_wrong(home, ledger, capsys, line, code, says):
    """One clear error, nothing on stdout, nothing recorded, nothing removed."""
    digest, _ = secret_note(ledger)
    (home / "f.txt").write_text("{}\n")
    assert run(line.split(" ")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert len(lines_of(ledger.folder)) == 2
    assert list(list_blobs(ledger.folder)) == [digest]


@pytest.mark.parametrize("line", ["export -", "diff 0", "reveal 1", "redact 1 --reason x",
                                  "blobs", "blobs clean"])  # fmt: skip
def test_outside_a_ledger(tmp_path, monkeypatch, capsys, line):
    """Where there is no ledger, each command says so and how to make one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_ACTOR", "human:ada")
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    for more in ((), ("--ledger", "none")):
        assert run([*line.split(" "), *more]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "there is no ledger in" in err
    assert list(tmp_path.iterdir()) == []
