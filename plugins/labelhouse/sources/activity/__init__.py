"""Parts of the source `worker_activity`: the log group, deliveries of it, and their records."""
