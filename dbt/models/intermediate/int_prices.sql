with prices as (

    {{ prices() }}

)

select
    price_kind,
    price_name,
    price_usd
from prices
