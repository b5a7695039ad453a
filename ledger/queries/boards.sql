-- Boards that others published, with the fold of the rows recorded before each, branches included.
-- column board: name of the published board
-- column version: version of the specification
-- column partial: rows published as PARTIAL
-- column discharged: rows published as DISCHARGED
-- column folded_partial: distinct rows in status PARTIAL before it
-- column folded_discharged: distinct rows in status DISCHARGED before it
-- column agrees: whether both agree
-- column position: position of the publication
-- example: ledger query boards
with named as (
    select s.position, s.status, coalesce(n.row, s.name) as row
    from statuses s left join (select distinct name, row from row_names where reported) n
        on n.name = s.name
    where s.reported
      and (n.row is not null or starts_with(s.name, 'UNIDENTIFIED-ROW-'))
),
latest as (
    select b.position, n.row, arg_max(n.status, n.position) as status
    from boards b join named n on n.position < b.position group by b.position, n.row
),
folded as (
    select position, count(*) filter (status = 'PARTIAL_ALGORITHM_LEVEL') as folded_partial,
           count(*) filter (status = 'DISCHARGED') as folded_discharged
    from latest group by position
)
select b.board, b.version, b.partial, b.discharged, coalesce(folded_partial, 0) as folded_partial,
       coalesce(folded_discharged, 0) as folded_discharged,
       b.partial = coalesce(folded_partial, 0) and b.discharged = coalesce(folded_discharged, 0)
           as agrees,
       b.position
from boards b left join folded f on f.position = b.position
order by b.position
