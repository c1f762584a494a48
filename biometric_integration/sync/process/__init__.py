"""Staging → check-ins: what is known about people, and how check-ins are written."""
