"""Contract files: criteria, gates, invariants and falsifiers in YAML (spec/formats/contract.md).

    nodes.py           YAML as values that know their line
    schema.py          what a file says, as classes; JSON Schema for editors
    reading.py         a file's typed parts, with every problem of form
    text.py            a contract as YAML
    demands.py         rows and constants as the events that they would be
    lint.py            every check: the list
    cited_tests.py     whether the tests that rows name are there
    against_record.py  the checks that need the record
    plan.py            what adding a file would record
    add.py             recording it
    listing.py         contracts on record

`base.py` says what a check is. A new check is a row of `lint.CHECKS`.
"""
