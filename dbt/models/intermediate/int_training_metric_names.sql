with names as (

    select distinct metric_name from {{ ref('int_training_points') }}

),

criteria as (

    {{ minimum_criteria() }}

),

prefixes as (

    select
        prefixes.prefix,
        prefixes.dataset_split
    from
        (
            values
            ('train', 'train'),
            ('training', 'train'),
            ('val', 'validation'),
            ('valid', 'validation'),
            ('validation', 'validation'),
            ('eval', 'validation'),
            ('test', 'test')
        ) as prefixes (prefix, dataset_split)

),

-- parts of names that tell, between spaces where they are words of their own
hints as (

    select
        hints.hint,
        hints.is_higher_better
    from
        (
            values
            ('accuracy', 1), (' acc ', 1), ('precision', 1), ('recall', 1), ('auc', 1), (' f1', 1), ('score', 1),
            ('iou ', 1), (' map ', 1), ('bleu', 1), ('rouge', 1), ('ndcg', 1), ('dice', 1), ('reward', 1), (' r2 ', 1),
            ('loss', 0), ('error', 0), (' err ', 0), ('entropy', 0), ('perplexity', 0), ('deviance', 0), ('mse ', 0),
            ('mae ', 0), ('mape ', 0), ('rmsle ', 0), (' nll ', 0), (' wer ', 0), (' cer ', 0), (' fid ', 0)
        ) as hints (hint, is_higher_better)

),

spelled as (

    select
        metric_name,
        ' ' || translate(lower(metric_name), ':_/-.', '     ') || ' ' as words
    from names

),

-- less is better where a name says both: an accuracy loss
directions as (

    select
        spelled.metric_name,
        min(hints.is_higher_better) = 1 as is_higher_better
    from spelled
    inner join hints on spelled.words like '%' || hints.hint || '%'
    group by spelled.metric_name

),

splits as (

    select
        spelled.metric_name,
        prefixes.dataset_split,
        substring(spelled.metric_name, length(prefixes.prefix) + 2) as metric_base_name
    from spelled
    inner join prefixes
        on
            left(spelled.words, length(prefixes.prefix) + 2) = ' ' || prefixes.prefix || ' '
            and length(spelled.metric_name) > length(prefixes.prefix) + 1

)

select
    names.metric_name,
    splits.dataset_split,
    coalesce(splits.metric_base_name, names.metric_name) as metric_base_name,
    case
        when criteria.minimum_value is not null then true
        when criteria.maximum_value is not null then false
        else directions.is_higher_better
    end as is_higher_better,
    criteria.minimum_value,
    criteria.maximum_value
from names
left join splits on names.metric_name = splits.metric_name
left join directions on names.metric_name = directions.metric_name
left join criteria on names.metric_name = criteria.metric_name
