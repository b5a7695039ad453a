"""`premises`, `sets`, `hypotheses`, `refutations`, `marks`: what can make a verdict fall.

And two views over them: `fallen`, the entries that carry nothing any more, and `suspects`, all that
rests on one of those.
"""

from ledger.projections.base import Projection, View
from ledger.statuses import FALLEN_FATES

PREMISES = Projection(
    name="premises",
    kinds=("claim.stated", "claim.tested"),
    columns=(
        ("position", "ubigint", "position of the statement or test"),
        ("hash", "varchar", "entry hash"),
        ("claim", "varchar", "the claim"),
        ("commit", "varchar", "the commit it was seen to hold at"),
        ("expires_at", "bigint", "microseconds UTC after which it must be tested again"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.claim'), entry->>'$.body.commit',
               try_cast(entry->>'$.body.expires_at' as bigint)
        from slice where kind in ('claim.stated', 'claim.tested')
    """,
)

SETS = Projection(
    name="sets",
    kinds=("member.added",),
    columns=(
        ("position", "ubigint", "position of the addition"),
        ("set", "varchar", "name of the set"),
        ("member", "varchar", "name of the member"),
    ),
    select="""
        select position, whose || (entry->>'$.body.set'), entry->>'$.body.member'
        from slice where kind = 'member.added'
    """,
)

HYPOTHESES = Projection(
    name="hypotheses",
    kinds=("edge.stated",),
    columns=(
        ("position", "ubigint", "position of the statement"),
        ("hash", "varchar", "entry hash"),
        ("edge", "varchar", "name of the edge"),
        ("from_name", "varchar", "where it begins"),
        ("relation", "varchar", "blocks, discharges, causes or supports"),
        ("to_name", "varchar", "where it ends"),
        ("claim", "varchar", "the claim whose fate is its verdict"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.edge'),
               whose || (entry->>'$.body.from_name'), entry->>'$.body.relation',
               whose || (entry->>'$.body.to_name'), whose || (entry->>'$.body.claim')
        from slice where kind = 'edge.stated'
    """,
)

REFUTATIONS = Projection(
    name="refutations",
    kinds=("entry.refuted",),
    columns=(
        ("position", "ubigint", "position of the refutation"),
        ("hash", "varchar", "its entry hash"),
        ("entry", "varchar", "hash of the entry that fell"),
        ("evidence", "varchar", "hash of what shows it"),
    ),
    select="""
        select position, hash, entry->>'$.body.entry', entry->>'$.body.evidence'
        from slice where kind = 'entry.refuted'
    """,
)

MARKS = Projection(
    name="marks",
    kinds=("run.marked",),
    columns=(
        ("position", "ubigint", "position of the mark"),
        ("hash", "varchar", "entry hash"),
        ("run", "varchar", "the run"),
        ("mark", "varchar", "INVALID, SUSPECT or SOUND"),
        ("monitor", "varchar", "the monitor that fired first"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.run'), entry->>'$.body.mark',
               entry->>'$.body.monitor'
        from slice where kind = 'run.marked'
    """,
)

FATES = View(
    name="fates",
    columns=(
        ("claim", "varchar", "a claim of this ledger"),
        ("fate", "varchar", "how it stands; UNKNOWN again where its set has a new member"),
        ("hash", "varchar", "hash of the entry that says so, or of the statement"),
        ("position", "ubigint", "its position"),
        ("reopened_at", "ubigint", "position of the member that opened it again; null if none did"),
    ),
    select="""
        with latest as (
            select name, arg_max(s, position) as v
            from statuses s
            where about = 'claim'
                and not exists (from off_main o where s.position between o.first and o.last)
            group by name
        ),
        newest as (
            select set, max(position) as position from sets s
            where not exists (from off_main o where s.position between o.first and o.last)
            group by set
        )
        select c.claim,
               case when l.v.status is null then 'UNKNOWN'
                    when l.v.status in ('SURVIVED', 'ELIMINATED') and n.position > l.v.position
                    then 'UNKNOWN' else l.v.status end,
               coalesce(l.v.hash, c.hash), coalesce(l.v.position, c.position),
               case when l.v.status in ('SURVIVED', 'ELIMINATED') and n.position > l.v.position
                    then n.position end
        from claims c left join latest l on l.name = c.claim left join newest n on n.set = c.over
        where not c.reported
            and not exists (from off_main o where c.position between o.first and o.last)
    """,
)

_FALLEN_FATES = ", ".join(f"'{fate}'" for fate in FALLEN_FATES)

FALLEN = View(
    name="fallen",
    columns=(
        ("hash", "varchar", "an entry on which nothing can rest any more"),
        ("why", "varchar", "what took it away, in words"),
        ("by_position", "ubigint", "position of what took it away"),
        ("claim", "varchar", "the claim that fell; null where it was none"),
    ),
    select=f"""
        with marked as (
            select run, arg_max(mark, position) as mark, max(position) as position from marks m
            where not exists (from off_main o where m.position between o.first and o.last)
            group by run having arg_max(mark, position) <> 'SOUND'
        )
        select entry, 'what it rests on was refuted', min(position), null from refutations r
        where not exists (from off_main o where r.position between o.first and o.last)
        group by entry
        union all
        select r.hash, 'run ' || r.run || ' is ' || m.mark, m.position, null
        from marked m join runs r on r.run = m.run and not r.reported
        union all
        select n.hash, 'run ' || n.run || ' is ' || m.mark, m.position, null
        from marked m join measurements n on n.run = m.run
        union all
        select p.hash, p.claim || ' is ' || f.fate, f.position, p.claim
        from fates f join premises p on p.claim = f.claim
        where f.fate in ({_FALLEN_FATES}) and p.hash <> f.hash
    """,  # noqa: S608 - names of our own table
)

SUSPECTS = View(
    name="suspects",
    columns=(
        ("hash", "varchar", "an entry that rests on a fallen one, or on a row that is not met"),
        ("why", "varchar", "what fell, in words"),
        ("by_position", "ubigint", "position of what took it away"),
    ),
    # What is about a fallen claim itself does not rest on it.
    select="""
        with recursive cited as (
            select to_name as hash, from_name as by from edges where relation = 'cites'
        ),
        about_claims as (
            select hash, claim from premises
            union select hash, name from statuses where about = 'claim'
        ),
        rests(hash, why, by_position, claim, depth) as (
            select hash, why, by_position, claim, 0 from fallen
            union
            select c.by, r.why, r.by_position, r.claim, r.depth + 1
            from rests r join cited c on c.hash = r.hash
            where r.depth < 16
                and not exists (from about_claims a where a.hash = c.by and a.claim = r.claim)
        ),
        latest as (
            select name, arg_max(s, position) as v from statuses s
            where about = 'row' and not post_hoc
                and not exists (from off_main o where s.position between o.first and o.last)
            group by name
        ),
        unmet as (
            select l.v.hash as hash, 'it requires ' || q.name || ', which is ' || q.v.status as why,
                   q.v.position as by_position
            from latest l join criteria c on c.hash = l.v.declaration
                join latest q on list_contains(c.requires, q.name)
            where l.v.status = 'DISCHARGED' and q.v.status <> 'DISCHARGED'
        )
        select hash, arg_min(why, by_position), min(by_position)
        from (select hash, why, by_position from rests where depth > 0 union all from unmet)
        group by hash
    """,
)
