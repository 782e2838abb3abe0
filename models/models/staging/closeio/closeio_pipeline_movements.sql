-- The changes that Close tells of, and the entry of each opportunity into the stage from which the first change led away.
with changes as (
    select
        id as movement_id,
        opportunity_id,
        user_id,
        activity_at as moved_at,
        old_status_label as from_stage,
        new_status_label as to_stage,
        case new_status_type when 'active' then 'open' else new_status_type end as to_outcome,
        row_number() over (partition by opportunity_id order by activity_at, id) as number
    from {{ present('closeio', 'opportunity_status_change_activities') }} as change
)

select
    opportunity.opportunity_id as movement_id,
    opportunity.opportunity_id,
    opportunity.account_id,
    opportunity.owner_id as user_id,
    opportunity.created_at as moved_at,
    cast(null as text) as from_stage,
    coalesce(first_change.from_stage, opportunity.stage) as to_stage,
    'open' as to_outcome
from {{ ref('closeio_opportunities') }} as opportunity
left join changes as first_change
    on first_change.opportunity_id = opportunity.opportunity_id and first_change.number = 1
union all
select movement_id, opportunity_id, opportunity.account_id, user_id, moved_at, from_stage, to_stage, to_outcome
from changes
join {{ ref('closeio_opportunities') }} as opportunity using (opportunity_id)
