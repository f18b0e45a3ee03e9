"""Independent checks: one file each, pure, on first records only. They share nothing with the trader but units."""
