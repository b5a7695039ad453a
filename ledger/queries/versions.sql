-- Versions of the specification in the order of their first registration, each with the positions
-- that belong to it: up to the first registration of the next one.
-- column version: the version
-- column first: position of its first registration
-- column last: the last position before the next version; null for the latest
-- column position: position of its first registration
-- example: ledger query versions
select version, first, lead(first) over (order by first) - 1 as last, first as position
from spec_versions
order by first
