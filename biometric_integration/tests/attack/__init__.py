"""Attacks: what has to be true after everything has gone wrong, many times over, at random.

No test runner picks these up, as they take minutes. Those that need a site run on a bench, against a site of their own:

    bench --site attack.localhost execute biometric_integration.tests.attack.kill.run
    bench --site attack.localhost execute biometric_integration.tests.attack.race.run
    bench --site attack.localhost execute biometric_integration.tests.attack.restart.run (see there for its arguments)
    bench --site attack.localhost execute biometric_integration.tests.attack.dead.run

They refuse a site that holds anything they have not made. The others need no site:

    python -m biometric_integration.tests.attack.fuzz --rows 1000000
    python -m biometric_integration.tests.attack.faults
    python -m biometric_integration.tests.attack.weeks --seeds 20
    python -m biometric_integration.tests.attack.bridge --kills 50

Each prints what it did and what it found, and ends with an exit code other than 0 where anything is not as it should be.
"""
