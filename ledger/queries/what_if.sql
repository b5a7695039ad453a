-- The board as if: what would stand otherwise if rows were discharged, or an entry fell.
-- param discharge text: rows taken for DISCHARGED, names with commas in between
-- param refute integer: position of an entry taken for refuted
-- column row: the row
-- column model: the model it is listed under
-- column blocking: whether shipping waits for it
-- column before: its status
-- column after: its status then
-- column because: why it would change
-- column position: greatest position that it rests on
-- example: ledger query what_if --discharge PARITY
with recursive asked as (
    select unnest(string_split(coalesce(getvariable('discharge'), ''), ',')) as name
),
cited as (
    select to_name as hash, from_name as by from edges where relation = 'cites'
    union all
    select r.hash, m.hash from runs r join measurements m on m.run = r.run and not r.reported
),
rests(hash, depth) as (
    select hash, 0 from events where position = getvariable('refute')
    union
    select c.by, r.depth + 1 from rests r join cited c on c.hash = r.hash where r.depth < 16
),
names as (
    select name, reported, arg_max(row, position) as row from row_names n
    where not exists (from off_main o where n.position between o.first and o.last)
    group by name, reported
),
latest as (
    select coalesce(n.row, s.name) as row, s.reported, arg_max(s, s.position) as v
    from statuses s left join names n on n.name = s.name and n.reported = s.reported
    where not s.post_hoc and coalesce(s.about, 'row') = 'row'
        and not exists (from off_main o where s.position between o.first and o.last)
    group by all
),
rows as (
    select c.row, c.reported, max(c.model) as model, bool_or(c.blocking) as blocking,
           max(c.position) as declared_at,
           coalesce(arg_max(c.requires, c.position) filter (c.seen is null), []) as requires
    from criteria c
    where not exists (from off_main o where c.position between o.first and o.last)
    group by c.row, c.reported
),
board as (
    select d.*, coalesce(l.v.status, 'unbound') as before, l.v.hash as verdict,
           greatest(d.declared_at, coalesce(l.v.position, 0)) as position,
           d.row in (select coalesce(n.row, a.name) from asked a left join names n on n.name = a.name)
               as is_asked,
           coalesce(l.v.hash in (select hash from rests where depth > 0), false) as is_hit
    from rows d left join latest l on l.row = d.row and l.reported = d.reported
),
fallen(row, depth) as (  -- a row that is hit, and the rows that require it
    select row, 0 from board where is_hit and not is_asked
    union
    select b.row, f.depth + 1 from fallen f join board b on list_contains(b.requires, f.row)
    where not b.is_asked and b.before = 'DISCHARGED' and f.depth < 16
),
stated as (  -- what edges say of a row: hypotheses, with the fate of their claims
    select h.to_name as row, format('hypothesis {}: {} {} it, {}', h.edge, h.from_name, h.relation,
                                    coalesce(t.fate, 'UNKNOWN')) as text
    from hypotheses h left join fates t on t.claim = h.claim
    where h.from_name in (select name from asked)
    union all
    select coalesce(n.row, e.from_name), format('stated, and judged by nobody: it is blocked by {}', e.to_name)
    from edges e left join names n on n.name = e.from_name and n.reported
    where e.relation = 'blocked_by' and e.to_name in (select name from asked)
),
lost as (select row, min(depth) as depth from fallen group by row)
select b.row, b.model, b.blocking, b.before,
       case when b.is_asked then 'DISCHARGED'
            when f.row is not null then 'SUSPECT' else b.before end as after,
       case when b.is_asked and b.before <> 'DISCHARGED' then 'taken for discharged'
            when b.is_asked then 'it is discharged already: nothing changes'
            when f.depth = 0 then 'its verdict rests on the entry'
            when f.row is not null then 'it requires a row that would be suspect'
            when exists (from asked a join names n on n.name = a.name
                         where list_contains(b.requires, n.row)) and b.before <> 'DISCHARGED'
            then if(exists (from unnest(b.requires) as t(name) join board q on q.row = t.name
                            where q.before <> 'DISCHARGED' and not q.is_asked),
                    'it requires more rows', 'nothing more stands in its way: it can be judged')
            else (select string_agg(t.text, '; ' order by t.text) from stated t where t.row = b.row)
       end as because,
       b.position
from board b left join lost f on f.row = b.row
where not (b.reported and getvariable('refute') is not null and not b.is_hit)
order by b.reported, b.declared_at, b.row
