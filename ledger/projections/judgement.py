"""`measurements`, `criteria`, `row_names`, `statuses`, `constants`: what boards are folded from."""

from ledger.projections.base import Projection, View

MEASUREMENTS = Projection(
    name="measurements",
    kinds=("measurement.taken",),
    columns=(
        ("position", "ubigint", "position of the measurement"),
        ("hash", "varchar", "entry hash"),
        ("run", "varchar", "run that measured it; null for an asserted number"),
        ("metric", "varchar", "name of the quantity"),
        ("value", "double", "the number; null for a truth value or text"),
        ("value_json", "json", "the value as recorded"),
        ("unit", "varchar", "its unit"),
        ("provenance", "varchar", "measured, derived, asserted or synthetic"),
        ("key", "json", "the comparability key"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.run'), entry->>'$.body.metric',
               case when json_type(entry, '$.body.value') <> 'BOOLEAN'
                    then try_cast(entry->>'$.body.value' as double) end,
               entry->'$.body.value', entry->>'$.body.unit',
               entry->>'$.body.provenance', entry->'$.body.key'
        from slice where kind = 'measurement.taken'
    """,
)

CRITERIA = Projection(
    name="criteria",
    kinds=("criterion.declared", "criterion.reported"),
    columns=(
        ("position", "ubigint", "position of the declaration"),
        ("hash", "varchar", "entry hash"),
        ("row", "varchar", "row of the board it is"),
        ("name", "varchar", "its own name"),
        ("family", "varchar", "criterion, gate or invariant"),
        ("reported", "boolean", "whether others declared it"),
        ("model", "varchar", "the model it is listed under"),
        ("title", "varchar", "what is demanded"),
        ("metric", "varchar", "metric"),
        ("operator", "varchar", "operator"),
        ("threshold", "json", "threshold"),
        ("unit", "varchar", "unit"),
        ("blocking", "boolean", "whether shipping waits for it"),
        ("binding", "json", "conditions that evidence must match; null when reported"),
        ("contract", "varchar", "the contract that declares it, as NAME@VERSION"),
        ("requires", "varchar[]", "rows that must be DISCHARGED before it can be"),
        ("seen", "varchar", "the result seen before the threshold moved; null if none was"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.criterion'),
               whose || (entry->>'$.body.criterion'),
               coalesce(entry->>'$.body.family', 'criterion'), false, entry->>'$.body.model',
               entry->>'$.body.title', entry->>'$.body.metric', entry->>'$.body.operator',
               nullif(entry->'$.body.threshold', 'null'::json),
               entry->>'$.body.unit', try_cast(entry->>'$.body.blocking' as boolean),
               entry->'$.body.binding', entry->>'$.body.contract',
               list_transform(coalesce(try_cast(entry->'$.body.requires' as varchar[]), []),
                              lambda x: whose || x),
               entry->>'$.body.seen'
        from slice where kind = 'criterion.declared'
        union all
        select position, hash,
               whose || coalesce(entry->>'$.body.falsifier', entry->>'$.body.subject'),
               whose || (entry->>'$.body.subject'), entry->>'$.body.row_family', true,
               entry->>'$.body.model',
               entry->>'$.body.title', entry->>'$.body.metric', entry->>'$.body.operator',
               nullif(entry->'$.body.threshold', 'null'::json), entry->>'$.body.unit',
               try_cast(entry->>'$.body.blocking' as boolean), null, null, [], null
        from slice where kind = 'criterion.reported'
    """,
)

ROW_NAMES = Projection(
    name="row_names",
    kinds=("criterion.reported", "criterion.declared"),
    columns=(
        ("position", "ubigint", "position of the declaration that gives the name"),
        ("name", "varchar", "a name under which verdicts speak of the row"),
        ("row", "varchar", "the row"),
        ("reported", "boolean", "whether others gave it; their verdicts speak of their rows"),
    ),
    select="""
        select position, whose || unnest(list_distinct(list_filter(
                   [entry->>'$.body.subject', entry->>'$.body.falsifier', entry->>'$.body.alias'],
                   lambda x: x is not null))),
               whose || coalesce(entry->>'$.body.falsifier', entry->>'$.body.subject'), true
        from slice where kind = 'criterion.reported'
        union all
        select position, whose || unnest(list_distinct(list_append(
                   coalesce(try_cast(entry->'$.body.aliases' as varchar[]), []),
                   entry->>'$.body.criterion'))),
               whose || (entry->>'$.body.criterion'), false
        from slice where kind = 'criterion.declared'
    """,
)

STATUSES = Projection(
    name="statuses",
    kinds=("verdict.given", "row.moved", "claim.tested", "claim.moved", "verdict.reported"),
    columns=(
        ("position", "ubigint", "position of the verdict"),
        ("hash", "varchar", "entry hash"),
        ("name", "varchar", "what the verdict speaks of, by the name it uses"),
        ("status", "varchar", "the status"),
        ("about", "varchar", "row or claim; null where reported, and not known"),
        ("reported", "boolean", "whether others gave it"),
        ("branch", "varchar", "null on the main line"),
        ("from_status", "varchar", "the status before, as stated"),
        ("value", "json", "the value judged"),
        ("threshold", "json", "the threshold applied"),
        ("unit", "varchar", "unit of both"),
        ("evidence", "varchar", "hash of what it rests on, or what others named"),
        ("declaration", "varchar", "hash of the declaration that was applied"),
        ("post_hoc", "boolean", "whether the threshold moved after the result was seen"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.criterion'), entry->>'$.body.status',
               'row', false, branch, null, entry->'$.body.value', entry->'$.body.threshold',
               entry->>'$.body.unit', entry->>'$.body.evidence', entry->>'$.body.declaration',
               (entry->>'$.body.seen') is not null
        from slice where kind = 'verdict.given'
        union all
        select position, hash, whose || (entry->>'$.body.claim'), entry->>'$.body.outcome',
               'claim', false, branch, null, entry->'$.body.value', entry->'$.body.threshold',
               entry->>'$.body.unit', entry->>'$.body.evidence', null, false
        from slice where kind = 'claim.tested'
            and ((entry->>'$.body.member') is null or entry->>'$.body.outcome' = 'REFUTED')
        union all
        select position, hash, whose || (entry->>'$.body.subject'), entry->>'$.body.to_status',
               if(kind = 'row.moved', 'row', 'claim'), false, branch,
               entry->>'$.body.from_status', null, null, null, entry->>'$.body.evidence', null,
               false
        from slice where kind in ('row.moved', 'claim.moved')
        union all
        select position, hash, whose || (entry->>'$.body.subject'), entry->>'$.body.status',
               null, true, branch, entry->>'$.body.from_status',
               nullif(entry->'$.body.observed', 'null'::json),
               nullif(entry->'$.body.threshold', 'null'::json), null,
               entry->>'$.body.evidence_class', null, false
        from slice where kind = 'verdict.reported'
    """,
)

CONSTANTS = View(
    name="constants",
    columns=(
        ("name", "varchar", "name of the constant"),
        ("value", "double", "its value, as it was last declared"),
        ("unit", "varchar", "its unit"),
        ("hash", "varchar", "entry hash of that declaration"),
        ("position", "ubigint", "position of it"),
    ),
    select="""
        select entry->>'$.body.constant',
               arg_max(try_cast(entry->>'$.body.value' as double), position),
               arg_max(entry->>'$.body.unit', position), arg_max(hash, position), max(position)
        from events e
        where kind = 'constant.declared'
          and not exists (from off_main o where e.position between o.first and o.last)
        group by entry->>'$.body.constant'
    """,
)
