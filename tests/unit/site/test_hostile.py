"""Texts of strangers come to pages as texts."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.render.places import is_inside
from ledger.site.difference import difference
from ledger.site.links import cited_in, event_path, path_of, slug
from ledger.site.prose import to_html
from ledger.site.words import UNSEEN

_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def pages(site):
    """Every page."""
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_no_text_becomes_a_tag(site):
    """No page has a script but its own, which it loads, and no tag that a text brought."""
    for path, text in pages(site).items():
        assert [found for found in _SCRIPT.findall(text) if found.strip()] == [], path
        assert len(_SCRIPT.findall(text)) == 1, path
        assert "<img" not in text
        assert not re.search(r"<[^>]*\son\w+=", text), path
    found = (site / "claims/H-HOSTILE.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;window.pwned=1&lt;/script&gt;&lt;img src=x" in found
    assert "&#34;&#39;&amp;amp;" in found


def test_no_link_runs(site):
    """Links lead to pages, to places, or to the web."""
    for path, text in pages(site).items():
        for link in re.findall(r'href="([^"]*)"', text):
            assert re.match(
                r"(\.\./)?[\w./+-]*(#[\w-]+)?$|https://example\.org/(x\.png)?$", link
            ), (
                path,
                link,
            )


def test_nothing_is_unseen(site):
    """No control, terminal code or mark of direction stands in a file; it is spelled."""
    odd = re.compile("[" + "".join(re.escape(chr(code)) for code in UNSEEN if code < 0xD800) + "]")
    for path in (*site.rglob("*.html"), site / "search-index.js"):
        assert not odd.search(path.read_text(encoding="utf-8")), path
    found = (site / "claims/H-HOSTILE.html").read_text(encoding="utf-8")
    assert "\\u001b[31mred" in found
    assert "\\u202eturned\\u202c" in found


def test_the_script_of_the_search_is_data(site):
    """One assignment of JSON, whatever the texts say."""
    text = (site / "search-index.js").read_text(encoding="utf-8")
    value = text.removeprefix("window.LEDGER_INDEX = ").removesuffix(";\n")
    assert any("<script>" in line[3] for line in json.loads(value))
    assert text.isascii()


def test_pictures_are_xml(site):
    """Each file of a picture can be read as such."""
    for path in site.rglob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_markdown_brings_no_tags():
    """Nor links that run, nor pictures from elsewhere; headings close up."""
    said = (
        "<b>a</b> [x](JavaScript:alert) [y](data:text/html,x) [z](../up.html) ![p](http://h/p.png)\n"
        "[s](0001-a.md) [web](HTTPS://h/) \n\n#### deep\n\n## up\n\n###### far\n\n"
        "| a |\n|---|\n| [^1] [^9] |\n"
    )
    found = to_html(said, {"0001-a.md": "a.html"}.get, [{"number": 1}])
    assert "&lt;b&gt;a&lt;/b&gt;" in found
    assert re.findall(r'href="([^"]*)"', found) == [
        "http://h/p.png",
        "a.html",
        "HTTPS://h/",
        "#note-1",
    ]
    assert '<span class="dead">z</span>' in found
    assert re.findall(r"<(h\d)", found) == ["h2", "h2", "h3"]
    assert "[^9]" in found
    assert '<div class="scroll"' in found


@given(st.text(max_size=300))
def test_any_text_is_a_path(name):
    """Below the folder, the same for the same name, and another for another."""
    path = path_of("claims", name)
    assert is_inside(path, "site.json")
    assert path == path_of("claims", name)
    assert slug(name + "x") != slug(name)


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "INDEX", "a b", "ä", "x" * 300])
def test_odd_names_get_a_digest(name):
    """So that no two share a page."""
    assert re.fullmatch(r"[\w+-]+\.[0-9a-f]{10}", slug(name))


@given(st.integers(0, 2**63))
def test_links_to_entries_are_found_again(position):
    """Wherever the page lies."""
    assert cited_in(f'<a href="../{event_path(position)}">') == {position}
    assert cited_in(f'<a href="{event_path(position)}">') == {position}


_LINES = st.lists(st.sampled_from(["one two", "two three", "", "four", "<b>"]), max_size=12)


@given(_LINES, _LINES)
def test_a_difference_holds_both_texts(before, after):
    """What is not new is the old text, what is not gone the new one, but for what is skipped."""
    blocks = difference("\n".join(before), "\n".join(after))
    for text, left_out in (("\n".join(before), "new"), ("\n".join(after), "gone")):
        lines = 0
        for block in blocks:
            if block["what"] == "skipped":
                lines += block["count"]
                continue
            parts = [("same", block["text"])] if block["what"] == "kept" else block["parts"]
            kept = "".join(part for what, part in parts if what != left_out)
            assert kept in text
            if any(what != left_out for what, _ in parts):
                lines += kept.count("\n") + 1
        assert lines <= len(text.splitlines()) + 1
    assert (before == after) <= all(block["what"] != "changed" for block in blocks)
