"""Documents: what people read is a view of the ledger and cannot drift from it.

    base.py       what a document template is: front matter with its queries, then Jinja
    cells.py      evidence cells and footnotes
    formats.py    numbers, tables and JSON as documents show them
    pages.py      one template -> pages, as of the greatest position they rest on
    process.py    the process that templates are rendered in, seen from here; child.py is that
                  process, sandbox.py what a template can do there, facts.py what stands in one
    own.py        a user's own folder of templates beside ours; new.py starts one
    lint.py       what is wrong with templates, without rendering them
    places.py     paths that stay in the folder; writing in one step
    manifest.py   digests of all files and the checkpoint they were rendered at
    folder.py     writing, and checking that nothing drifted

The templates are the files of `templates/`; their list is `templates/documents.yaml`.
"""
