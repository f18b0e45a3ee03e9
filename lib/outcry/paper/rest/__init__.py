"""REST: one file a group of calls, and the shapes they answer in."""
