select
    contact.id as person_id,
    contact.lead_id as account_id,
    coalesce(contact.name, contact.display_name) as name,
    contact.title,
    ((contact.emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    contact.date_created as created_at,
    contact.date_updated as updated_at
from {{ source('closeio', 'contacts') }} as contact
where not {{ is_deleted('contact.id') }}
