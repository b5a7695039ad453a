"""`ledger picture`: what it writes, and what it says where it cannot."""

import json

import pytest
from labs import command

from ledger.cli import run
from ledger.cli.picture import _complete_name
from ledger.pictures import PICTURES


@pytest.fixture
def asked(lab, capsysbinary, monkeypatch):
    """Run `ledger picture` in the laboratory: exit code, stdout and stderr."""
    monkeypatch.setenv("LEDGER_DIR", str(lab.path))

    def ask(*words):
        code = run(["picture", *map(str, words)])
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return ask


def test_an_svg_goes_to_stdout_alone(asked, tmp_path):
    """Without -o the picture is the result; with it, the same bytes lie in the file."""
    code, out, err = asked("evidence", "--row", "LOSS")
    assert (code, err) == (0, "")
    assert out.startswith(b"<?xml")
    code, nothing, err = asked("evidence", "--row", "LOSS", "-o", tmp_path / "e.svg")
    assert (code, nothing, err) == (0, b"", f"wrote {tmp_path / 'e.svg'}\n")
    assert (tmp_path / "e.svg").read_bytes() == out


def test_a_png_has_a_theme(asked, tmp_path):
    """A PNG is drawn for light paper, or for dark."""
    assert asked("board", "-o", tmp_path / "light.png")[0] == 0
    assert asked("board", "-o", tmp_path / "dark.png", "--theme", "dark")[0] == 0
    light, dark = ((tmp_path / name).read_bytes() for name in ("light.png", "dark.png"))
    assert light[:4] == dark[:4] == b"\x89PNG"
    assert light != dark


def test_the_record_as_it_stood(asked):
    """--at draws the record at a position or version; an unknown version is a mistake."""
    now, then = (asked("board", "--reported", "yes", *more)[1] for more in ((), ("--at", "2.60")))
    assert now != then
    assert b"to now." in then
    code, _, err = asked("board", "--at", "99.99")
    assert code == 2
    assert "no section registers version '99.99'" in err


def test_the_list(asked):
    """--list names every picture with the option that says what it is about."""
    code, out, _ = asked("--list", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["picture"] for row in rows] == list(PICTURES)
    assert {row["about"] for row in rows} == {"--run", "--row", "--claims", "--reported"}


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        ((), "give the NAME of a picture", "--list"),
        (("boar",), "there is no picture 'boar'", "did you mean board?"),
        (("curve",), "--run is missing: curve is a picture of one run", "there is trace-0004"),
        (("curve", "--run", "cuda-50"), "there is no run 'cuda-50'", "did you mean cuda-50step"),
        (("curve", "--run", "trace-0001"), "no steps and no epochs", "ledger runs"),
        (("heat", "--run", "train-0001"), "there is no run 'train-0001'", "compare-0001"),
        (("ratio", "--run", "compare-0002"), "its answer is incomparable", "query comparisons"),
        (("evidence", "--row", "NEVER-MEASURED"), "no verdict on NEVER-MEASURED", "ledger judge"),
        (("chain", "--claims", "H-NONE"), "no claim is called H-NONE", "query claims"),
        (("board", "--run", "x"), "board is not about --run", "it takes --reported"),
        (("board", "--json"), "--json is for --list", "--list"),
        (("board", "-o", "b.pdf"), "name it *.svg or *.png", "--list"),
        (("board", "-o", "no/such/b.svg"), "there is no folder no/such", "--list"),
        (("board", "--theme", "dark"), "--theme is for a PNG", "--list"),
    ],
)
def test_mistakes(asked, words, says, hint):
    """A mistake is exit code 2, with what is wrong and what to do, and no picture."""
    code, out, err = asked(*words)
    assert (code, out) == (2, b"")
    assert says in err
    assert hint in err.partition("hint: ")[2]


def test_a_folder_that_cannot_be_written(asked, tmp_path):
    """Where the file cannot be written, that is said, with exit code 7."""
    (tmp_path / "taken.svg").mkdir()
    assert asked("board", "-o", tmp_path / "taken.svg")[0] == 2
    code, _, err = asked("board", "-o", "/proc/none.svg")
    assert code == 7
    assert "cannot write /proc/none.svg" in err


def test_an_empty_ledger(tmp_path):
    """Nothing on record is no fault of the program."""
    assert command(tmp_path, "init", "--origin", "example.org/lab").returncode == 0
    for words, says in (
        (("board",), b"there is no row on the board"),
        (("chain",), b"no claim is on record"),
        (("curve", "--run", "r"), b"there is no run 'r'"),
    ):
        done = command(tmp_path, "picture", *words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert says in done.stderr


def test_names_are_completed():
    """A shell completes the names of pictures."""
    assert _complete_name(None, None, "c") == ["curve", "chain"]
