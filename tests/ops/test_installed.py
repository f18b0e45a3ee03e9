"""Where settings and state lie: said once, by the installer."""

from pathlib import Path

from outcry import __version__
from outcry.ops.installed import place


def test_a_checkout_uses_its_own_folders(tmp_path):
    found = place(tmp_path)
    assert (found.name, found.settings, found.state) == ("", tmp_path / "etc" / "floor.toml", tmp_path / "state")
    assert found.build == __version__


def test_an_installed_copy_uses_what_the_installer_wrote(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "installed").write_text(
        "NAME=two\nSETTINGS=/etc/two/floor.toml\nSTATE=/var/lib/two\nBUILD=0a1b2c3d4e\n"
    )
    found = place(tmp_path)
    assert (found.name, found.settings, found.state) == ("two", Path("/etc/two/floor.toml"), Path("/var/lib/two"))
    assert found.build == f"{__version__}+0a1b2c3d4e"


def test_a_program_goes_on_naming_the_build_it_was_started_with(tmp_path):
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "installed"
    file.write_text("NAME=k\nSETTINGS=/s\nSTATE=/t\nBUILD=old\n")
    assert place(tmp_path).build.endswith("+old")
    file.write_text("NAME=k\nSETTINGS=/s\nSTATE=/t\nBUILD=new\n")
    assert place(tmp_path).build.endswith("+old")
