-- Numbers that were stated of whole runs: measurements of this ledger's, outcomes of reported ones.
-- param run text: the run; all where left out
-- param reported yesno: yes for runs that others reported, no for this ledger's own
-- param since integer: only runs that began at this position or later
-- param until integer: only runs that began up to this position
-- column run: the run
-- column reported: whether others reported it
-- column name: name of the quantity
-- column value: its value
-- column provenance: measured, derived, asserted or synthetic
-- column position: position of the statement
-- example: ledger query run_results --run cuda-50step
with stated as (
    select position, entry->'$.body.rest' as rest, entry->>'$.body.best_loss' as best_loss
    from events where kind = 'outcome.reported'
),
outcomes as (
    select s.position, unnest(json_keys(rest)) as name, s.rest from stated s
),
numbers as (
    select e.run, true as reported, o.name,
           try_cast(json_extract_string(o.rest, '$."' || o.name || '"') as double) as value,
           'asserted' as provenance, o.position
    from outcomes o join run_ends e on e.position = o.position
    where json_type(o.rest, '$."' || o.name || '"') in ('UBIGINT', 'BIGINT', 'DOUBLE')
    union all
    select e.run, true, 'best_loss', try_cast(s.best_loss as double), 'asserted', s.position
    from stated s join run_ends e on e.position = s.position
    where s.best_loss is not null
    union all
    select run, false, metric, value, provenance, position
    from measurements where run is not null and value is not null
)
select run, reported, name, value, provenance, position
from numbers
where (getvariable('run') is null or run = getvariable('run'))
  and (getvariable('reported') is null or reported = getvariable('reported'))
  and (getvariable('since') is null and getvariable('until') is null or run in (
      select run from runs
      where position >= coalesce(getvariable('since'), 0)
        and (getvariable('until') is null or position <= getvariable('until'))))
order by position, name, value
