"""Files of punches: what a device writes on a USB stick, and what servers export (sources-protocols §4)."""
