-- What was sent is an event, what came back a reply. A lead and a campaign make a conversation. Events outlive both.
with sent as (
    select id, event_at, user_id, lead ->> 'id' as lead_id, campaign ->> 'id' as campaign_id
    from {{ source('persistiq', 'events') }}
    where kind = 'message_sent'
)

select
    id as touch_id,
    'email' as channel,
    'out' as direction,
    event_at as happened_at,
    user_id,
    person.account_id,
    {{ unless_deleted('persistiq', 'leads', 'lead_id') }} as person_id,
    {{ unless_deleted('persistiq', 'campaigns', 'campaign_id') }} as campaign_id,
    campaign_id || '/' || lead_id as conversation_id,
    false as is_automatic,
    cast(null as text) as sentiment
from sent
left join {{ ref('persistiq_people') }} as person on person.person_id = sent.lead_id
union all
select
    id,
    'email',
    'in',
    sent_at,
    null,
    person.account_id,
    {{ unless_deleted('persistiq', 'leads', 'lead_id') }},
    {{ unless_deleted('persistiq', 'campaigns', 'campaign_id') }},
    campaign_id || '/' || lead_id,
    kind <> 'reply',  -- an answer of a machine, as that somebody is out of office
    sentiment
from {{ living('persistiq', 'campaign_replies') }} as reply
left join {{ ref('persistiq_people') }} as person on person.person_id = reply.lead_id
