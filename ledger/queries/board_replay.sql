-- Boards that others published, each with two folds of the rows recorded before it: branches
-- included, as published boards counted, and the main line alone. Names resolve to rows by their
-- latest declaration; what counts as PARTIAL or DISCHARGED is said by the table tally_statuses.
-- column board: name of the published board
-- column version: version of the specification
-- column partial: rows published as PARTIAL
-- column discharged: rows published as DISCHARGED
-- column total: rows published in all, where said
-- column folded_partial: rows in status PARTIAL before it, branches included
-- column folded_discharged: rows in status DISCHARGED before it, branches included
-- column main_partial: rows in status PARTIAL before it, main line
-- column main_discharged: rows in status DISCHARGED before it, main line
-- column agrees: whether what was published equals the fold, branches included
-- column verdicts: verdicts on rows since the board before, each with what the row counted as before
-- column branch_rows: rows counted by a verdict on a branch that the main line did not have then
-- column origin: where the board was recorded; it is folded from rows recorded there
-- column position: position of the publication
-- example: ledger query board_replay
with taken as (  -- what was taken over; an import inside another says nothing about this ledger
    select position as first, last, branch from imports i
    where last is not null
      and not exists (from imports o where o.position < i.position and i.position <= o.last)
),
merged as (
    select m.branch, m.position as since, e.position as head
    from merges m join events e on e.hash = m.head
    where not exists (from taken t where m.position > t.first and m.position <= t.last)
),
placed as (  -- where each entry stands, and from where on it counts on the main line: null if never
    select position, any_value(origin) as origin, any_value(line) as line,
           if(any_value(line) is null, position, min(since)) as main_since
    from (
        select e.position, e.origin, coalesce(t.branch, e.branch) as line
        from events e left join taken t on e.position > t.first and e.position <= t.last
        where e.position in (select position from boards union select position from statuses
                             union select position from row_names)
    ) left join merged m on m.branch = line and position <= m.head
    group by position
),
names as (
    select n.name, arg_max(n.row, n.position) as row, min(n.position) as first,
           min(p.main_since) as main_first
    from row_names n join placed p on p.position = n.position
    where n.reported group by n.name
),
given as (  -- a verdict counts once its row is declared
    select s.position, s.status, t.counts_as, p.origin, p.line, coalesce(n.row, s.name) as row,
           greatest(s.position, n.first) as since,
           if(p.main_since is null or (n.row is not null and n.main_first is null), null,
              greatest(p.main_since, n.main_first)) as main_since
    from statuses s join placed p on p.position = s.position
        left join names n on n.name = s.name
        left join tally_statuses t on t.status = s.status
    where s.reported
      and (n.row is not null or regexp_matches(s.name, '^([^:]*:)?UNIDENTIFIED-ROW-'))
),
lines as (
    select true as main, main_since as begins, * from given where main_since is not null
    union all
    select false, since, * from given
),
ordered as (  -- a verdict that comes to count after a later one on its row has no effect
    select *, max(position) over (partition by main, row order by begins, position
                                  rows between unbounded preceding and 1 preceding) as later
    from lines
),
moved as (
    select *, lag(counts_as) over w as before, lag(line) over w as line_before
    from ordered where later is null or later < position
    window w as (partition by main, row order by begins, position)
),
counted as (
    select main, origin, begins, sum(sum(p)) over w as partial, sum(sum(d)) over w as discharged
    from (
        select main, origin, begins,
               (counts_as is not distinct from 'partial')::bigint
                   - (before is not distinct from 'partial')::bigint as p,
               (counts_as is not distinct from 'discharged')::bigint
                   - (before is not distinct from 'discharged')::bigint as d
        from moved
    )
    group by main, origin, begins window w as (partition by main, origin order by begins)
),
published as (
    select b.*, p.origin from boards b join placed p on p.position = b.position
),
between_boards as (
    select b.position as board, list({
               'row': m.row, 'position': m.position, 'status': m.status, 'branch': m.line,
               'counts_as': m.counts_as, 'before': m.before, 'branch_before': m.line_before
           } order by m.begins, m.position) as verdicts
    from (from moved where not main) m
        asof join published b on b.origin = m.origin and b.position > m.begins
    group by b.position
),
apart as (
    select b.position as board, g.row,
           arg_max({'position': g.position, 'status': g.status, 'branch': g.line,
                    'counts_as': coalesce(g.counts_as, '')}, g.position) as latest,
           arg_max(coalesce(g.counts_as, ''), g.position)
               filter (g.main_since < b.position) as main
    from published b join given g on g.origin = b.origin and g.since < b.position
    where g.row in (select row from given where line is not null)
    group by b.position, g.row
),
branched as (
    select board, list({
               'row': row, 'position': latest.position, 'status': latest.status,
               'branch': latest.branch
           } order by latest.position) as branch_rows
    from apart where latest.branch is not null and latest.counts_as <> coalesce(main, '')
    group by board
)
select b.board, b.version, b.partial, b.discharged, b.total,
       coalesce(f.partial, 0)::bigint as folded_partial,
       coalesce(f.discharged, 0)::bigint as folded_discharged,
       coalesce(m.partial, 0)::bigint as main_partial,
       coalesce(m.discharged, 0)::bigint as main_discharged,
       b.partial = folded_partial and b.discharged = folded_discharged
           and coalesce(b.total = folded_partial + folded_discharged, true) as agrees,
       coalesce(to_json(s.verdicts), '[]'::json) as verdicts,
       coalesce(to_json(r.branch_rows), '[]'::json) as branch_rows,
       b.origin, b.position
from published b
    asof left join (from counted where not main) f on f.origin = b.origin and f.begins < b.position
    asof left join (from counted where main) m on m.origin = b.origin and m.begins < b.position
    left join between_boards s on s.board = b.position
    left join branched r on r.board = b.position
order by b.position
