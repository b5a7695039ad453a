-- Sections of this ledger's specification, each once, as it stands.
-- param section text: only this one, by its number
-- column section: number, or ORIGIN:NUMBER of another ledger's
-- column slug: its short name
-- column title: title in the latest revision
-- column section_kind: which form it has
-- column state: opened, draft, published, edited since, or superseded
-- column revision: the latest revision; 0 for the empty form
-- column published_revision: the revision that people read; null until it is published
-- column from_version: version of the specification before that publication
-- column to_version: version of the specification with it
-- column superseded_by: the section that takes its place
-- column suspect: why what is published rests on nothing any more; null while it stands
-- column hash: entry hash of the latest word on it
-- column position: position of that entry
-- example: ledger query section_list
with revised as (
    select section, arg_max(r, position) as r, max(slug) as slug, max(section_kind) as section_kind
    from section_revisions r
    where not exists (from off_main o where r.position between o.first and o.last)
    group by section
),
published as (
    select section, arg_max(p, position) as p from publications p
    where not exists (from off_main o where p.position between o.first and o.last)
    group by section
),
superseded as (
    select section, arg_min(s, position) as s from supersessions s
    where not exists (from off_main o where s.position between o.first and o.last)
    group by section
)
select r.section, r.slug, r.r.title as title, r.section_kind,
       case when s.s.by is not null then 'superseded'
            when p.p.revision is null then if(r.r.revision = 0, 'opened', 'draft')
            when p.p.revision < r.r.revision then 'edited since' else 'published' end as state,
       r.r.revision as revision, p.p.revision as published_revision,
       p.p.from_version as from_version, p.p.to_version as to_version, s.s.by as superseded_by, u.why as suspect,
       case greatest(r.r.position, coalesce(p.p.position, 0), coalesce(s.s.position, 0))
            when s.s.position then s.s.hash when p.p.position then p.p.hash else r.r.hash
            end as hash,
       greatest(r.r.position, coalesce(p.p.position, 0), coalesce(s.s.position, 0)) as position
from revised r left join published p on p.section = r.section
    left join superseded s on s.section = r.section
    left join suspects u on u.hash = p.p.hash
where getvariable('section') is null or r.section = getvariable('section')
order by contains(r.section, ':'), try_cast(r.section as bigint), r.section
