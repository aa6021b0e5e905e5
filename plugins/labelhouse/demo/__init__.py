"""The demo: a simulated AWS account that lives, and one command that starts it with Airflow beside it.

As a function of a seed and a start, `world` says what is labelled and `ground_truth` how AWS writes it down,
`training_runs` says what is trained (and what goes wrong in it) and `trail` what CloudTrail delivers of it;
`account` serves both as S3. `python -m labelhouse.demo` starts everything.
Nothing imports this package.
"""
