"""Custom objects: over all leads there is only Advanced Filtering (`GET /custom_object/` wants a lead)."""

from __future__ import annotations

from source_closeio.searched import Searched


class CustomObjects(Searched):
    """Every custom object of every type, by `date_updated`."""

    name = "custom_objects"
    object_type = "custom_object"
    record_resource = "custom_object/"
    custom_type = "custom_object"
