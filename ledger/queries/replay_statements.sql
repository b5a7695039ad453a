-- Statements that others made, whole, in the order of the record: what the replay reads.
-- param kind text: only events of this kind; all of them but steps, epochs and traces where left out
-- column kind: kind of the event
-- column whose: what stands before names of another ledger that was merged; empty for this one
-- column branch: the branch it is on; null on the main line, and once the branch counts there
-- column body: the statement
-- column hash: entry hash
-- column position: position of the statement
-- example: ledger query replay_statements --kind threshold.reported
with own as (select origin from events order by position limit 1),
stated as (
    select position, hash, kind, origin, entry from events
    where kind like '%.reported'
      and case when getvariable('kind') is null
               then kind not in ('step.reported', 'epoch.reported', 'trace.reported')
               else kind = getvariable('kind') end
)
select s.kind, if(s.origin = own.origin, '', s.origin || ':') as whose, o.branch,
       s.entry->'$.body' as body, s.hash, s.position
from stated s cross join own
left join off_main o on s.position between o.first and o.last
order by s.position
