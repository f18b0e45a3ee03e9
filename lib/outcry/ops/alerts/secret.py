"""Passwords and addresses that are as good as one: files, readable by their owner only; never settings."""

import os
import stat
from pathlib import Path

from outcry.domain.errors import Misconfigured


class Secrets:
    """Looked for among systemd's credentials, then where $OUTCRY_NAME_FILE says, then in the floor's folder.

    `smtp.password` is named by $OUTCRY_SMTP_PASSWORD_FILE.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, name: str) -> Path:
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if credentials and (Path(credentials) / name).exists():
            return Path(credentials) / name
        variable = f"OUTCRY_{name.upper().replace('.', '_')}_FILE"
        return Path(os.environ.get(variable) or self._folder / name)

    def read(self, name: str) -> str:
        """Raises Misconfigured when there is none, or others may read it."""
        file = self.file(name)
        try:
            if stat.S_IMODE(file.stat().st_mode) & 0o077 and file.parent != Path(
                os.environ.get("CREDENTIALS_DIRECTORY", "-")
            ):
                raise Misconfigured(f"others may read {file}", f"chmod 600 {file}")
            return file.read_text().strip()
        except FileNotFoundError:
            raise Misconfigured(f"no {name} at {file}", "put it there, chmod 600") from None

    def maybe(self, name: str) -> str:
        """The same, or "" when there is none."""
        return self.read(name) if self.file(name).exists() else ""
