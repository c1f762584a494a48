"""The bridge: an agent in the LAN that reads servers and takes what devices push, and brings both to a site (docs/bridge.md)."""
