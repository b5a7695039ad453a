-- What the losses of a run are held against: what it measured of guessing (uniform) and
-- counting (unigram, bigram, trigram), and the constants of this ledger, if the run is its own.
-- param run text: only this run
-- grouped by run
-- column run: the run
-- column name: name of the constant or metric
-- column value: its value
-- column unit: its unit
-- column hash: entry hash
-- column position: position of the entry
-- example: ledger query run_baselines
with found as (
    select r.run, c.name, c.value, c.unit, c.hash, c.position
    from constants c, (select distinct run from runs where not reported) r
    union all
    select run, metric, value, unit, hash, position from measurements
)
select run, name, value, unit, hash, position
from found
where regexp_matches(lower(name), 'uniform|unigram|bigram|trigram') and value is not null
  and (getvariable('run') is null or run = getvariable('run'))
order by run, position, name
