"""Sections: prose with queries, numbered, versioned and published by the ledger.

    source.py      the text of a section: front matter, Markdown, Jinja
    markdown.py    which spans of a text are code, Jinja or links, and which are prose
    short_form.py  `[[metric of run | unit]]`, the short way to write a cell
    kinds.py       the kinds and their forms, read from templates/sections/
    lint.py        what a section lacks; typed.py: numbers that should be cells
    preview.py     a section as it will read; recording.py: opening, editing, publishing

The list of kinds is `SECTION_KINDS` in `ledger/events/section.py`; a kind is a row there and a form
`templates/sections/<kind>.md.j2`.
"""
