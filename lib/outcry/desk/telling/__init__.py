"""Parts of the report and the briefing."""
