"""Sections of this ledger's specification: texts, publications, supersessions, next actions.

`sections`, in `statements.py`, holds those that others registered.
"""

from ledger.projections.base import Projection, View

SECTION_REVISIONS = Projection(
    name="section_revisions",
    kinds=("section.opened", "section.edited"),
    columns=(
        ("position", "ubigint", "position of the opening or edit"),
        ("hash", "varchar", "entry hash"),
        ("section", "varchar", "number of the section"),
        ("revision", "bigint", "number of the revision; 0 for the form that it was opened with"),
        ("title", "varchar", "title in this revision"),
        ("source", "varchar", "digest of the text"),
        ("slug", "varchar", "short name; null but at the opening"),
        ("section_kind", "varchar", "which form it has; null but at the opening"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.number'), 0, entry->>'$.body.title',
               entry->>'$.body.source', entry->>'$.body.slug', entry->>'$.body.section_kind'
        from slice where kind = 'section.opened'
        union all
        select position, hash, whose || (entry->>'$.body.number'),
               try_cast(entry->>'$.body.revision' as bigint), entry->>'$.body.title',
               entry->>'$.body.source', null, null
        from slice where kind = 'section.edited'
    """,
)

PUBLICATIONS = Projection(
    name="publications",
    kinds=("section.published",),
    columns=(
        ("position", "ubigint", "position of the publication"),
        ("hash", "varchar", "entry hash"),
        ("section", "varchar", "number of the section"),
        ("revision", "bigint", "the revision that was published"),
        ("from_version", "bigint", "version of the specification until then"),
        ("to_version", "bigint", "version of the specification from then on"),
        ("recorded_at", "timestamp", "time of the publication, UTC"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.number'),
               try_cast(entry->>'$.body.revision' as bigint),
               try_cast(entry->>'$.body.from_version' as bigint),
               try_cast(entry->>'$.body.to_version' as bigint), recorded_at
        from slice where kind = 'section.published'
    """,
)

SUPERSESSIONS = Projection(
    name="supersessions",
    kinds=("section.superseded",),
    columns=(
        ("position", "ubigint", "position of the supersession"),
        ("hash", "varchar", "entry hash"),
        ("section", "varchar", "number of the section that is superseded"),
        ("by", "varchar", "number of the section that takes its place"),
        ("reason", "varchar", "why"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.number'), whose || (entry->>'$.body.by'),
               entry->>'$.body.reason'
        from slice where kind = 'section.superseded'
    """,
)

NEXT_ACTIONS = Projection(
    name="next_actions",
    kinds=("next_action.stated", "next_action.done"),
    columns=(
        ("position", "ubigint", "position of the statement, or of its end"),
        ("hash", "varchar", "entry hash"),
        ("action", "varchar", "number of the action"),
        ("is_done", "boolean", "whether this says that it was done"),
        ("section", "varchar", "the section that it follows from; null where none, or done"),
        ("text", "varchar", "what is to be done, or what came of it"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.action'), false,
               whose || (entry->>'$.body.section'), entry->>'$.body.text'
        from slice where kind = 'next_action.stated'
        union all
        select position, hash, whose || (entry->>'$.body.action'), true, null,
               entry->>'$.body.outcome'
        from slice where kind = 'next_action.done'
    """,
)

SPEC_VERSIONS = View(
    name="spec_versions",
    columns=(
        ("version", "varchar", "version of the specification, on the main line"),
        ("first", "ubigint", "position of its first registration"),
    ),
    select="""
        select to_version, min(position) from (
            select to_version, position from sections
            union all
            select to_version::varchar, position from publications where not contains(section, ':')
        ) s
        where to_version is not null
            and not exists (from off_main o where s.position between o.first and o.last)
        group by to_version
    """,
)
