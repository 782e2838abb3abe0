"""The PersistIQ emulator: api.persistiq.com as its documentations and probes tell, each doubt an option."""
