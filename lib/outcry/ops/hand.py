"""The hand of the boss: root's half, run by cron as `hand.py PREFIX NAME`. Makes the units NAME-trader@AGENT equal to
the agents that the other half (bin/boss --hand, not root) wants; takes nothing but well-formed names from it, and does
nothing but enable, start, disable, stop and reset those units."""

import json
import re
import subprocess
import sys
from pathlib import Path

FACTS = re.compile(r"Id=[^@]+@(.+)\.service\nActiveState=(.+)\nUnitFileState=(.*)\nJob=(.*)")
WANTED = re.compile(r"wanted((?: [a-z][a-z0-9_-]{0,31})*)\n")


def decide(wanted: set[str], units: dict[str, tuple[str, bool]], known: dict[str, str]) -> dict[str, str]:
    """Each agent's lot: runs, start, stop, or left (down, and not by us: a person's matter). units: state, enabled?"""
    acts: dict[str, str] = {}
    for agent in sorted(wanted | units.keys()):
        state, enabled = units.get(agent, ("inactive", False))
        ours = known.get(agent) == "stop" or (agent not in known and not enabled and state == "inactive")
        if agent in wanted:
            acts[agent] = "runs" if state not in ("inactive", "failed") else "start" if ours else "left"
        elif enabled or state != "inactive":
            acts[agent] = "stop"
    return acts


def systemctl(*words: str) -> str:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else f"failed: {done.stderr.strip()}"


def follow(wanted: set[str], name: str, mind: Path) -> list[tuple[str, str, str]]:
    """Act, and remember it; returns what is new: agent, its lot, what systemd said."""
    known, news = json.loads(mind.read_text()) if mind.exists() else {}, []
    asked = [f"{name}-trader@{agent}.service" for agent in ["*", *sorted(wanted | known.keys())]]
    facts = FACTS.findall(systemctl("show", "-p", "Id,ActiveState,UnitFileState,Job", *asked))
    acts = decide(wanted, {who: ("queued" if job else state, on == "enabled") for who, state, on, job in facts}, known)
    for agent, act in acts.items():
        unit = f"{name}-trader@{agent}.service"
        if act in ("start", "stop"):
            systemctl("reset-failed", unit)
            news.append((agent, act, systemctl({"start": "enable", "stop": "disable"}[act], "--now", unit)))
        elif act == "left" != known.get(agent):
            news.append((agent, act, ""))
    mind.with_suffix(".new").write_text(json.dumps(known | acts))
    mind.with_suffix(".new").rename(mind)
    return news


if __name__ == "__main__":
    prefix, name = sys.argv[1:]
    command = [f"{prefix}/.venv/bin/python", f"{prefix}/bin/boss", "--hand", "--quiet"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, user=name, group=name, extra_groups=[]) as half:
        said = WANTED.fullmatch(half.stdout.readline(100_000))  # type: ignore[union-attr]
        if said and not systemctl("is-active", f"{name}-clerk").startswith("failed"):
            half.stdin.write(json.dumps(follow(set(said[1].split()), name, Path(f"/var/lib/{name}.boss"))))  # type: ignore[union-attr]
    sys.exit(half.returncode)
