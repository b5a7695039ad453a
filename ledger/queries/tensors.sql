-- Activations that a trace kept whole, point by point; `ledger blobs get` writes one to a file.
-- param run text: the run, such as trace-0001; every run where left out
-- param point text: only this capture point
-- column run: the run
-- column layer: layer; null for the model's own points
-- column point: capture point
-- column tokens: rows
-- column width: channels in a row
-- column blob: digest of the NumPy file
-- column position: position of the entry
-- example: ledger query tensors --point output
select run, layer, point, tokens, width, blob, position
from tensors
where (getvariable('run') is null or run = getvariable('run'))
  and (getvariable('point') is null or point = getvariable('point'))
order by position, ordinal
