"""The format page: its example is linted and added, its tables are those of the code."""

import re

from documents import ROOT, read_blocks

from ledger.contracts.add import add
from ledger.contracts.lint import CHECKS, lint
from ledger.contracts.nodes import MAX_BYTES, MAX_DEPTH
from ledger.contracts.reading import look_at, parse_contract
from ledger.contracts.schema import CLASSES, json_schema
from ledger.events.base import field_docs

PAGE = (ROOT / "spec" / "formats" / "contract.md").read_text(encoding="utf-8")
(EXAMPLE,) = [block for block in read_blocks(PAGE) if block.info == "yaml"]


def test_example(lab, around):
    """It is the file that it names, without a finding, and can be added."""
    name = re.findall(r"`(tests/data/\S+)`", PAGE)[0]
    assert EXAMPLE.text == (ROOT / name).read_text(encoding="utf-8")
    document = look_at(EXAMPLE.text.encode(), "contract.md")
    assert lint(document, around) == []
    assert len(add(lab, document, around).receipts) == 6
    assert parse_contract(document.data).metadata.contract == "tiny4"


def test_fields():
    """Each class of the schema has its table, each field its row, with the words of the code."""
    for cls in CLASSES[1:]:
        section = PAGE.partition(f"**{cls.__name__}**")[2].split("\n\n")[1]
        rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", section, flags=re.MULTILINE)
        assert [(name, meaning) for name, _, meaning in rows] == list(field_docs(cls).items())
        needed = [name for name, need, _ in rows if need == "yes"]
        assert set(needed) == set(json_schema()["$defs"][cls.__name__].get("required", ()))


def test_checks():
    """The table of checks is the list."""
    section = PAGE.partition("## Checks")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", section, flags=re.MULTILINE)
    assert rows == [(check.name, check.needs, check.finds) for check in CHECKS]


def test_limits():
    """The sizes of the page are those of the code."""
    assert f"at most {MAX_BYTES:,} bytes" in PAGE
    assert f"at most {MAX_DEPTH} levels" in PAGE


def test_json_schema():
    """Every field of every class is in the schema for editors, with its meaning; no other is."""
    schema = json_schema()
    for cls in CLASSES:
        part = schema["$defs"][cls.__name__]
        described = {name: field["description"] for name, field in part["properties"].items()}
        assert described == field_docs(cls)
        assert part["additionalProperties"] is False
    assert schema["$defs"]["Row"]["required"] == [
        "name", "title", "metric", "operator", "threshold", "blocking", "binding", "test",
        "prediction", "if_fails",
    ]  # fmt: skip
