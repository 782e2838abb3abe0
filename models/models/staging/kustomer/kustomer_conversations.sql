-- What hung on a deleted customer goes with it.
select
    conversation.id as conversation_id,
    conversation.customer_id as person_id,
    person.account_id,
    conversation.name as subject,
    conversation.status,
    conversation.priority,
    conversation.created_at,
    conversation.updated_at
from {{ living('kustomer', 'conversations') }} as conversation
left join {{ ref('kustomer_people') }} as person on person.person_id = conversation.customer_id
where not {{ is_deleted('kustomer', 'customers', 'conversation.customer_id') }}
