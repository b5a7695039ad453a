"""`ledger judge`: criteria against measured evidence."""

import attrs
import click

from ledger.cli.base import actor_option, json_option, ledger_option, open_ledger, print_table
from ledger.ledger import require_actor
from ledger.queries.base import Table


@click.command(
    epilog="Examples:\n\n\b\n  ledger judge                    # every declared criterion\n"
    "  ledger judge ENGINE-PARITY --json"
)
@click.argument("criterion", nargs=-1)
@actor_option
@ledger_option
@json_option
def judge(
    criterion: tuple[str, ...], actor: str | None, ledger_dir: str | None, as_json: bool
) -> int:
    """Evaluate CRITERION (all declared ones, if none is named) and record new verdicts.

    The newest matching measurement decides; no evidence means unknown. The runs it was measured in
    are looked at by the monitors first, and marked where one fires. A threshold that moved after a
    result was seen is judged beside the strict one. Exit code 0 when every criterion judged is met,
    1 otherwise; verdicts that are post hoc do not count.
    """
    from ledger.commands import judge as judging

    with open_ledger(ledger_dir, require_actor(actor)) as ledger:
        judgements = judging.judge(ledger, criterion)
    columns = tuple(field.name for field in attrs.fields(judging.Judgement))
    if not as_json and not any(found.post_hoc for found in judgements):
        columns = tuple(name for name in columns if name != "post_hoc")
    rows = tuple(tuple(getattr(found, name) for name in columns) for found in judgements)
    print_table(Table(columns, rows), "json" if as_json else "table")
    met = [found.status == "DISCHARGED" for found in judgements if not found.post_hoc]
    return 0 if all(met) else 1
