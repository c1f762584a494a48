"""The standalone host: the same engine and connectors on one SQLite file, without Frappe."""
