-- Sections of a specification as others registered them.
-- column section: name of the section or banner
-- column said_on: day
-- column from_version: version before
-- column to_version: version after
-- column title: title
-- column position: position of the registration
-- example: ledger query sections
select section, said_on, from_version, to_version, title, position from sections order by position
