"""Bridges in a LAN (docs/bridge.md): what they report is believed, or not, and what they are told."""
