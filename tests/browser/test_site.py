"""The site in a browser: every kind of page, on a phone and on a desk, light and dark."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browsers import MISSING, find_programs
from sites import KINDS

HERE = Path(__file__).parent
LOOK = (HERE / "page.js").read_text(encoding="utf-8")
FOCUS = (HERE / "focus.js").read_text(encoding="utf-8")
PHONE, DESK = 390, 1440
#: A key is pressed so often at a time.
_TOGETHER = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def anchors(site):
    """The names that links can lead to, by page."""
    import re

    return {
        path: set(re.findall(r'id="([^"]*)"', path.read_text(encoding="utf-8")))
        for path in site.rglob("*.html")
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK], ids=["phone", "desk"])
def test_every_kind_of_page(browser, site, anchors, width, dark):
    """Fits, can be read, is well formed, asks nothing of the network, and leads somewhere."""
    found = []
    browser.look(width, dark=dark)
    for kind in KINDS:
        browser.open(site / kind)
        seen = browser.run(LOOK)
        found += [f"{kind}: {problem}" for problem in seen["problems"]]
        found += [f"{kind}: {said}" for said in browser.complaints()]
        away = [url for url in browser.requests() if not url.startswith("file://")]
        found += [f"{kind}: asks {url}" for url in away]
        found += [f"{kind}: {link} leads nowhere" for link in _dead(seen["links"], anchors)]
        assert seen["texts"] > 10
        if kind.partition("/")[0] not in ("search.html", "events"):
            assert seen["current"] == 1, kind
    assert found == []


def _dead(links, anchors):
    """The links that lead to no page or to no place on it; those to the web are not followed."""
    for link in links:
        parts = urlsplit(link)
        if parts.scheme == "https":
            continue
        path = Path(unquote(parts.path))
        there = path in anchors or (path.suffix == ".svg" and path.is_file())
        if not there or (parts.fragment and parts.fragment not in anchors[path]):
            yield link


@pytest.mark.parametrize("kind", KINDS)
def test_keys_reach_everything(browser, site, kind):
    """Tab goes to each link, button, field and box in order, beginning with the skip link."""
    browser.look(DESK, dark=False)
    browser.open(site / kind)
    count = browser.run(FOCUS)
    for start in range(0, count, _TOGETHER):
        browser.press(*["TAB"] * min(_TOGETHER, count - start))
    visited = browser.run("return window.visited")[:count]
    assert [one["at"] for one in visited] == list(range(count))
    assert [one["what"] for one in visited if not one["seen"]] == []
    assert "Skip to the content" in visited[0]["what"]


def test_the_skip_link_skips(browser, site):
    """Enter on it brings what is behind the navigation."""
    browser.look(DESK, dark=False)
    browser.open(site / "board.html")
    browser.press("TAB", "ENTER")
    assert browser.run("return document.activeElement.id") == "main"
    browser.press("TAB")
    assert browser.run("return document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("start", ["index.html", "criteria/CLOSE.html"])
def test_search_finds_and_opens(browser, site, start):
    """A word of a criterion's title shows it below the field, and Enter opens it."""
    browser.look(PHONE, dark=True)
    browser.open(site / start)
    browser.press("TAB", "TAB", "TAB", *"safetensors import")
    browser.wait("return document.querySelectorAll('#found li').length")
    first = browser.run("return document.querySelector('#found a').textContent")
    assert first.startswith("FALSIFY-SHIP-001")
    assert browser.run("return document.getElementById('found-count').textContent") == "1 found"
    browser.press("ENTER")
    browser.wait("return location.href.endsWith('reported-criteria/FALSIFY-SHIP-001.html')")
    assert browser.complaints() == []


def test_the_page_of_the_search(browser, site):
    """Lists what an address asks for, as a form without a script would open it."""
    browser.open(site / "search.html", "?q=discharged")
    browser.wait("return document.querySelectorAll('#all-found li').length > 10")
    assert browser.run("return document.getElementById('q').value") == "discharged"


