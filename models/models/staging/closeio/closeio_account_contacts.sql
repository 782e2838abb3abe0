-- The contacts as they stand in their lead, in its order: the first is the one that Close shows first.
select
    lead.id as account_id,
    (contact.item ->> 'id') as person_id,
    contact.position
from {{ living('closeio', 'leads') }} as lead
cross join {{ items_of('lead.contacts') }} as contact
-- A lead does not change when a contact of it is deleted.
where not {{ is_deleted('closeio', 'contacts', "(contact.item ->> 'id')") }}
