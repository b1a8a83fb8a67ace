"""Gates of a release: what spans tables, judged by Great Expectations."""
