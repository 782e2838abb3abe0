select
    contact.id as person_id,
    {{ unless_deleted('closeio', 'leads', 'contact.lead_id') }} as account_id,
    coalesce(contact.name, contact.display_name) as name,
    contact.title,
    ((contact.emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    contact.date_created as created_at,
    contact.date_updated as updated_at
from {{ living('closeio', 'contacts') }} as contact
