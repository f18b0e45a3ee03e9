"""Score what there is to choose from. `--markets`: where going in and out is possible and cheap."""

import json

import click

from outcry.desk.common import jobs
from outcry.desk.scoring import markets
from outcry.ops.floor import Floor
from outcry.review.market_scores import Score

MARKETS = "score-markets"


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
