-- Leads are companies; people are their contacts.
select
    lead.id as account_id,
    coalesce(lead.name, lead.display_name) as name,
    lead.status_label as status,
    cast(null as text) as owner_id,
    lead.date_created as created_at,
    lead.date_updated as updated_at
from {{ living('closeio', 'leads') }} as lead
