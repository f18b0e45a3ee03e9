"""The auditor's parts: first records read, past recomputed, findings kept."""
