-- A comparison point by point: row distances in the order of computation.
-- param run text: the run that compared, such as compare-0001; the latest where left out
-- column run: the run that compared
-- column layer: layer; null for the model's own points
-- column point: capture point
-- column median_distance: median row distance, as a share of the reference's rms
-- column max_distance: largest row distance
-- column max_row: position of the row that has it
-- column std_ratio: ratio of standard deviations, for display
-- column position: position of the comparison
-- example: ledger query compare --run compare-0001
select run, layer, point, median_distance, max_distance, max_row, std_ratio, position
from comparison_points
where run = coalesce(getvariable('run'), (select arg_max(run, position) from comparisons))
order by position, ordinal
