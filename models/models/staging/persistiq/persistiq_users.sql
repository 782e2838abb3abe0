select id as user_id, coalesce(name, email) as name, email, activated as is_active
from {{ source('persistiq', 'users') }}
