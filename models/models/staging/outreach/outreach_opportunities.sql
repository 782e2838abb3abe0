-- A closed stage does not say how it ended; the probability does.
select
    cast(opportunity.id as text) as opportunity_id,
    cast({{ unless_deleted('outreach', 'accounts', 'opportunity.accountid') }} as text) as account_id,
    cast(opportunity.ownerid as text) as owner_id,
    cast(null as text) as pipeline,
    stage.name as stage,
    case when not coalesce(stage.isclosed, false) then 'open' when opportunity.probability = 100 then 'won' else 'lost' end as outcome,
    cast(opportunity.amount as decimal(18, 2)) as value,
    cast(null as decimal(18, 2)) as value_per_year,
    opportunity.currencytype as currency,
    opportunity.probability / 100.0 as probability,
    cast(opportunity.closedate at time zone 'UTC' as date) as closed_on,
    opportunity.createdat as created_at,
    opportunity.updatedat as updated_at
from {{ living('outreach', 'opportunities') }} as opportunity
left join {{ source('outreach', 'opportunity_stages') }} as stage on stage.id = opportunity.opportunitystageid
