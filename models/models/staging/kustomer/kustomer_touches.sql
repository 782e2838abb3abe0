-- What hung on a deleted conversation goes with it.
select
    message.id as touch_id,
    case message.channel when 'voice' then 'call' else message.channel end as channel,
    message.direction,
    coalesce(message.sent_at, message.created_at) as happened_at,
    case when message.direction = 'out' then message.created_by_id end as user_id,
    conversation.account_id,
    coalesce(conversation.person_id, {{ unless_deleted('kustomer', 'customers', 'message.customer_id') }}) as person_id,
    cast(null as text) as campaign_id,
    message.conversation_id,
    coalesce(message.auto, false) as is_automatic,
    cast(null as text) as sentiment
from {{ living('kustomer', 'messages') }} as message
left join {{ source('kustomer', 'conversations') }} as stored on stored.id = message.conversation_id
left join {{ ref('kustomer_conversations') }} as conversation on conversation.conversation_id = stored.id
where (stored.id is null or conversation.conversation_id is not null)
    and not {{ is_deleted('kustomer', 'conversations', 'message.conversation_id') }}
