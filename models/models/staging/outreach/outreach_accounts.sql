select
    cast(id as text) as account_id,
    name,
    cast(null as text) as status,
    cast(ownerid as text) as owner_id,
    createdat as created_at,
    updatedat as updated_at
from {{ living('outreach', 'accounts') }} as account
