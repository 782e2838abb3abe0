-- A mailing that was delivered goes out; its answer has no record of its own, only a time.
with mailings as (
    select *, cast(id as text) as key from {{ living('outreach', 'mailings') }} as mailing
),

touches as (
    select
        'mailing/' || key as touch_id, 'email' as channel, 'out' as direction, deliveredat as happened_at, userid,
        prospectid, sequenceid, 'mailing/' || key as conversation_id, cast(null as text) as sentiment
    from mailings
    where deliveredat is not null
    union all
    select
        'reply/' || key, 'email', 'in', repliedat, null, prospectid, sequenceid, 'mailing/' || key, replysentiment
    from mailings
    where repliedat is not null
    union all
    select
        'call/' || cast(id as text), 'call', case when direction = 'inbound' then 'in' else 'out' end,
        coalesce(dialedat, answeredat, createdat), userid, prospectid, sequenceid, null, null
    from {{ living('outreach', 'calls') }} as call
)

select
    touches.touch_id,
    touches.channel,
    touches.direction,
    touches.happened_at,
    cast(touches.userid as text) as user_id,
    person.account_id,
    cast({{ unless_deleted('outreach', 'prospects', 'touches.prospectid') }} as text) as person_id,
    cast({{ unless_deleted('outreach', 'sequences', 'touches.sequenceid') }} as text) as campaign_id,
    touches.conversation_id,
    false as is_automatic,
    touches.sentiment
from touches
left join {{ ref('outreach_people') }} as person on person.person_id = cast(touches.prospectid as text)
