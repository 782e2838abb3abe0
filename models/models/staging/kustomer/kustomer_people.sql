select
    customer.id as person_id,
    account.account_id,
    coalesce(customer.name, customer.display_name) as name,
    cast(null as text) as title,
    ((customer.emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    customer.created_at,
    customer.updated_at
from {{ source('kustomer', 'customers') }} as customer
-- A customer of a company that was deleted is nobody's.
left join {{ ref('kustomer_accounts') }} as account on account.account_id = customer.company_id
where not coalesce(customer.deleted, false)
