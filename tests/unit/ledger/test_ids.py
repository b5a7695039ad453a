"""The grammar of every name that appears in an entry."""

import pytest

from ledger import ids

HASH = "sha256:" + "0123456789abcdef" * 4
#: grammar -> (accepted, refused)
GRAMMARS = {
    ids.is_hash: (
        [HASH],
        ["", HASH[:-1], HASH + "0", HASH.upper(), "sha1:" + "0" * 40, HASH + "\n", " " + HASH],
    ),
    ids.is_hash_prefix: (
        [HASH, HASH[:13], "sha256:abcdef0"],
        ["sha256:", "sha256:abcde", "abcdef", HASH + "0", "sha256:ABCDEF", HASH[:20] + "\n"],
    ),
    ids.is_kind: (
        ["run.started", "step.taken", "a.b", "trace_point.re_captured", "v2.given"],
        [
            "",
            "run",
            "run.",
            ".started",
            "Run.started",
            "run.started.twice",
            "run-x.started",
            "run_.started",
            "run._started",
            "1run.started",
            "run.started\n",
            "rün.started",
        ],
    ),
    ids.is_actor: (
        ["human:ada", "agent:x-4.5", "executor:train", "human:a@b.example", "human:1", "robot:x"],
        [
            "",
            "ada",
            "human:",
            "x" * 33 + ":x",
            "Human:ada",
            "human:-x",
            "human:a b",
            "human:" + "x" * 65,
            "human:é",
            "human:ada\n",
        ],
    ),
    ids.is_known_actor: (
        ["human:ada", "agent:x-4.5", "executor:train"],
        ["robot:x", "human", "human:", "Human:ada", "humans:ada"],
    ),
    ids.is_origin: (
        ["example", "example.org/lab/7b", "a+b_c-d.e", "x" * 128],
        [
            "",
            "/lab",
            "lab/",
            "a/../b",
            "a/.b",
            "a//b",
            ".org",
            "a b",
            "x" * 129,
            "é",
            "lab\n",
            'a"b',
        ],
    ),
    ids.is_branch: (
        ["main", "try/two", "a.b_c-d", "a+b", "x" * 64],
        ["", "/x", "x/", "x/../y", "-x", "a b", "x" * 65, "é", "main\n"],
    ),
    ids.is_id: (
        ["trace-0001", "H-LAYER3-FFN", "7", "a.b_c+d", "x" * 128],
        ["", "-x", ".x", "a/b", "a b", "..", "x" * 129, "é", "x\n"],
    ),
    ids.is_stream: (
        ["ledger", "run/trace-0001", "row/AC-1", "claim/H1", "section/12", "import/x", "other/x"],
        ["", "ledger/x", "run", "run/", "run/a/b", "x" * 33 + "/x", "Run/x", "run/..", "run/x\n"],
    ),
    ids.is_known_stream: (
        ["ledger", "run/trace-0001", "row/AC-1", "claim/H1", "section/12", "import/ship-two"],
        ["other/x", "ledger/x", "run", "runs/x"],
    ),
}
CASES = [
    (grammar, text, is_good)
    for grammar, lists in GRAMMARS.items()
    for texts, is_good in zip(lists, (True, False), strict=True)
    for text in texts
]


@pytest.mark.parametrize(
    ("grammar", "text", "is_good"), CASES, ids=[f"{g.__name__}-{t!r:.24}" for g, t, _ in CASES]
)
def test_grammar(grammar, text, is_good):
    """A grammar takes what it should and nothing that only looks like it."""
    assert grammar(text) is is_good


def test_every_grammar_is_tested():
    """No grammar of the module is without cases."""
    assert {name for name in vars(ids) if name.startswith("is_")} == {g.__name__ for g in GRAMMARS}
