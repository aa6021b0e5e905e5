"""The demo: a simulated AWS account that lives, and one command that starts it with Airflow beside it.

As a function of a seed and a start, `world` says what is labelled and `ground_truth` how AWS writes it down,
`training_runs` says what is trained (and what goes wrong in it) and `trail` what CloudTrail delivers of it;
`workforce` says what jobs, team and people look like meanwhile and `worker_log` what is logged of them.
`drifts` says what changes unannounced in the one and the other. `account` serves all of it at the present time: S3
by moto, the rest by `server` before it; `notices` is where its operators are told of alarms.
`python -m labelhouse.demo` starts everything. Nothing imports this package.
"""
