"""Drives a connector as its users do, and judges what it says. Knows the protocol, no vendor."""
