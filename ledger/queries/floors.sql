-- Measured floors: how far two passes are apart because their paths differ, and whether they stand.
-- param run text: only this run's
-- column run: the run that measured it
-- column path_differences: path fields that differ, with both values
-- column model_a: digest of the model file of path a
-- column model_b: digest of the model file of path b
-- column prompts: digest of the prompt set
-- column prompt_count: how many prompts
-- column points: how many points it was measured at
-- column fallen: why it carries nothing any more; null while it stands
-- column hash: entry hash of its first part
-- column position: position of that entry
-- example: ledger query floors
with parts as (
    select position, hash, entry->>'$.body.run' as run, entry
    from events where kind = 'floor.measured' and branch is null
),
floors as (
    select run, arg_min(entry, position) as entry, arg_min(hash, position) as hash,
           min(position) as position, count(*) as found,
           sum(json_array_length(entry, '$.body.points'))::bigint as points
    from parts group by run
),
fell as (
    select p.run, f.why, f.by_position from parts p join fallen f on f.hash = p.hash
    union all
    select r.run, f.why, f.by_position
    from runs r join fallen f on f.hash = r.hash
    where not r.reported and r.run in (select run from floors)
)
select f.run, entry->'$.body.path_differences' as path_differences,
       entry->>'$.body.model_a' as model_a, entry->>'$.body.model_b' as model_b,
       entry->>'$.body.prompts' as prompts,
       json_array_length(entry, '$.body.tokens')::bigint as prompt_count, f.points,
       case when f.found < (entry->>'$.body.parts')::int then 'its run ended before all was recorded'
            else (select arg_min(w.why, (w.by_position, w.why)) from fell w where w.run = f.run)
       end as fallen,
       f.hash, f.position
from floors f
where getvariable('run') is null or f.run = getvariable('run')
order by f.position
