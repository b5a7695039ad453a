-- Verdicts, oldest first: given by this ledger, or reported by others.
-- param row text: only verdicts that speak of this name
-- param reported yesno: yes for those that others gave, no for this ledger's own
-- column name: what the verdict speaks of
-- column status: the status
-- column standing: judged (here) or reported (by others)
-- column branch: null on the main line
-- column from_status: the status before, as reported
-- column value: the value judged
-- column threshold: the threshold applied
-- column unit: unit of both
-- column evidence: hash of the measurement, or what others named
-- column hash: entry hash
-- column position: position of the verdict
-- example: ledger query verdicts --reported no
select name, status, if(reported, 'reported', 'judged') as standing, branch, from_status, value,
       threshold, unit, evidence, hash, position
from statuses
where (getvariable('row') is null or name = getvariable('row'))
  and (getvariable('reported') is null or reported = getvariable('reported'))
order by position
