-- The changes that Close tells of, and the entry of each opportunity into the stage from which the first change led away.
with changes as (
    select
        change.id as movement_id,
        change.opportunity_id,
        {{ unless_deleted('closeio', 'leads', 'change.lead_id') }} as account_id,
        change.user_id,
        change.activity_at as moved_at,
        change.old_status_label as from_stage,
        change.new_status_label as to_stage,
        case change.old_status_type when 'active' then 'open' else change.old_status_type end as from_outcome,
        case change.new_status_type when 'active' then 'open' else change.new_status_type end as to_outcome,
        row_number() over (partition by change.opportunity_id order by change.activity_at, change.id) as number
    from {{ living('closeio', 'opportunity_status_change_activities') }} as change
    where not {{ is_deleted('closeio', 'opportunities', 'change.opportunity_id') }}
)

select
    opportunity.opportunity_id as movement_id,
    opportunity.opportunity_id,
    opportunity.account_id,
    opportunity.owner_id as user_id,
    opportunity.created_at as moved_at,
    cast(null as text) as from_stage,
    coalesce(changes.from_stage, opportunity.stage) as to_stage,
    coalesce(changes.from_outcome, opportunity.outcome) as to_outcome
from {{ ref('closeio_opportunities') }} as opportunity
left join changes on changes.opportunity_id = opportunity.opportunity_id and changes.number = 1
union all
select movement_id, opportunity_id, account_id, user_id, moved_at, from_stage, to_stage, to_outcome
from changes
