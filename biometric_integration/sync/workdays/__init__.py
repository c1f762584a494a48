"""Check-ins → attendance."""
