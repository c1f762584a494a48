"""ADMS: devices that push over HTTP (essl-protocol §6, sources-protocols §2)."""
