"""The briefing as plain text."""

import textwrap

from tabulate import tabulate

from outcry.review.reports.briefing import Briefing, Section, Table, sections, subject
from outcry.review.reports.today_text import dollars

WIDTH, BAR = 78, 24


def as_text(one: Briefing) -> str:
    """As good as the pictures: the bars are drawn with letters."""
    parts = [f"{subject(one)}\n{'=' * min(WIDTH, len(subject(one)))}"]
    return "\n\n".join([*parts, *(_section(section, one) for section in sections(one))])


def _section(section: Section, one: Briefing) -> str:
    body = [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in section.lines]
    if section.urgent:
        body = [textwrap.fill(f"! {line}", WIDTH, subsequent_indent="  ") for line in section.lines]
    if section.table:
        body.append(_table(section.table))
    if section.picture == "results":
        body += _bars(one)
    return "\n".join([section.title.upper(), *body])


def _table(table: Table) -> str:
    align = ["left"] * (len(table.heads) - table.right) + ["right"] * table.right
    return tabulate(table.rows, table.heads, tablefmt="plain", disable_numparse=True, colalign=align)


def _bars(one: Briefing) -> list[str]:
    most = max(abs(result) for _, result in one.results) or 1
    return [
        f"  {day} {'+' if result >= 0 else '-'} {'#' * round(BAR * abs(result) / most):<{BAR}}"
        f" {dollars(result, signed=True)}"
        for day, result in one.results
    ]
