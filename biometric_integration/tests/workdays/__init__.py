"""A simulated month: what people did, what came of it in Frappe HR, and what is said about it."""
