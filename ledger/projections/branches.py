"""`imports`, `merges`: what was taken over from other ledgers, and which branches count.

An import that was itself taken over stands in `imports`, too, and says nothing about this ledger:
the reader works out which ones hold (`ledger/store/branches.py`).
"""

from ledger.projections.base import Projection

IMPORTS = Projection(
    name="imports",
    kinds=("branch.imported",),
    columns=(
        ("position", "ubigint", "position of the import"),
        ("branch", "varchar", "branch on which the entries stand"),
        ("source", "varchar", "origin of the ledger they were taken from"),
        ("last", "ubigint", "position of the last of them; the first follows the import"),
        ("head", "varchar", "entry hash of the last of them"),
    ),
    select="""
        select position, entry->>'$.body.name', entry->>'$.body.source',
               try(position + (entry->>'$.body.entries')::ubigint), entry->>'$.body.head'
        from slice where kind = 'branch.imported'
    """,
)

MERGES = Projection(
    name="merges",
    kinds=("branch.merged",),
    columns=(
        ("position", "ubigint", "position of the merge"),
        ("branch", "varchar", "the branch that counts"),
        ("head", "varchar", "entry hash of its last entry that does"),
        ("reason", "varchar", "why"),
    ),
    select="""
        select position, entry->>'$.body.name', entry->>'$.body.head', entry->>'$.body.reason'
        from slice where kind = 'branch.merged' and branch is null
    """,
)
