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
from {{ source('kustomer', 'conversations') }} as conversation
left join {{ source('kustomer', 'customers') }} as customer on customer.id = conversation.customer_id
left join {{ ref('kustomer_people') }} as person on person.person_id = conversation.customer_id
where not coalesce(conversation.deleted, false) and not coalesce(customer.deleted, false)
