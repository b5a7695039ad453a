-- Runs that have steps or epochs. A name that cannot be a file is left out.
-- param run text: only this run
-- param having text: steps, for runs that have steps; epochs, for runs that have epochs
-- column run: the run
-- column reported: whether others reported it
-- column steps: how many steps were recorded
-- column epochs: how many epochs
-- column position: position of the latest of them
-- example: ledger query run_series --having epochs
with found as (
    select run, bool_or(reported) as reported, count(*) as steps, 0 as epochs,
           min(position) as first, max(position) as position
    from step_metrics group by run
    union all
    select run, true, 0, count(*), min(position), max(position) from epochs group by run
)
select run, bool_or(reported) as reported, sum(steps)::bigint as steps,
       sum(epochs)::bigint as epochs, max(position) as position
from found
where regexp_full_match(run, '([A-Za-z0-9][A-Za-z0-9._+-]*[:/])*[A-Za-z0-9][A-Za-z0-9._+-]*')
  and (getvariable('run') is null or run = getvariable('run'))
group by run
having getvariable('having') is null
    or (getvariable('having') = 'steps' and sum(steps) > 0)
    or (getvariable('having') = 'epochs' and sum(epochs) > 0)
order by min(first), run
