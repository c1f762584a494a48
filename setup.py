"""For tools that still look for this file. pyproject.toml says everything, and pip is what reads it."""

if __name__ == "__main__":
	raise SystemExit("Install with pip: python -m pip install .")
