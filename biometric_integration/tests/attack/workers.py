"""What runs in the worker processes of the attacks."""

from __future__ import annotations

from datetime import datetime

from biometric_integration.sync import jobs
from biometric_integration.tests.attack.rig import Site, connected


def pull(site: Site, server: str, moment: datetime) -> None:
	"""The job of the queue, at this moment (aware UTC) of the history. An exception ends the process with exit code 1."""
	with connected(site):
		jobs._utc_now = lambda: moment
		jobs.pull_server(server)
