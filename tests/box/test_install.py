"""What `make install` promises: the commands people type, as whom they type them, and that nothing is left behind."""

import time

import pytest

from boxed import STATE, UNITS, Box

pytestmark = pytest.mark.box
STOPS_S = 5.0
LISTING = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /root"
    " -o -path /var/cache -o -path /home \\) -prune -o -printf '%p\\n' | sort"
)
COMPLETION = (  # what bash does when somebody types this and a tab
    ". /usr/local/share/bash-completion/completions/kalshi; COMP_WORDS=(kalshi agent show mom) COMP_CWORD=3"
    "; _outcry_command kalshi; echo ${COMPREPLY[*]}"
)
ALWAYS_CHANGES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sub", "/etc/.pwd.lock",
                  "/var/lib/systemd", "/var/tmp", "/wheels", "/dev")  # fmt: skip


def test_the_commands_that_people_type(box: Box):
    """The box has just booted: that everything runs is what a reboot does."""
    box.trading()
    box.filled()
    assert box("systemctl", "status", "kalshi-*").returncode == 0
    assert "READY" in box.journal("kalshi-trader@momentum") or "started" in box.journal("kalshi-trader@momentum")
    looks_the_same_to_everybody(box)
    is_shut_in(box)

    began = time.monotonic()
    stopped = box("systemctl", "stop", "kalshi-*")
    took_s = time.monotonic() - began
    assert stopped.returncode == 0
    assert took_s < STOPS_S
    assert box.states() == ["inactive"] * len(UNITS)
    looks_the_same_to_everybody(box)
    own_what_is_there(box)

    assert box("systemctl", "start", "kalshi-*").returncode == 0
    box.trading()
    box("systemctl", "stop", "kalshi-auditor", "kalshi-trader@momentum")
    assert box("systemctl", "start", "kalshi-*").returncode == 0
    box.trading()
    own_what_is_there(box)


def looks_the_same_to_everybody(box: Box) -> None:
    """Root and a member of the group see the floor, running or stopped; a stranger is told off in one line."""
    for user in ("root", "member"):
        for command in (
            ("kalshi", "report", "--today"),
            ("/opt/kalshi/bin/report", "--today"),
            ("kalshi", "agent", "ls"),
        ):
            assert "momentum" in box(*command, user=user).stdout
        assert box("bash", "-c", COMPLETION, user=user).stdout == "momentum\n"
        status = box("kalshi", "status", user=user, check=False)
        assert "embedded" in status.stdout.splitlines()[0]
        assert "trader@momentum" in status.stdout
        assert "OLDER CODE" not in status.stdout
    stranger = box("kalshi", "status", user="stranger", check=False)
    assert (stranger.returncode, stranger.stdout, len(stranger.stderr.splitlines())) == (78, "", 1)
    assert "report " in box("kalshi").stdout
    assert box("kalshi", "nonsense", check=False).returncode == 2
    assert box("sh", "-c", "command -v halt-kalshi report status doctor agent", check=False).stdout == ""


def is_shut_in(box: Box) -> None:
    units = [*UNITS, "kalshi-floor", "alert-kalshi@any"]
    names = [f"{unit}.service" for unit in units]
    verified = box("systemd-analyze", "verify", *names)
    assert (verified.stdout, verified.stderr) == ("", "")
    box("systemd-analyze", "security", "--threshold=15", "--no-pager", *names)


def own_what_is_there(box: Box) -> None:
    """Whoever ran what: there is nothing that the floor's user could not write, nothing that strangers could read."""
    assert box("find", STATE, "!", "-user", "kalshi").stdout == ""
    assert box("find", STATE, "-perm", "/007").stdout == ""


def test_taken_away_and_installed_again(box: Box):
    """Nothing is left but settings and state; installed again, the floor goes on with them; purged, nothing is left."""
    box.trading()
    box.filled()
    fills, settings = box.fills(), box("cat", "/etc/kalshi/floor.toml").stdout
    box.push_source()
    kept = box.make("uninstall").stdout
    assert "/var/lib/kalshi" in kept
    left = [line for line in listing(box) if "kalshi" in line or "outcry" in line]
    assert [line for line in left if not line.startswith(("/etc/kalshi", "/var/lib/kalshi"))] == []
    assert box("systemctl", "list-units", "--all", "--no-legend", "kalshi*").stdout == ""
    before = listing(box)

    box.make("install", "environment=paper")
    assert box("cat", "/etc/kalshi/floor.toml").stdout == settings
    assert "environment" in box("cat", "/etc/kalshi/floor.toml.default").stdout
    assert box.states() == ["inactive"] * len(UNITS)
    box.make("install")  # a second time changes nothing
    assert box("systemctl", "start", "kalshi-*").returncode == 0
    box.trading()
    assert box.fills() >= fills

    refused = box.make("purge", check=False, answer="yes\\n")
    assert refused.returncode == 2  # what make says of any failure
    assert "/var/lib/kalshi/embedded" in refused.stdout
    box.make("purge", answer="kalshi\\n")
    now = [line for line in listing(box) if "kalshi" in line or "outcry" in line]
    assert now == []
    assert [line for line in listing(box) if line not in before] == []
    assert box("id", "kalshi", check=False).returncode != 0


def listing(box: Box) -> list[str]:
    lines = box("sh", "-c", LISTING).stdout.splitlines()
    return [line for line in lines if not line.startswith(ALWAYS_CHANGES)]


def test_two_floors_on_one_box(box: Box):
    """Another name is another floor: what befalls it does not reach the first."""
    box.trading()
    box.push_source()
    before, before_files = box.pids(), [line for line in listing(box) if "second" in line.rpartition("/")[2]]
    settings = """environment = "paper"\\n[exchange]\\nrest_url = "http://127.0.0.1:9/trade-api/v2"\\n"""
    box("sh", "-c", f"mkdir -p /etc/second && printf '{settings}' >/etc/second/floor.toml")
    assert box.make("install", "name=kalshi-two", check=False).returncode == 2
    assert box.make("install", "name=second", "prefix=/opt/kalshi", check=False).returncode == 2
    box.make("install", "name=second")
    box("systemctl", "start", "second-*")
    second = [f"second-{unit.removeprefix('kalshi-')}" for unit in UNITS if "trader" not in unit]
    box.wait_for(lambda: box.states(second) == ["active"] * len(second), "the second floor to run")
    assert box("second", "status", check=False).stdout.splitlines()[0].split(" · ")[1] == "paper"
    assert "second" not in box("kalshi", "status", check=False).stdout
    assert box("ls", "/var/lib/kalshi", check=False, user="second").returncode != 0
    box("second", "halt", "--reason", "test", check=False)
    box("systemctl", "stop", "second-*")
    box.make("purge", "name=second", answer="second\\n")
    assert box.pids() == before
    assert [line for line in listing(box) if "second" in line.rpartition("/")[2]] == before_files
    assert box("test", "-e", f"{STATE}/HALT", check=False).returncode != 0
    box.filled()
