with objects as (

    select * from {{ ref('int_labeled_objects') }}

),

reviews as (

    select * from {{ ref('int_label_reviews') }}

),

last_reviews as (

    select
        labeling_job_name,
        dataset_object_id,
        review_job_name,
        is_verification,
        verification_result,
        reviewed_at,
        row_number() over (
            partition by labeling_job_name, dataset_object_id, is_verification
            order by reviewed_at desc nulls last, review_job_name asc
        ) as age_rank
    from reviews

),

first_reviewed as (

    select
        *,
        row_number() over (
            partition by review_job_name, review_object_id
            order by labeled_at asc nulls first, labeling_job_name asc
        ) as age_rank
    from reviews

),

origins as (

    select * from first_reviewed
    where age_rank = 1 and not is_verification

),

adjustments as (

    select * from last_reviews
    where age_rank = 1 and not is_verification

),

verifications as (

    select * from last_reviews
    where age_rank = 1 and is_verification

),

-- where no other job adjusted the label after it, the job itself is the last one that did
traced as (

    select
        objects.labeling_job_name,
        objects.dataset_object_id,
        coalesce(origins.labeling_job_name, objects.labeling_job_name) as labeled_by_job_name,
        coalesce(
            adjustments.review_job_name,
            case
                when origins.labeling_job_name is not null or objects.is_adjusted is not null
                    then objects.labeling_job_name
            end
        ) as adjusted_by_job_name,
        case
            when adjustments.review_job_name is not null then adjustments.reviewed_at
            when origins.labeling_job_name is not null or objects.is_adjusted is not null then objects.labeled_at
        end as adjusted_at,
        verifications.review_job_name as verified_by_job_name,
        verifications.verification_result,
        verifications.reviewed_at as verified_at,
        adjustments.review_job_name is null as is_current
    from objects
    left join origins
        on
            objects.labeling_job_name = origins.review_job_name
            and objects.dataset_object_id = origins.review_object_id
    left join adjustments
        on
            objects.labeling_job_name = adjustments.labeling_job_name
            and objects.dataset_object_id = adjustments.dataset_object_id
    left join verifications
        on
            objects.labeling_job_name = verifications.labeling_job_name
            and objects.dataset_object_id = verifications.dataset_object_id

),

-- on its own row a verification stands with the label that it looked at
own_verifications as (

    select
        reviews.review_job_name,
        reviews.review_object_id,
        reviews.verification_result,
        reviews.reviewed_at,
        traced.labeled_by_job_name,
        traced.adjusted_by_job_name,
        traced.adjusted_at
    from reviews
    inner join traced
        on
            reviews.labeling_job_name = traced.labeling_job_name
            and reviews.dataset_object_id = traced.dataset_object_id
    where reviews.is_verification

)

select
    traced.labeling_job_name,
    traced.dataset_object_id,
    coalesce(own_verifications.labeled_by_job_name, traced.labeled_by_job_name) as labeled_by_job_name,
    coalesce(own_verifications.adjusted_by_job_name, traced.adjusted_by_job_name) as adjusted_by_job_name,
    coalesce(own_verifications.adjusted_at, traced.adjusted_at) as adjusted_at,
    coalesce(own_verifications.review_job_name, traced.verified_by_job_name) as verified_by_job_name,
    coalesce(own_verifications.verification_result, traced.verification_result) as verification_result,
    coalesce(own_verifications.reviewed_at, traced.verified_at) as verified_at,
    traced.is_current
from traced
left join own_verifications
    on
        traced.labeling_job_name = own_verifications.review_job_name
        and traced.dataset_object_id = own_verifications.review_object_id
