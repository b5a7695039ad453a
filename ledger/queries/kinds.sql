-- How many events of each kind the ledger holds.
-- column kind: event kind
-- column events: how many
-- column first: position of the first
-- column position: position of the last
-- example: ledger query kinds
select kind, count(*) as events, min(position) as first, max(position) as position
from events group by kind order by kind
