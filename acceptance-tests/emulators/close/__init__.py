"""The Close emulator: strict where api.close.com is strict, silent where it is silent."""
