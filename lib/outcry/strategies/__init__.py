"""One file a strategy: settings in, intent out. No I/O."""
