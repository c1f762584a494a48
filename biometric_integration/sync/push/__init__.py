"""Devices that push to this site (ADMS): who may speak, and where it is kept."""
