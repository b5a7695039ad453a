-- What each run was asked to do: the body of its start, and the kind of its end.
-- param run text: the run; all where left out
-- param reported yesno: yes for runs that others reported, no for this ledger's own
-- column run: name of the run
-- column reported: whether others reported it
-- column body: what run.started or run.reported says
-- column end_kind: run.finished, run.failed or outcome.reported; null while it is open
-- column end_position: position of that end
-- column hash: entry hash of the start
-- column position: position of the start
-- example: ledger query run_settings --run cuda-50step
with asked as (
    select * from runs
    where (getvariable('run') is null or run = getvariable('run'))
      and (getvariable('reported') is null or reported = getvariable('reported'))
),
ended as (
    select run, reported, arg_max(outcome, position) as outcome, max(position) as position
    from run_ends group by run, reported
),
read as (
    select position, entry->'$.body' as body from events
    where position in (select position from asked)
)
select a.run, a.reported, s.body,
       case when e.run is null or e.outcome = 'open' then null when a.reported then 'outcome.reported'
            else 'run.' || e.outcome end as end_kind,
       if(e.outcome = 'open', null, e.position) as end_position, a.hash, a.position
from asked a
join read s on s.position = a.position
left join ended e on e.run = a.run and e.reported = a.reported
order by a.position
