"""Documents: what people read is a view of the ledger and cannot drift from it.

    base.py       what a document template is: front matter with its queries, then Jinja
    formats.py    numbers, tables and JSON as documents show them
    pages.py      one template -> pages, as of the greatest position they rest on
    manifest.py   digests of all files and the checkpoint they were rendered at
    folder.py     writing, and checking that nothing drifted

The templates are the files of `templates/`; their list is `templates/documents.yaml`.
"""
