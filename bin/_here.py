"""Run a program under the project's own Python, whichever python3 found it. Imported first by every file in bin/.

Where Outcry is installed (etc/installed says so), root becomes the floor's user first, so that nobody leaves a file
which the floor's programs cannot write; and what anybody makes, the floor's group may read and nobody else.

`os.path`, not `pathlib`: this runs before every program, and the import would cost more than all the rest.
"""

import os
import sys

CREDENTIALS = "/etc/credstore"  # where systemd takes the key from, for root alone


def become(user):
    """Leave root for good. The key that only root may read comes along in memory."""
    import pwd

    facts = pwd.getpwnam(user)
    key = os.path.join(CREDENTIALS, f"{user}.pem")
    if os.path.exists(key) and not os.environ.get("OUTCRY_KEY_FILE"):
        with open(key, "rb") as file:
            secret = os.memfd_create("key", 0)
            os.write(secret, file.read())
        os.fchmod(secret, 0o600)
        os.fchown(secret, facts.pw_uid, facts.pw_gid)
        os.environ["OUTCRY_KEY_FILE"] = f"/proc/self/fd/{secret}"
    os.environ["HOME"] = facts.pw_dir
    os.initgroups(user, facts.pw_gid)
    os.setgid(facts.pw_gid)
    os.setuid(facts.pw_uid)


home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
venv = os.path.join(home, ".venv")
installed = os.path.join(home, "etc", "installed")
if os.path.exists(installed):
    os.umask(0o027)
    if os.geteuid() == 0:
        with open(installed) as lines:
            become(dict(line.rstrip("\n").split("=", 1) for line in lines)["NAME"])
if os.path.realpath(sys.prefix) != os.path.realpath(venv):
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        print(f"{os.path.basename(sys.argv[0])}: no Python environment at {venv} (run `make setup`)", file=sys.stderr)
        sys.exit(78)
    if not os.access(python, os.X_OK):
        print(f"{os.path.basename(sys.argv[0])}: {python} is not for this user to run", file=sys.stderr)
        sys.exit(78)
    os.execv(python, [python, *sys.argv])
