"""Settings are strict: what is unknown, mistyped or out of range is refused in one line that says the mend."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits
from outcry.ops import settings
from outcry.ops.settings import Settings

ETC = Path(__file__).resolve().parents[2] / "etc"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('enviroment = "demo"', "unknown setting enviroment (did you mean environment?)"),
        ("[risk]\nmax_spred_cc = 5", "unknown setting risk.max_spred_cc (did you mean risk.max_spread_cc?)"),
        ("[local]\nwindow = 5", "unknown setting local.window (did you mean local.window_s?)"),
        ("[nonsense]\nx = 1", "unknown setting nonsense"),
        ('environment = "live"', "environment: Invalid enum value 'live' (one of embedded, paper, demo, production)"),
        ('[local]\ntier = "basik"', "local.tier: Invalid enum value 'basik' (one of basic, advanced"),
        ('[local]\nport = "http"', "local.port: Expected `int`, got `str`"),
        ("[local]\nport = 70000", "local.port: Expected `int` <= 65535"),
        ("[risk]\nmax_spread_cc = 0", "risk.max_spread_cc = 0 is not a whole number from 1 to 5000"),
        ("[risk]\nkelly_millionths = 600000", "risk.kelly_millionths = 600000 is not a whole number from 1 to 500000"),
        ("[risk]\nmax_spread_cc = 5.5", "risk.max_spread_cc"),
        ("[risk]\nmax_spread_cc = true", "risk.max_spread_cc"),
        ("time_factor = nan", "time_factor"),
        ('time_zone = "Mars/Olympus"', "time_zone: 'Mars/Olympus' is no time zone"),
        ('[discovery]\nseries = ["KXSOL15M"]', "discovery.underlying: KXSOL15M has no index symbol"),
        ("live = 1\nlive = 2", "Cannot overwrite a value"),
        ("live = maybe", "Invalid value"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, text, said):
    file = tmp_path / "floor.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as refused:
        settings.load(file)
    message = str(refused.value)
    assert said in message
    assert str(file) in message
    assert "\n" not in message
    assert refused.value.exit_code == 78


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(Misconfigured, match="--settings"):
        settings.load(tmp_path / "none.toml")


def test_the_shipped_file_documents_every_key_with_its_default():
    text = (ETC / "floor.toml").read_text()
    uncommented = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    written = tomllib.loads(uncommented)
    everything = msgspec.to_builtins(Settings())
    everything["risk"] = msgspec.to_builtins(Limits())
    assert written == msgspec.json.decode(msgspec.json.encode(everything))


def test_every_shipped_file_is_accepted():
    assert {settings.load(file).environment for file in ETC.glob("*.toml")} == {"embedded"}
