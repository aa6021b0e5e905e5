"""Every instance that was measured."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import UTILIZATIONS
from labelhouse.reports.operations_encoding import nothing_of

REPORT = Report(
    name="instance_table",
    page="operations",
    order=70,
    title="Instances",
    question="Which instances are worked to the limit, and which are paid for and idle?",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {UTILIZATIONS.strip()}
        select
            resource_kind,
            resource_name,
            variant_name,
            host_name,
            nullif(concat_ws(
                '; ',
                case when bool_or(is_over_100) then 'over 100 %' end,
                case when max(highest_pct) < 5 then 'idle' end
            ), '') as flags,
            avg(cpu_pct) as cpu_pct,
            max(cpu_pct) as highest_cpu_pct,
            max(cpu_normalized_pct) as highest_cpu_normalized_pct,
            avg(gpu_pct) as gpu_pct,
            max(gpu_pct) as highest_gpu_pct,
            max(gpu_normalized_pct) as highest_gpu_normalized_pct,
            max(memory_pct) as highest_memory_pct,
            max(gpu_memory_pct) as highest_gpu_memory_pct,
            max(disk_pct) as highest_disk_pct,
            max_by(instance_count, period_at) as instance_count,
            count(*) filter (where is_over_100) as over_100_count,
            count(*) as period_count,
            min(period_at) as first_period_at,
            max(period_at) as last_period_at
        from utilizations
        group by resource_kind, resource_name, variant_name, host_name
        order by max(highest_pct) desc nulls last, resource_name, variant_name, host_name
    """,
    fields=(
        Field("resource_name", "Of", "resource"),
        Field("resource_kind", "Kind"),
        Field("variant_name", "Variant"),
        Field("host_name", "Instance"),
        Field("flags", "Look at", "flags"),
        Field("cpu_pct", "CPU, mean", "pct"),
        Field("highest_cpu_pct", "highest", "pct"),
        Field("highest_cpu_normalized_pct", "of all cores", "pct"),
        Field("gpu_pct", "GPU, mean", "pct"),
        Field("highest_gpu_pct", "highest", "pct"),
        Field("highest_gpu_normalized_pct", "of all GPUs", "pct"),
        Field("highest_memory_pct", "Memory", "pct"),
        Field("highest_gpu_memory_pct", "GPU memory", "pct"),
        Field("highest_disk_pct", "Disk", "pct"),
        Field("instance_count", "Instances", "count"),
        Field("over_100_count", "Periods over 100 %", "count"),
        Field("period_count", "Periods", "count"),
        Field("last_period_at", "Last", "time"),
    ),
    empty=nothing_of("utilisation of an instance", "cloudwatch_metrics"),
)
