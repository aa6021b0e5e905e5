"""CloudTrail's files: what the sources `cloudtrail` and `trail_digests` are made of. Nothing here is a source."""
