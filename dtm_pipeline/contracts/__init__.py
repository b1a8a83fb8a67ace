"""One plain declaration per table; schemas, dictionaries and metadata are derived from it."""

from dtm_pipeline.contracts.model import Column, Rule, Table
from dtm_pipeline.contracts.registry import TABLES, published_tables, table

__all__ = ["TABLES", "Column", "Rule", "Table", "published_tables", "table"]
