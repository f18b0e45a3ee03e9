"""The briefing as a page: one column that fits a phone, light and dark, nothing from elsewhere."""

import re
from collections.abc import Mapping
from html import escape

from outcry.review.reports.briefing import Briefing, Section, Table, sections, subject

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #ffffff; color: #1c1e21;
  font: 16px/1.45 -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 680px; margin: 0 auto; }
h1 { font-size: 20px; line-height: 1.3; margin: 0 0 4px; }
h2 { font-size: 13px; letter-spacing: .04em; text-transform: uppercase; margin: 26px 0 6px; color: #5f6670; }
p { margin: 4px 0; hyphens: none; overflow-wrap: anywhere; }
p span { white-space: nowrap; }
.small { color: #5f6670; font-size: 13px; }
.urgent { border-left: 4px solid #d04646; padding: 8px 12px; background: #fdeeee; margin-top: 16px; }
.urgent h2 { margin-top: 0; color: #a12d2d; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; width: 100%; }
th, td { padding: 5px 10px 5px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid #dfe2e6; }
th { font-weight: 600; color: #5f6670; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; }
img { display: block; width: 100%; max-width: 600px; height: auto; margin-top: 6px; }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e6e8eb; }
  h2, th, .small { color: #a2a9b3; }
  th, td { border-color: #343a42; }
  .urgent { background: #3a2022; }
  .urgent h2 { color: #f09a9a; }
}
@media (max-width: 520px) {
  .wide table, .wide tbody, .wide tr, .wide td { display: block; }
  .wide thead { display: none; }
  .wide tr { border-bottom: 1px solid #8888; padding: 6px 0; }
  .wide td, .wide td.n { border: 0; padding: 1px 0; text-align: right; white-space: normal; overflow-wrap: anywhere; }
  .wide td::before { content: attr(data-head); float: left; padding-right: 12px; opacity: .7; }
  .wide td:first-child { text-align: left; font-weight: 600; }
  .wide td:first-child::before { content: none; }
}
"""


def as_html(one: Briefing, pictures: Mapping[str, str]) -> str:
    """
    pictures  where each picture is found: cid:… in a mail, data:… in a file
    """
    body = "\n".join(_section(section, pictures) for section in sections(one))
    floor = one.today.report.floor
    about = f"Outcry {floor.environment} · floor {floor.floor_id} · {one.day} ({one.today.report.day.zone})"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{escape(subject(one))}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(subject(one))}</h1>
<p class="small">{escape(about)}</p>
{body}
</main>
</body>
</html>
"""


def _section(section: Section, pictures: Mapping[str, str]) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>", *(f"<p>{_line(line)}</p>" for line in section.lines)]
    if section.table:
        parts.append(_table(section.table))
    if section.picture:
        words = escape(" ".join(section.lines))
        parts.append(f'<img src="{escape(pictures[section.picture])}" alt="{words}" width="600" height="130">')
    return (
        f"<section{' class=' + chr(34) + 'urgent' + chr(34) if section.urgent else ''}>" + "".join(parts) + "</section>"
    )


def _line(line: str) -> str:
    """A sentence; the options in it are not broken at their own hyphens."""
    return re.sub(r"(?<!\S)--[a-z-]+", r"<span>\g<0></span>", escape(line))


def _table(table: Table) -> str:
    words = len(table.heads) - table.right
    heads = "".join(f"<th{_number(at, words)}>{escape(head)}</th>" for at, head in enumerate(table.heads))
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td{_number(at, words)} data-head="{escape(head)}">{escape(cell)}</td>'
            for at, (head, cell) in enumerate(zip(table.heads, row, strict=True))
        )
        + "</tr>"
        for row in table.rows
    )
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _number(at: int, words: int) -> str:
    return ' class="n"' if at >= words else ""
