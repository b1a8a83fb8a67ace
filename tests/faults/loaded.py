"""What a run imports, loaded once in the server that faulty runs are forked from. Nothing here starts a thread."""

from __future__ import annotations

import checks.publication.gates
import dtm_pipeline.cli.run
import dtm_pipeline.execute
import sources.child
import sources.readers

__all__ = ["checks", "dtm_pipeline", "sources"]
