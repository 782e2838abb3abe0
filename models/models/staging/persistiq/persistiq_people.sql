select
    id as person_id,
    nullif(data ->> 'company_name', '') as account_id,
    nullif(trim(concat(data ->> 'first_name', ' ', data ->> 'last_name')), '') as name,
    data ->> 'title' as title,
    data ->> 'email' as email,
    owner_id,
    created_at,
    updated_at
from {{ living('persistiq', 'leads') }} as lead
