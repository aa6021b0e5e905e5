"""The SQL that the reports of Training share: which runs, and which metric of them, the page's filters choose."""

from __future__ import annotations

#: The runs that every filter but `$run` chooses, those without a metric too. A CTE. A run is of the day that it
#: started on: the first of its points, else as its training job says.
ALL_RUNS = """
        all_runs as (
            select dim_run.run_id
            from dim_run
            left join fct_run_metric as metrics using (run_id)
            where
                ($experiment is null or dim_run.experiment_name = $experiment)
                and ($account is null or dim_run.account_id = $account)
                and ($resource_type is null or dim_run.resource_type = $resource_type)
            group by dim_run.run_id, dim_run.started_at
            having
                (
                    $from_date is null
                    or coalesce(min(metrics.start_date), cast(dim_run.started_at as date)) >= $from_date
                )
                and (
                    $until_date is null
                    or coalesce(min(metrics.start_date), cast(dim_run.started_at as date)) <= $until_date
                )
                and ($metric is null or bool_or($metric in (metrics.metric_name, metrics.metric_base_name)))
        )
"""

#: The runs that the filters choose. CTEs.
RUNS = f"""
        {ALL_RUNS.strip()},
        runs as (
            select run_id from all_runs where $run is null or list_contains($run, run_id)
        )
"""

#: Whether a row of a mart with the columns of a metric is of the chosen metric; every metric is where none is.
OF_CHOSEN_METRIC = "($metric is null or $metric in (metric_name, metric_base_name))"


def shown_metric(runs: str) -> str:
    """The metric that is drawn, as a CTE: the chosen one, else the base metric with the most runs of the CTE `runs`.

    Of several with as many runs, one that has train and validation goes first.
    """
    return f"""
        shown_metric as (
            select coalesce(
                $metric,
                (
                    select metric_base_name
                    from fct_run_metric
                    where run_id in (select run_id from {runs})
                    group by metric_base_name
                    order by count(distinct run_id) desc, count(distinct dataset_split) desc, metric_base_name
                    limit 1
                )
            ) as metric
        )
"""


#: A criterion in words.
CRITERION = """
            case
                when minimum_value is not null then '≥ ' || cast(minimum_value as varchar)
                when maximum_value is not null then '≤ ' || cast(maximum_value as varchar)
            end
"""

#: What asks for a look at one metric of a run, in words; NULL where nothing does.
METRIC_FLAGS = """
            nullif(concat_ws(
                '; ',
                case when not meets_criterion then 'misses criterion' end,
                case when is_diverging then 'diverging' end,
                case when is_dip then 'dip' end,
                case when nan_count > 0 then nan_count || ' NaN' end
            ), '')
"""
