"""Run a program under the project's own Python, whichever python3 found it. Imported first by every file in bin/."""

import os
import sys

home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
python = os.path.join(home, ".venv", "bin", "python")
if os.path.realpath(sys.prefix) != os.path.join(home, ".venv"):
    if not os.path.exists(python):
        sys.exit(f"{os.path.basename(sys.argv[0])}: no Python environment at {home}/.venv (run `make setup` first)")
    os.execv(python, [python, *sys.argv])
