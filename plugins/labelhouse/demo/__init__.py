"""The demo: a simulated AWS account that lives, and one command that starts it with Airflow beside it.

`world` says what happens (workers, jobs, answers) as a function of a seed and a start; `ground_truth`
how AWS writes it down; `account` serves it as S3. `python -m labelhouse.demo` starts everything.
Nothing imports this package.
"""
