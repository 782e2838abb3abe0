select id as user_id, coalesce(display_name, name, email) as name, email, not coalesce(deleted, false) as is_active
from {{ source('kustomer', 'users') }}
