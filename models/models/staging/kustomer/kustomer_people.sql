select
    customer.id as person_id,
    {{ unless_deleted('kustomer', 'companies', 'customer.company_id') }} as account_id,
    coalesce(customer.name, customer.display_name) as name,
    cast(null as text) as title,
    ((customer.emails -> 0) ->> 'email') as email,
    cast(null as text) as owner_id,
    customer.created_at,
    customer.updated_at
from {{ living('kustomer', 'customers') }} as customer
