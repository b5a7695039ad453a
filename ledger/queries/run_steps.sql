-- The steps of one run, each as it was last taken, with all of its metrics: what monitors read.
-- param run text required: the run
-- param reported yesno: yes for a run that others reported, no for this ledger's own
-- param since integer: only steps at this position or later
-- param until integer: only steps up to this position
-- param most integer: at most so many steps, half from the beginning and half from the end
-- column step: number of the step
-- column metrics: names of its metrics
-- column numbers: value of each, in the same order
-- column total: how many steps there are, those left out too
-- column position: position of the step
-- example: ledger query run_steps --run cuda-50step --most 10
with taken as (
    select step, max(position) as position from step_metrics
    where run = getvariable('run')
      and (getvariable('reported') is null or reported = getvariable('reported'))
      and position >= coalesce(getvariable('since'), 0)
      and (getvariable('until') is null or position <= getvariable('until'))
    group by step
),
numbered as (
    select position, row_number() over (order by step) as n, count(*) over () as total from taken
)
select m.step, m.metrics, m.numbers, n.total, m.position
from numbered n join step_metrics m on m.position = n.position
where m.position >= coalesce(getvariable('since'), 0)
  and (getvariable('until') is null or m.position <= getvariable('until'))
  and (getvariable('most') is null or n.n <= (getvariable('most') + 1) // 2
       or n.n > n.total - getvariable('most') // 2)
order by m.step, m.position
