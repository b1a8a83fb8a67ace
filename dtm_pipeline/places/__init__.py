"""Where a row is: codes, names, points, boundary editions."""

from dtm_pipeline.places.gazetteer import Gazetteer
from dtm_pipeline.places.resolve import resolve

__all__ = ["Gazetteer", "resolve"]
