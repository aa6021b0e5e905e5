"""Ground Truth's output: what the source `labeling_output` is made of. Nothing here is a source."""
