"""`claims`, `sections`, `boards`, `edges`: what was stated, by this ledger and by others."""

from ledger.projections.base import Projection

CLAIMS = Projection(
    name="claims",
    kinds=("claim.stated", "claim.reported"),
    columns=(
        ("position", "ubigint", "position of the statement"),
        ("hash", "varchar", "entry hash"),
        ("claim", "varchar", "name of the claim"),
        ("reported", "boolean", "whether others stated it"),
        ("text", "varchar", "the claim in words"),
        ("said_on", "varchar", "day, where reported"),
        ("over", "varchar", "the set that it speaks of; null where it is about one thing"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.claim'), false, entry->>'$.body.text',
               null, whose || (entry->>'$.body.over')
        from slice where kind = 'claim.stated'
        union all
        select position, hash, whose || (entry->>'$.body.subject'), true, entry->>'$.body.text',
               entry->>'$.body.said_on', null
        from slice where kind = 'claim.reported'
    """,
)

SECTIONS = Projection(
    name="sections",
    kinds=("section.reported",),
    columns=(
        ("position", "ubigint", "position of the registration"),
        ("section", "varchar", "name of the section or banner"),
        ("said_on", "varchar", "day"),
        ("from_version", "varchar", "version before"),
        ("to_version", "varchar", "version after"),
        ("title", "varchar", "title"),
    ),
    select="""
        select position, whose || (entry->>'$.body.subject'), entry->>'$.body.said_on',
               entry->>'$.body.from_version', entry->>'$.body.to_version', entry->>'$.body.title'
        from slice where kind = 'section.reported'
    """,
)

BOARDS = Projection(
    name="boards",
    kinds=("board.reported",),
    columns=(
        ("position", "ubigint", "position of the publication"),
        ("board", "varchar", "name of the published board"),
        ("said_on", "varchar", "day"),
        ("version", "varchar", "version of the specification"),
        ("partial", "bigint", "rows published as PARTIAL"),
        ("discharged", "bigint", "rows published as DISCHARGED"),
        ("total", "bigint", "rows published in all, where said"),
        ("restated", "boolean", "whether restated at this version"),
    ),
    select="""
        select position, whose || (entry->>'$.body.subject'), entry->>'$.body.said_on',
               entry->>'$.body.spec_version', try_cast(entry->>'$.body.partial' as bigint),
               try_cast(entry->>'$.body.discharged' as bigint),
               try_cast(entry->>'$.body.total' as bigint),
               try_cast(entry->>'$.body.restated' as boolean)
        from slice where kind = 'board.reported'
    """,
)

EDGES = Projection(
    name="edges",
    columns=(
        ("position", "ubigint", "position of the statement"),
        ("from_name", "varchar", "where the edge begins"),
        ("to_name", "varchar", "where it ends"),
        ("relation", "varchar", "cites, or as reported"),
    ),
    select="""
        select position, hash, unnest(cites), 'cites' from slice where len(cites) > 0
        union all
        select position, whose || (entry->>'$.body.from_name'), whose || (entry->>'$.body.to_name'),
               entry->>'$.body.relation'
        from slice where kind = 'edge.reported'
    """,
)
