-- Campaigns and sequences: whom they reach and who answers. `people` are in the campaign or were written to.
{{ config(enabled=loaded(['closeio', 'persistiq', 'outreach']) | length > 0) }}
with campaigns as (
    {{ union_of('campaigns', ['campaign_id', 'kind', 'name', 'status'], ['closeio', 'persistiq', 'outreach']) }}
),

members as (
    {{ union_of('campaign_members', ['campaign_id', 'person_id'], ['closeio', 'persistiq', 'outreach']) }}
),

involved as (
    select
        system, campaign_id, person_id, 0 as messages, 0 as replies, 0 as positive_replies
    from members
    union all
    select
        system,
        campaign_id,
        person_id,
        case when direction = 'out' then 1 else 0 end,
        case when direction = 'in' and not is_automatic then 1 else 0 end,
        case when direction = 'in' and not is_automatic and sentiment = 'positive' then 1 else 0 end
    from {{ ref('touches') }}
    where campaign_id is not null
),

sums as (
    select
        system,
        campaign_id,
        count(distinct person_id) as people,
        count(distinct case when replies > 0 then person_id end) as people_who_replied,
        count(distinct case when positive_replies > 0 then person_id end) as people_who_replied_positively,
        sum(messages) as messages,
        sum(replies) as replies
    from involved
    group by 1, 2
)

select
    campaigns.*,
    coalesce(sums.people, 0) as people,
    coalesce(sums.people_who_replied, 0) as people_who_replied,
    coalesce(sums.people_who_replied_positively, 0) as people_who_replied_positively,
    coalesce(sums.messages, 0) as messages,
    coalesce(sums.replies, 0) as replies
from campaigns
left join sums on sums.system = campaigns.system and sums.campaign_id = campaigns.campaign_id
