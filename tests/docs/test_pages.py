"""Every page: its links lead somewhere, its words are ours, and the map names what there is."""

import re

import pytest
from documents import ROOT, markdown_files, read_blocks

PAGES = markdown_files()
_LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
#: What a page must not hold: a machine's folders, a package index, a key.
_FORBIDDEN = (
    re.compile(r"/home/\w+|/Users/\w+|/root/|/work/|/tmp/\w+"),
    re.compile(r"https?://[^\s)]*(?:pypi\.org/simple|:\d{4}|/simple/?\b|artifactory|nexus)", re.I),
    re.compile(r"\b(?:index-url|trusted-host|find-links)\b"),
    re.compile(r"-----BEGIN|\bghp_\w{20}|\bsk-\w{20}"),
)


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _without_code(text):
    """A page without its fenced blocks and code spans."""
    for block in read_blocks(text):
        text = text.replace(block.text, "")
    return re.sub(r"`[^`\n]*`", "", text)


def _anchor(heading):
    """The name that a heading gets in a link, as the usual renderers make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def _anchors(path):
    return {_anchor(heading) for heading in _HEADING.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_resolve(page):
    """A link within the project leads to a file that is there, and to a heading in it."""
    for target in _LINK.findall(_without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{_name(page)} links to {target}"
        assert there.is_relative_to(ROOT), f"{_name(page)} links out of the project: {target}"
        if anchor:
            assert anchor in _anchors(there), f"{_name(page)}: no heading for {target}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_are_closed(page):
    """Every fence that opens, closes."""
    read_blocks(page.read_text(encoding="utf-8"))


def _texts():
    """Every page, and the other files that people read or that set things up."""
    others = ("Makefile", "pyproject.toml", "constraints.txt", ".ci/run", "LICENSE")
    return [*PAGES, *(ROOT / name for name in others)]


@pytest.mark.parametrize("path", _texts(), ids=_name)
def test_no_machine_and_no_index_is_named(path):
    """A clone works anywhere: no home folder, no package index, no key."""
    text = path.read_text(encoding="utf-8")
    for pattern in _FORBIDDEN:
        assert not pattern.search(text), f"{_name(path)}: {pattern.search(text)[0]!r}"


@pytest.fixture(scope="module")
def architecture():
    """The map."""
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def _rooms():
    """Every package and every module of the three packages, as the map must name it."""
    for package in ("ledger", "executors", "ml"):
        for path in sorted((ROOT / package).iterdir()):
            if path.name.startswith(("_", ".")):
                continue
            if path.is_dir() and (path / "__init__.py").exists():
                yield package, f"{path.name}/"
            elif path.suffix == ".py":
                yield package, path.name


@pytest.mark.parametrize(("package", "name"), list(_rooms()), ids=lambda part: part)
def test_the_map_names_every_room(architecture, package, name):
    """The annotated tree has a line for it, under its package."""
    (tree,) = [b.text for b in read_blocks(architecture) if b.text.startswith("ledger/")]
    part = re.split(r"^(?=\w+/)", tree, flags=re.MULTILINE)
    (lines,) = [text for text in part if text.startswith(f"{package}/")]
    assert re.search(rf"(?<![\w/.]){re.escape(name)}", lines), f"{package}/{name}"


def test_the_map_gives_every_import_contract(architecture):
    """Each contract of pyproject.toml stands there with its reason."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        rule = contract["name"].partition(":")[0]
        assert rule in architecture, rule


def test_every_make_target_is_explained():
    """CONTRIBUTING says what each is for."""
    targets = re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in targets if f"make {target}`" not in text] == []


def test_every_decision_is_listed():
    """The list of decisions names each page, in order and without gaps."""
    folder = ROOT / "spec/decisions"
    names = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == names
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("part", ["Context", "Decision", "Consequences"])
@pytest.mark.parametrize("path", sorted((ROOT / "spec/decisions").glob("[0-9]*.md")), ids=_name)
def test_every_decision_has_its_parts(path, part):
    """Context, decision, consequences, under a heading with the number."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]}: ")
    assert f"\n## {part}\n" in text


def test_the_changelog_speaks_of_this_version():
    """Keep a Changelog, and the version of the package is in it."""
    import ledger

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(ledger.__version__)}\]", text, flags=re.MULTILINE)


def test_the_guide_for_templates_names_everything_they_can_use():
    """Each key of the front matter and each function of a template stands in CONTRIBUTING."""
    from ledger.render.base import _KEYS
    from ledger.render.formats import FUNCTIONS

    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    guide = text.partition("### A new document")[2].partition("\n### ")[0]
    known = [*_KEYS, *FUNCTIONS, "cell", "cite", "footnotes", "as_of", "item"]
    assert [name for name in known if f"`{name}" not in guide] == []
