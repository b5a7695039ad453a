-- The texts of sections that can be read: what was published last, and the latest revision.
-- param section text: only this one, by its number
-- param draft yesno: no for what was published, yes for the latest revisions
-- column section: number of the section
-- column draft: whether this is the latest revision, published or not
-- column slug: its short name
-- column page: name of its file, without ending
-- column title: title in that revision
-- column section_kind: which form it has
-- column revision: the revision
-- column source: digest of its text
-- column from_version: version of the specification before; null for a draft
-- column to_version: version of the specification with it; null for a draft
-- column published_on: day of the publication, UTC; null for a draft
-- column resolved_at: position up to which names of cells are looked up; null for now
-- column superseded_by: number of the section that takes its place
-- column superseded_by_page: file of that section, without ending
-- column reason: why it was superseded
-- column hash: entry hash of the publication, or of the revision
-- column stands_at: position of the entry with that hash
-- column position: position of the latest entry that this rests on
-- example: ledger query section_pages
with opened as (
    select section, slug, section_kind,
           lpad(section, greatest(4, length(section))::integer, '0') || '-' || slug as page
    from section_revisions r
    where slug is not null and not contains(section, ':')
        and not exists (from off_main o where r.position between o.first and o.last)
),
published as (
    select section, arg_max(p, position) as p from publications p
    where not exists (from off_main o where p.position between o.first and o.last)
    group by section
),
latest as (
    select section, arg_max(r, position) as r from section_revisions r
    where not exists (from off_main o where r.position between o.first and o.last)
    group by section
),
shown as (
    select r.section, false as draft, r.revision, r.title, r.source, p.p.from_version as from_version,
           p.p.to_version as to_version, p.p.recorded_at as recorded_at,
           p.p.position as resolved_at, p.p.hash as hash, p.p.position as position
    from published p join section_revisions r
        on r.section = p.section and r.revision = p.p.revision
    union all
    select l.section, true, l.r.revision, l.r.title, l.r.source, null, null, null, null, l.r.hash,
           l.r.position
    from latest l
),
superseded as (
    select section, arg_min(s, position) as s from supersessions s
    where not exists (from off_main o where s.position between o.first and o.last)
    group by section
)
select o.section, s.draft, o.slug, o.page, s.title, o.section_kind, s.revision, s.source, s.from_version,
       s.to_version, strftime(s.recorded_at, '%Y-%m-%d') as published_on, s.resolved_at,
       e.s.by as superseded_by, n.page as superseded_by_page, e.s.reason as reason, s.hash,
       s.position as stands_at, greatest(s.position, coalesce(e.s.position, 0)) as position
from opened o join shown s on s.section = o.section
    left join superseded e on e.section = o.section
    left join opened n on n.section = e.s.by
where (getvariable('section') is null or o.section = getvariable('section'))
    and (getvariable('draft') is null or s.draft = getvariable('draft'))
order by try_cast(o.section as bigint), o.section, s.draft
