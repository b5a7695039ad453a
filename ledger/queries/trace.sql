-- A trace point by point: statistics in the order of computation.
-- param run text: the run, such as trace-0001; the latest trace where left out
-- param scope text: all (every row) or last (the last row alone); both where left out
-- param point text: only this capture point
-- column run: the run
-- column layer: layer; null for the model's own points
-- column point: capture point
-- column scope: which rows
-- column rows: rows covered
-- column width: channels in a row
-- column mean: mean of finite values
-- column std: sample standard deviation
-- column min: smallest finite value
-- column max: largest finite value
-- column nan_count: values that are NaN
-- column inf_count: values that are infinite
-- column zero_count: values that are zero
-- column position: position of the trace
-- example: ledger query trace --run trace-0001 --scope last
select run, layer, point, scope, rows, width, mean, std, min, max, nan_count::bigint as nan_count,
       inf_count::bigint as inf_count, zero_count::bigint as zero_count, position
from trace_points
where run = coalesce(getvariable('run'), (select arg_max(run, position) from traces))
  and (getvariable('scope') is null or scope = getvariable('scope'))
  and (getvariable('point') is null or point = getvariable('point'))
order by position, ordinal, scope
