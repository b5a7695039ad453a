-- Boards that others published, with the fold of the rows recorded before each, branches included.
-- What explains a difference is told by `ledger board --replay`.
-- column board: name of the published board
-- column version: version of the specification
-- column partial: rows published as PARTIAL
-- column discharged: rows published as DISCHARGED
-- column folded_partial: distinct rows in status PARTIAL before it
-- column folded_discharged: distinct rows in status DISCHARGED before it
-- column agrees: whether both agree, and the total where one was published
-- column position: position of the publication
-- example: ledger query boards
with named as (
    select e.origin, s.position, t.counts_as, coalesce(n.row, s.name) as row,
           greatest(s.position, n.first) as since
    from statuses s join events e on e.position = s.position
        left join (select name, arg_max(row, position) as row, min(position) as first
                   from row_names where reported group by name) n on n.name = s.name
        left join tally_statuses t on t.status = s.status
    where s.reported
      and (n.row is not null or regexp_matches(s.name, '^([^:]*:)?UNIDENTIFIED-ROW-'))
),
published as (select b.*, e.origin from boards b join events e on e.position = b.position),
latest as (
    select b.position, n.row, arg_max(coalesce(n.counts_as, ''), n.position) as counts_as
    from published b join named n on n.origin = b.origin and n.since < b.position
    group by b.position, n.row
),
folded as (
    select position, count(*) filter (counts_as = 'partial') as folded_partial,
           count(*) filter (counts_as = 'discharged') as folded_discharged
    from latest group by position
)
select b.board, b.version, b.partial, b.discharged, coalesce(folded_partial, 0) as folded_partial,
       coalesce(folded_discharged, 0) as folded_discharged,
       b.partial = coalesce(folded_partial, 0) and b.discharged = coalesce(folded_discharged, 0)
           and coalesce(b.total = coalesce(folded_partial, 0) + coalesce(folded_discharged, 0), true)
           as agrees,
       b.position
from boards b left join folded f on f.position = b.position
order by b.position
