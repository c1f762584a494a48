"""Installations of all kinds, on a site of their own: from an older commit, ones that broke off, and what is left of one. See `.ci/upgrade-test`."""
