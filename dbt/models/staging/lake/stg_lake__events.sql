{#-
What the ledger counts as records: labels and frames that are parts of an answer or a line are not asked, and neither
are metrics of a job or run, which come with it.
-#}
{%- set tables = [
    'cloudwatch_metrics', 'endpoint_variants', 'labeling_job_states', 'labeling_jobs', 'management_events',
    'manifest_entries', 'model_predictions', 'trail_digests', 'training_jobs', 'training_log_metrics',
    'training_metrics', 'trial_components', 'worker_events', 'worker_responses', 'workers', 'workteams',
] -%}

{%- for table in tables %}
select
    unit_uri,
    unit_version,
    loaded_at,
    event_at,
    {{ reporting_date('event_at') }} as event_date
from {{ source('raw', table) }}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
