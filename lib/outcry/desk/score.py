"""Score the agents on what settled; with `--markets` what there is to choose from."""

import json

import click
from tabulate import tabulate

from outcry.desk.common import connect, jobs
from outcry.desk.scoring import agents, figures, markets
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.market_scores import Score
from outcry.review.standing import MILLIONTHS
from outcry.store import scores as rows

AGENTS, MARKETS = "score", "score-markets"
SHOWN = ("settled_trades", "win_rate", "break_even", "net_dollars", "net_low_dollars", "net_high_dollars")
WHOLE = ("settled_trades",)


def run_agents(floor: Floor, *, as_json: bool, if_due: bool) -> None:
    """Take in what settled and rewrite the figures; then print each agent's of all time, unless quiet.

    raises  Misconfigured when there is no database yet, Unavailable while another scoring runs, or when it refuses
    """
    db = connect.books(floor)
    try:

        def work() -> str:
            spans = agents.Spans.of(floor.settings.time_factor)
            looked = agents.take_in(db, spans)
            budget = floor.settings.evolution.false_discoveries_millionths / MILLIONTHS
            return f"{looked} markets, {figures.rewrite(db, spans, budget, now_ms())} figures"

        if not jobs.run(floor, AGENTS, work, if_due=if_due) or floor.quiet:
            return
        made = rows.all_metrics(db)
    finally:
        db.close()
    if as_json:
        nested: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
        for (agent, stage, window), values in made.items():
            nested.setdefault(agent, {}).setdefault(stage or "every stage", {})[window] = values
        click.echo(json.dumps(nested, indent=2))
        return
    table = [
        [agent, *(_shown(name, values.get(name)) for name in SHOWN)]
        for (agent, stage, window), values in made.items()
        if (stage, window) == (figures.EVERY_STAGE, "all")
    ]
    heads = ["agent", "settled", "won", "needs", "net", "from", "to"]
    click.echo(tabulate(table, heads, tablefmt="simple", disable_numparse=True) if table else "no agent to score")


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if name in WHOLE else f"{value:.0%}" if not name.endswith("dollars") else f"{value:+.2f}"


def run_markets(floor: Floor, *, as_json: bool, top: int, if_due: bool) -> None:
    """Score and keep; then print the best `top` and each category's average, unless quiet.

    raises  Misconfigured when there is no database yet, Unavailable while another scoring runs, or when it refuses
    """
    scores: list[Score] = []

    def work() -> str:
        scores.extend(markets.score(floor))
        return f"{len(scores)} markets"

    if not jobs.run(floor, MARKETS, work, if_due=if_due) or floor.quiet:
        return
    if as_json:
        click.echo(json.dumps([markets.as_json(score) for score in scores], indent=2))
    else:
        click.echo(markets.as_text(scores, top))
