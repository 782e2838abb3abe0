select
    cast(id as text) as person_id,
    cast(accountid as text) as account_id,
    nullif(trim(concat(firstname, ' ', lastname)), '') as name,
    title,
    (emails ->> 0) as email,
    cast(ownerid as text) as owner_id,
    createdat as created_at,
    updatedat as updated_at
from {{ source('outreach', 'prospects') }}
