"""Change the code of domain/ and risk/ a little, a thousand ways, and see whether their tests notice each change.

A change that no test notices is a survivor: either a test is missing, or the change makes no difference. Those that
remain are explained in docs/mutation.md. mutmut knows sources only as `src/`, so it works in a copy of its own.

usage  python tests/mutants.py [MUTANT...]      a mutant's name as listed, or a pattern such as 'outcry.risk.per_agent*'
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / "build" / "mutants"
ROOMS = ("domain", "risk")
SETTINGS = f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{", ".join(f'"src/outcry/{room}/*"' for room in ROOMS)}]
also_copy = ["sql", "etc"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-seed=0"]
pytest_add_cli_args_test_selection = [{", ".join(f'"tests/{room}"' for room in ROOMS)}]

[tool.pytest.ini_options]
pythonpath = ["src", "tests/support"]
addopts = "-q --strict-markers --import-mode=importlib -p no:schemathesis"
filterwarnings = ["error"]
markers = ["floor: starts processes", "recorded: needs recordings", "deep: takes minutes"]
"""


def main(names: list[str]) -> int:
    _copy()
    mutmut = Path(sys.executable).with_name("mutmut")
    done = subprocess.run([mutmut, "run", *names], cwd=COPY, check=False)
    if done.returncode:
        return done.returncode
    print("\nnot noticed (`mutmut show NAME` in build/mutants shows the change):")
    return subprocess.run([mutmut, "results"], cwd=COPY, check=False).returncode


def _copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for old, new in (("lib/outcry", "src/outcry"), ("tests", "tests"), ("sql", "sql"), ("etc", "etc")):
        shutil.copytree(ROOT / old, COPY / new, ignore=shutil.ignore_patterns("__pycache__"))
    (COPY / "pyproject.toml").write_text(SETTINGS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
