-- PersistIQ knows companies by the name that its leads give.
select
    account_id,
    account_id as name,
    cast(null as text) as status,
    cast(null as text) as owner_id,
    min(created_at) as created_at,
    max(updated_at) as updated_at
from {{ ref('persistiq_people') }}
where account_id is not null
group by account_id
