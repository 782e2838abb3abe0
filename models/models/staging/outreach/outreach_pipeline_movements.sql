-- Outreach tells no history: one movement for each opportunity, its entry, with the stage where it is now.
select
    opportunity_id as movement_id,
    opportunity_id,
    account_id,
    owner_id as user_id,
    created_at as moved_at,
    cast(null as text) as from_stage,
    stage as to_stage,
    outcome as to_outcome
from {{ ref('outreach_opportunities') }}
