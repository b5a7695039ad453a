-- Runs: what was executed, on which device, and how it ended.
-- param executor text: only runs of this executor
-- param reported yesno: yes for runs that others reported, no for this ledger's own
-- column run: name of the run
-- column executor: executor
-- column engine: engine
-- column model: the model's name
-- column model_digest: digest of the model file
-- column device_asked: device as asked for, or as named by others
-- column device_observed: device that computed
-- column dtype: type it computes in
-- column outcome: finished, failed, open, or as reported (ended where others do not say how)
-- column wall_ms: wall time in milliseconds
-- column reason: why it failed
-- column hash: entry hash of its end; while it is open, of its start or of where it went on last
-- column position: position of that entry
-- example: ledger query runs --executor trace
select r.run, r.executor, r.engine, r.model, r.model_digest, r.device_asked, r.device_observed,
       r.dtype, coalesce(e.outcome, 'open') as outcome, e.wall_ms, e.reason,
       coalesce(e.hash, r.hash) as hash,
       coalesce(e.position, r.position) as position
from runs r left join (
    select * from run_ends  -- of a run that went on, the latest end counts
    qualify reported or position = max(position) over (partition by run, reported)
) e on e.run = r.run and e.reported = r.reported
where (getvariable('executor') is null or r.executor = getvariable('executor'))
  and (getvariable('reported') is null or r.reported = getvariable('reported'))
order by r.position, e.position
