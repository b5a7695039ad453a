-- Epochs of training runs that others reported.
-- param run text: the run; all where left out
-- grouped by run
-- column run: the run
-- column epoch: number of the epoch, 0-based
-- column train_loss: training loss, nats a token
-- column val_loss: held-out loss, nats a token
-- column wall_seconds: wall time in seconds
-- column tokens_seen: tokens seen up to its end
-- column position: position of the epoch
-- example: ledger query epochs --run run-1300
select run, epoch, train_loss, val_loss, wall_seconds, tokens_seen, position
from epochs
where getvariable('run') is null or run = getvariable('run')
order by position
