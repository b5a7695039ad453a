-- Criteria, gates and invariants as declared, with their thresholds.
-- param reported yesno: yes for those that others declared, no for this ledger's own
-- column name: its own name
-- column row: the row of the board it is
-- column family: criterion, gate or invariant
-- column model: the model it is listed under
-- column title: what is demanded
-- column metric: metric
-- column operator: operator
-- column threshold: threshold
-- column unit: unit
-- column blocking: whether shipping waits for it
-- column hash: entry hash of the declaration
-- column position: position of the declaration
-- example: ledger query criteria --reported no
select name, row, family, model, title, metric, operator, threshold, unit, blocking, hash, position
from criteria
where getvariable('reported') is null or reported = getvariable('reported')
order by position
