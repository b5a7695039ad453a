"""The pages of the rules in spec/rules: one a rule, and each quotes the ledger."""

import re

import pytest
from write_page import ROOT, shortened
from zoo_base import a_lab
from zoo_list import SPECIMENS

from ledger.rules import RULES

FOLDER = ROOT / "spec" / "rules"
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def text_of(rule):
    """The page of a rule."""
    return (FOLDER / f"{rule.name}.md").read_text(encoding="utf-8")


def test_a_page_for_every_rule_and_no_other():
    """Every rule has its page, and every page its rule."""
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {"README.md", *(f"{rule.name}.md" for rule in RULES)}


def test_the_list():
    """The list has every rule in its order, with what it forbids."""
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| (.+) \|$",
        (FOLDER / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows == [(rule.name, rule.name, rule.forbids) for rule in RULES]


@each_rule
def test_a_page_fits_on_a_screen(rule):
    """It says what is forbidden, why, and how to do it right, in few lines."""
    text = text_of(rule)
    assert text.startswith(f"# {rule.name}\n\nThe rule forbids {rule.forbids}.\n")
    for heading in ("## Why", "## Refused", "## Done right"):
        assert text.count(f"\n{heading}\n") == 1
    assert len(text.splitlines()) <= 45


@each_rule
def test_the_refusal_is_what_the_ledger_says(rule):
    """The quoted message is what recording the specimen gives, word for word but for hashes."""
    text = text_of(rule)
    (quoted,) = re.findall(r"^```text\n(.+)\n```$", text, re.MULTILINE)
    (name,) = re.findall(r'^It is specimen "(.+)" of the', text, re.MULTILINE)
    (specimen,) = [one for one in SPECIMENS if one.name == name]
    with a_lab() as lab:
        said = [shortened(line) for line in specimen.plant(lab)]
    assert specimen.caught_by == rule.name
    assert quoted in said
    assert quoted.startswith(f"{rule.name}: ")
