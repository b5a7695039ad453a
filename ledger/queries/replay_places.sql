-- Where entries stand: in the journal by hash, and in the file they were imported from by line.
-- param positions text: only these positions, with commas between
-- column hash: entry hash
-- column line: line of the imported file, 1-based; null for what was not imported
-- column position: position of the entry
-- example: ledger query replay_places --positions 290,391
with asked as (
    select try_cast(unnest(string_split(getvariable('positions'), ',')) as ubigint) as position
)
select hash, try_cast(entry->>'$.body.source.line' as bigint) as line, position
from events
where kind like '%.reported'
  and (getvariable('positions') is null or position in (select position from asked))
order by position
