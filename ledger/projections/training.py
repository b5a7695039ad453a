"""`step_metrics`, `steps` and `epochs`: training.

Steps are most of what a ledger holds. They are kept one row a step, their values in a list: a row
a value is five times as many, and the name of the run and the number of the step with each.
"""

from ledger.projections.base import Projection, View

_COLUMNS = (
    ("position", "ubigint", "position of the step"),
    ("run", "varchar", "the run"),
    ("reported", "boolean", "whether others reported it"),
    ("step", "bigint", "number of the step, 0-based"),
)

STEP_METRICS = Projection(
    name="step_metrics",
    kinds=("step.taken", "step.reported"),
    columns=(
        *_COLUMNS,
        ("metrics", "json", "names of its metrics"),
        ("numbers", "double[]", "value of each, in the same order"),
    ),
    select="""
        select position, whose || f[1], kind = 'step.reported', try_cast(f[2] as bigint),
               to_json(json_keys(f[3])), try_cast((f[3]->>'$.*') as double[])
        from (
            select position, kind, whose, json_extract_string(
                entry, ['$.body.run', '$.body.step', '$.body.metrics']) as f
            from slice where kind in ('step.taken', 'step.reported')
        )
    """,
)

STEPS = View(
    name="steps",
    columns=(
        *_COLUMNS,
        ("metric", "varchar", "name of the metric"),
        ("value", "double", "its value"),
    ),
    select="""
        select position, run, reported, step, unnest(from_json(metrics, '["VARCHAR"]')),
               unnest(numbers)
        from step_metrics
    """,
)

EPOCHS = Projection(
    name="epochs",
    kinds=("epoch.reported",),
    columns=(
        ("position", "ubigint", "position of the epoch"),
        ("run", "varchar", "the run"),
        ("epoch", "bigint", "number of the epoch, 0-based"),
        ("train_loss", "double", "training loss, nats a token"),
        ("val_loss", "double", "held-out loss, nats a token"),
        ("wall_seconds", "double", "wall time in seconds"),
        ("tokens_seen", "bigint", "tokens seen up to its end"),
        ("grad_norm_max", "double", "largest gradient norm before clipping"),
        ("optimizer_state_sha", "varchar", "digest of the optimizer state as stated"),
    ),
    select="""
        select position, whose || (entry->>'$.body.run'),
               try_cast(entry->>'$.body.epoch' as bigint),
               try_cast(entry->>'$.body.train_loss' as double),
               try_cast(entry->>'$.body.val_loss' as double),
               try_cast(entry->>'$.body.wall_seconds' as double),
               try_cast(entry->>'$.body.tokens_seen' as bigint),
               try_cast(entry->>'$.body.grad_norm_max' as double),
               entry->>'$.body.optimizer_state_sha'
        from slice where kind = 'epoch.reported'
    """,
)
