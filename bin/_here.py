"""Run a program under the project's own Python, whichever python3 found it. Imported first by every file in bin/.

`os.path`, not `pathlib`: this runs before every program, and the import would cost more than all the rest.
"""

import os
import sys

home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
venv = os.path.join(home, ".venv")
if os.path.realpath(sys.prefix) != os.path.realpath(venv):
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        print(f"{os.path.basename(sys.argv[0])}: no Python environment at {venv} (run `make setup`)", file=sys.stderr)
        sys.exit(78)
    if not os.access(python, os.X_OK):
        print(f"{os.path.basename(sys.argv[0])}: {python} is not for this user to run", file=sys.stderr)
        sys.exit(78)
    os.execv(python, [python, *sys.argv])
