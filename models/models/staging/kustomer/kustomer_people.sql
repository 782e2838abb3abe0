select
    customer.id as person_id,
    case when not coalesce(company.deleted, false) then customer.company_id end as account_id,
    coalesce(customer.name, customer.display_name) as name,
    cast(null as text) as title,
    ((customer.emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    customer.created_at,
    customer.updated_at
from {{ source('kustomer', 'customers') }} as customer
left join {{ source('kustomer', 'companies') }} as company on company.id = customer.company_id
where not coalesce(customer.deleted, false)
