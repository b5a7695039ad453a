-- Verdicts of this ledger with what supports them: declaration, measurement, and its run.
-- param criterion text: only this criterion
-- column criterion: the criterion
-- column title: what is demanded
-- column status: the verdict
-- column metric: the metric
-- column value: the value in the evidence
-- column operator: operator in force
-- column threshold: threshold in force
-- column unit: unit of both
-- column blocking: whether shipping waits for it
-- column attempts: matching measurements up to the evidence
-- column run: the run that measured it
-- column provenance: measured, or derived from measured numbers
-- column key: the comparability key of the measurement
-- column declaration: hash of the declaration
-- column declaration_position: its position
-- column evidence: hash of the measurement
-- column evidence_position: its position
-- column hash: hash of the verdict
-- column position: position of the verdict
-- example: ledger query support
select s.name as criterion, c.title, s.status, c.metric, m.value_json as value, c.operator,
       s.threshold, s.unit, c.blocking, a.attempts, m.run, m.provenance, m.key,
       c.hash as declaration, c.position as declaration_position, s.evidence,
       m.position as evidence_position, s.hash, s.position
from statuses s
join criteria c on c.name = s.name and not c.reported
left join measurements m on m.hash = s.evidence
left join attempts a on a.verdict = s.hash
where not s.reported
  and (getvariable('criterion') is null or s.name = getvariable('criterion'))
order by s.position
