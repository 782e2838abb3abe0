select
    id as user_id,
    coalesce(display_name, name, email) as name,
    email,
    not {{ is_deleted('kustomer', 'users', 'id') }} as is_active
from {{ source('kustomer', 'users') }}
