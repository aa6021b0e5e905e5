"""What the sources of trainings share: AWS's answers, metric definitions, and lines of logs."""
