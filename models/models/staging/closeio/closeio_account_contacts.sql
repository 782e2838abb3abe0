-- The contacts as they stand in their lead, in its order: the first is whom Close shows first.
select
    lead.id as account_id,
    contact.item ->> 'id' as person_id,
    contact.position
from {{ present('closeio', 'leads') }} as lead, {{ items_of('lead.contacts') }} as contact
-- A lead is not always touched when a contact of it is deleted.
join {{ ref('closeio_people') }} as person on person.person_id = (contact.item ->> 'id')
