"""What every program needs: options, exit codes, settings, logs, lock, supervisor."""
