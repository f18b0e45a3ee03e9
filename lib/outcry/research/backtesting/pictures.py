"""Equity curve and calibration as one picture. Needs matplotlib."""

import importlib.util
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.research.backtesting.report import Report


def draw(file: Path, title: str, equity: Sequence[tuple[int, int, int]], report: Report) -> None:
    """Write a picture, of the kind that the file's name ends with.

    equity  (at_ms, won or lost so far, at risk) in micro-dollars
    raises  Misconfigured without matplotlib, or for a name it cannot write; Unavailable when the disk refuses
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise Misconfigured("--plot needs matplotlib", f"{sys.prefix}/bin/pip install matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    times = [datetime.fromtimestamp(at_ms / 1_000, UTC) for at_ms, _, _ in equity]
    left.plot(times, [value / ONE_DOLLAR_MICROS for _, value, _ in equity], drawstyle="steps-post", label="equity")
    left.fill_between(times, [risk / ONE_DOLLAR_MICROS for *_, risk in equity], alpha=0.2, step="post", label="at risk")
    left.axhline(0, color="grey", linewidth=0.8)
    left.set(title=title, xlabel="UTC", ylabel="dollars")
    left.tick_params(axis="x", rotation=30)
    left.legend()
    right.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    right.scatter(
        [one.stated for one in report.calibration],
        [one.came for one in report.calibration],
        s=[10 + 3 * one.count for one in report.calibration],
    )
    right.set(title=f"calibration ({report.stated} stated)", xlabel="stated", ylabel="came", xlim=(0, 1), ylim=(0, 1))
    try:
        figure.savefig(file)
    except ValueError as error:
        raise Misconfigured(f"--plot {file}: {error}", "end it with .png, .svg or .pdf") from error
    except OSError as error:
        raise Unavailable(f"cannot write {file}: {error}") from error
