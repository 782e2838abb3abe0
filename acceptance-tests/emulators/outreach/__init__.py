"""An emulation of the Outreach API v2 (api.outreach.io)."""
