-- Leads are companies; people are their contacts.
select
    id as account_id,
    coalesce(name, display_name) as name,
    status_label as status,
    cast(null as text) as owner_id,
    date_created as created_at,
    date_updated as updated_at
from {{ present('closeio', 'leads') }} as lead
