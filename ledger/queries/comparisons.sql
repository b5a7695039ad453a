-- Comparisons: two traces, the answer, and where they first differ.
-- column run: the run that compared
-- column run_a: run of the reference
-- column run_b: run held against it
-- column result: equal, differs, expected, over_floor, no_floor or incomparable
-- column first_layer: layer of the first divergent point
-- column first_point: first divergent point; null if none
-- column first_distance: its largest row distance
-- column threshold: row distance above which a point is divergent
-- column identity_differences: identity fields that differ, with the fix
-- column path_differences: path fields that differ
-- column hash: entry hash
-- column position: position of the comparison
-- example: ledger query comparisons
select run, run_a, run_b, result, first_layer, first_point, first_distance, threshold,
       identity_differences, path_differences, hash, position
from comparisons order by position
