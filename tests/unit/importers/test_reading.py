import hashlib
import json

import pytest
from histories import history_bytes, line, to_bytes

from ledger.errors import BadArguments, Malformed
from ledger.importers import find_importer, read_drafts

SHIP_TWO = find_importer("ship-two")
GOOD = line("edge", {"frm": "A", "to": "B", "relation": "blocked_by"})
EPOCH = {"run": "r", "epoch": 0, "val_loss": 9.5}

BAD = {
    "not JSON": ('{"at": ', "not JSON"),
    "not an object": ("[1, 2]", "not a JSON object"),
    "bare NaN": ('{"kind": "k", "id": "i", "data": {"x": NaN}}', "NaN is no JSON number"),
    "a key twice": ('{"kind": "k", "id": "i", "data": {"x": 1, "x": 2}}', "'x' stands twice"),
    "no data": ('{"kind": "k", "id": "i"}', "data: missing"),
    "data of another type": (line("verdict", [1]), "data: not an object"),
    "no kind": ('{"id": "i", "data": {}}', "kind: missing"),
    "no id": ('{"kind": "k", "data": {}}', "id: missing"),
    "an id that is a number": (line("verdict", {"status": "X"}, id=7), "id: '7' is not a text"),
    "a section that is a list": (line("k", {}, section=[1]), "section: '[1]' is not a text"),
    "a missing field": (line("verdict", {}), "data.status: missing"),
    "a text for a count": (line("scoreboard", {"published_partial": "8"}), "published_partial"),
    "a text for a loss": (line("epoch", {**EPOCH, "val_loss": "low"}), "data.val_loss: "),
    "a fraction for an epoch": (line("epoch", {**EPOCH, "epoch": 0.5}), "data.epoch: "),
    "a text for a metric": (
        line("step", {"run": "r", "step": 1, "train_loss": "low"}),
        "data.train_loss: 'low' is no number",
    ),
    "a text for a benchmark": (line("bench", {"percent": "86 %"}), "data.percent: '86 %'"),
    "a branch that is no truth value": (
        line("verdict", {"status": "X", "branch_only": "yes"}),
        "data.branch_only: ",
    ),
    "too large an integer": (line("k", {"n": 2**53 + 1}), "data.n: "),
    "a number too large": ('{"kind": "k", "id": "i", "data": {"x": 1e999}}', "data.x: not finite"),
    "a lone surrogate": ('{"kind": "k", "id": "\\ud800", "data": {}}', "id: contains a lone"),
    "the reserved name": (line("k", {"@line": 1}), "data.@line: this name is kept"),
    "too long for an entry": (line("k", {"text": "x" * 70_000}), "bytes as an event"),
    "too deep": ('{"kind": "k", "id": "i", "data": ' + "[" * 9_999 + "]" * 9_999 + "}", "line 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named_with_its_reason(case):
    """Number, key and reason; good lines around it do not help."""
    text, reason = BAD[case]
    with pytest.raises(Malformed, match="1 of 3 lines are bad; nothing was recorded") as caught:
        read_drafts(SHIP_TWO, to_bytes(GOOD, text, GOOD))
    reasons = caught.value.reasons
    assert all(each.startswith("line 2: ") for each in reasons)
    assert any(reason in each for each in reasons)


def test_every_bad_line_is_listed():
    """One reading shows all there is to mend."""
    data = to_bytes(GOOD, "nonsense", GOOD, line("verdict", {"observed": "x"}))
    with pytest.raises(Malformed) as caught:
        read_drafts(SHIP_TWO, data)
    told = [reason.partition(":")[0] for reason in caught.value.reasons]
    assert told == ["line 2", "line 4", "line 4"]


@pytest.mark.parametrize(("data", "why"), [(b"", "no lines"), (b"\n \n", "no lines")])
def test_an_empty_file_is_no_history(data, why):
    """Nothing to take in is an error, not a success."""
    with pytest.raises(Malformed, match=why):
        read_drafts(SHIP_TWO, data)


def test_a_binary_file_is_refused_as_one():
    """One sentence with the place, not a reason a line."""
    with pytest.raises(Malformed, match="binary") as caught:
        read_drafts(SHIP_TWO, b"\x7fELF\0\0\n" * 100)
    assert caught.value.offset == 4


def test_bytes_that_are_not_utf8_are_named():
    """The line is told, not guessed at."""
    with pytest.raises(Malformed) as caught:
        read_drafts(SHIP_TWO, to_bytes(GOOD) + b'{"kind": "\xff"}\n')
    assert caught.value.reasons[0].startswith("line 2: not JSON: 'utf-8' codec")


def test_the_source_names_file_and_line():
    """Blank lines count, newlines of either kind do not belong to the line."""
    text = json.dumps(GOOD).encode()
    data = b"\n" + text + b"\r\n" + text
    first, second = read_drafts(SHIP_TWO, data)
    assert first.event.source.file_sha256 == hashlib.sha256(data).hexdigest()
    assert (first.event.source.line, second.event.source.line) == (2, 3)
    assert first.event.source.line_sha256 == hashlib.sha256(text).hexdigest()
    assert second.event.source.line_sha256 == first.event.source.line_sha256


def test_only_unmerged_verdicts_leave_the_main_line():
    """Four verdicts of the history stood on a branch."""
    drafts = read_drafts(SHIP_TWO, history_bytes())
    branched = [draft.event.subject for draft in drafts if draft.branch == "unmerged"]
    assert branched == [f"FALSIFY-SHIP-{n}" for n in ("016", "017", "018", "020")]
    assert {draft.branch for draft in drafts} == {None, "unmerged"}


def test_an_unknown_importer_has_neighbours():
    """A typing error is answered with the name that was meant."""
    with pytest.raises(BadArguments) as caught:
        find_importer("ship-to")
    assert "ship-two" in caught.value.hint