def test_a_search_for_nothing_says_so(browser, site):
    """And stays where it is."""
    browser.open(site / "index.html")
    browser.press_with_control("k")
    browser.press(*"no such thing", "ENTER")
    browser.wait("return document.getElementById('found-count').textContent === 'nothing found'")
    assert browser.run("return location.href").endswith("index.html")


def test_without_a_script(browser, site):
    """Pages are whole, and the form of the search leads to a page that says what to do instead."""
    browser.look(DESK, dark=False)
    with browser.without_scripts():
        browser.open(site / "board.html")
        assert browser.run("return document.querySelectorAll('th button').length") == 0
        assert browser.run("return document.querySelectorAll('tbody tr').length") > 50
        browser.press("TAB", "TAB", "TAB", *"loss", "ENTER")
        browser.wait("return location.href.endsWith('search.html?q=loss')")
        assert "The search needs a script" in browser.run("return document.body.innerText")


def test_columns_sort(browser, site):
    """By number where they hold numbers, up and then down, and say which way."""
    browser.look(DESK, dark=False)
    browser.open(site / "reported-runs/cuda-50step.html")
    column = (
        "return [...document.querySelectorAll('#steps ~ div tbody tr')]"
        ".map((row) => parseFloat(row.cells[6].textContent))"
    )
    for direction in ("ascending", "descending"):
        browser.run("document.querySelectorAll('#steps ~ div th button')[6].click()")
        numbers = browser.run(column)
        assert numbers == sorted(numbers, reverse=direction == "descending")
        assert len(set(numbers)) > 50
        head = "return document.querySelectorAll('#steps ~ div thead th')[6].ariaSort"
        assert browser.run(head) == direction


#: A page with one fault of each sort that `page.js` looks for, and what it says of it.
FAULTS = {
    '<p style="color: #999">pale</p>': "contrast 2.85: pale",
    '<p style="width: 2000px">wide</p>': "the page is 2",
    '<p id="two">a</p><p id="two">b</p>': "ids stand twice: two",
    '<section aria-labelledby="nobody">c</section>': "no label: <section",
    '<svg viewBox="0 0 9 9"><text y="9" fill="#888">pale</text></svg>': "a picture has no role",
    '<svg role="img" viewBox="0 0 9 9"><path d="M0 0h9v9h-9z" fill="#fff"/>'
    '<text y="6" font-size="4" fill="#aaa">faded</text></svg>': "contrast 2.32: faded",
    "<h1>first</h1><h3>deep</h3>": "heading 1 skips a level",
    '<div class="scroll" style="width: 9px; overflow: auto"><i style="padding: 99px">d</i></div>': (
        "a box that scrolls takes no focus"
    ),
    "<script>window.pwned = 1</script>": "a text of the record ran",
    "<p>nothing</p>": "there is no main",
}


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_what_is_looked_for_is_seen(browser, tmp_path, fault):
    """A page with a fault is told from one without."""
    page = tmp_path / "bad.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><title>t</title><body>{fault}</body>')
    browser.look(DESK, dark=False)
    browser.open(page)
    problems = browser.run(LOOK)["problems"]
    assert any(FAULTS[fault] in problem for problem in problems), problems


def test_what_goes_wrong_is_heard(browser, tmp_path):
    """A script that fails, and a picture that is asked of the network."""
    page = tmp_path / "bad.html"
    page.write_text('<script>nobody()</script><img src="http://localhost:9/x.png" alt="">')
    browser.open(page)
    browser.wait("return document.readyState === 'complete'")
    assert any("nobody is not defined" in said for said in browser.complaints())
    assert "http://localhost:9/x.png" in browser.requests()


def test_a_missing_browser_is_said(monkeypatch):
    """With what to do."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(AssertionError, match="make browser"):
        find_programs()
    assert "make browser" in MISSING
