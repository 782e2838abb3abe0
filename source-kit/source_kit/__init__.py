"""The engine that the four sources share."""
