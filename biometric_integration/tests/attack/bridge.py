"""The bridge, killed at random moments while servers are read, devices push and the site misbehaves.

	python -m biometric_integration.tests.attack.bridge --kills 50 --seed 1

Each punch of the truth has to be at the site exactly once in the end. Prints the figures; ends with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import unittest

from biometric_integration.tests.unit.test_bridge_process import RunningTest, attack


def main(arguments: list[str] | None = None) -> int:
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("--kills", type=int, default=50)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--seeds", type=int, default=1, help="so many seeds, one after the other")
	asked = parser.parse_args(arguments)
	bad = [seed for seed in range(asked.seed, asked.seed + asked.seeds) if not _attacked(asked.kills, seed)]
	print(f"{asked.seeds} seeds, {len(bad)} bad{': ' if bad else ''}{', '.join(map(str, bad))}")
	return 1 if bad else 0


def _attacked(kills: int, seed: int) -> bool:
	class Attack(RunningTest):
		def runTest(self):
			print(attack(kills, seed, self), flush=True)

	return unittest.TextTestRunner(verbosity=0).run(Attack()).wasSuccessful()


if __name__ == "__main__":
	sys.exit(main())
