select
    cast(id as text) as person_id,
    cast({{ unless_deleted('outreach', 'accounts', 'accountid') }} as text) as account_id,
    nullif(trim(concat(firstname, ' ', lastname)), '') as name,
    title,
    (emails ->> 0) as email,
    cast(ownerid as text) as owner_id,
    createdat as created_at,
    updatedat as updated_at
from {{ living('outreach', 'prospects') }} as prospect
