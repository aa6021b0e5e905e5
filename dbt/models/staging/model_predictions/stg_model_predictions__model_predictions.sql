with source as (

    select * from {{ source('raw', 'model_predictions') }}

),

renamed as (

    select
        event_id,
        prediction_index,
        {{ id_of("event_id || '#' || cast(prediction_index as varchar)") }} as prediction_id,
        endpoint_name,
        variant_name,
        event_at,
        {{ reporting_date('event_at') }} as event_date,
        prediction_label,
        {{ finite('prediction_value') }} as prediction_value,
        {{ finite('confidence_ratio') }} as confidence_ratio,
        inputs
    from source

)

select * from renamed
