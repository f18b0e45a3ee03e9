"""Score what there is to choose from. `--markets`: where going in and out is possible and cheap."""

from outcry.desk.scoring import markets
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance

NAME = "score"


def run_markets(floor: Floor, *, as_json: bool, top: int) -> None:
    """Score all markets; see `scoring.markets`. Raises Unavailable while another scoring runs."""
    with one_instance(floor.folder, NAME):
        markets.run(floor, as_json=as_json, top=top)
