"""Parts of the source `cloudwatch_metrics`: the catalog of metrics, CloudWatch itself, and its answers."""
