-- Runs that took steps: how many, and between which positions.
-- param run text: the run; all where left out
-- column run: the run
-- column reported: whether others reported it
-- column steps: entries that are steps of it, those taken again counted again
-- column first_position: position of the first of them
-- column position: position of the last of them
-- example: ledger query run_step_counts
select run, reported, count(*) as steps, min(position) as first_position, max(position) as position
from step_metrics
where getvariable('run') is null or run = getvariable('run')
group by run, reported
order by first_position, run
