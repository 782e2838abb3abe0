select
    id as person_id,
    lead_id as account_id,
    coalesce(name, display_name) as name,
    title,
    ((emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    date_created as created_at,
    date_updated as updated_at
from {{ present('closeio', 'contacts') }} as contact
