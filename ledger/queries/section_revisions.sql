-- The texts of a section, oldest first, and under which version each was published.
-- param section text required: number of the section
-- column section: number of the section
-- column revision: number of the revision; 0 for the form that it was opened with
-- column title: title in it
-- column actor: who wrote it
-- column from_version: version of the specification before its publication; null if not published
-- column to_version: version of the specification with it
-- column source: digest of the text
-- column hash: entry hash of the edit
-- column position: position of the edit
-- example: ledger query section_revisions --section 1
select r.section, r.revision, r.title, e.actor, p.from_version, p.to_version, r.source, r.hash,
       r.position
from section_revisions r join events e on e.position = r.position
    left join publications p on p.section = r.section and p.revision = r.revision
        and not exists (from off_main o where p.position between o.first and o.last)
where r.section = getvariable('section')
    and not exists (from off_main o where r.position between o.first and o.last)
order by r.position, p.position
