select
    id as account_id,
    name,
    cast(null as text) as status,
    cast(null as text) as owner_id,
    created_at,
    updated_at
from {{ living('kustomer', 'companies') }} as company
