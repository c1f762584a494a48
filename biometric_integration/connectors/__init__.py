"""One file per server type, on one transport. Start at `registry.connect`."""
