-- Values come in cents.
select
    id as opportunity_id,
    {{ unless_deleted('closeio', 'leads', 'lead_id') }} as account_id,
    user_id as owner_id,
    pipeline_name as pipeline,
    status_label as stage,
    case status_type when 'active' then 'open' else status_type end as outcome,
    cast(value / 100.0 as decimal(18, 2)) as value,
    cast(annualized_value / 100.0 as decimal(18, 2)) as value_per_year,
    value_currency as currency,
    confidence / 100.0 as probability,
    coalesce(date_won, cast(date_lost at time zone 'UTC' as date)) as closed_on,
    date_created as created_at,
    date_updated as updated_at
from {{ living('closeio', 'opportunities') }} as opportunity
