select
    cast(id as text) as user_id,
    coalesce(name, nullif(trim(concat(firstname, ' ', lastname)), ''), email) as name,
    email,
    not coalesce(locked, false) and not {{ is_deleted('outreach', 'users', 'id') }} as is_active
from {{ source('outreach', 'users') }}
