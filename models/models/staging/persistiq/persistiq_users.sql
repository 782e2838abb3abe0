select
    id as user_id,
    coalesce(name, email) as name,
    email,
    activated and not {{ is_deleted('persistiq', 'users', 'id') }} as is_active
from {{ source('persistiq', 'users') }}
