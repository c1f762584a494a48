"""The standalone host: the same engine and connectors on one SQLite file, without Frappe; and, in `agent`, the bridge of a LAN to a site."""
