select
    'person' as belongs_to,
    customer.id as record_id,
    field.name as field_id,
    field.name as field,
    field.value
from {{ living('kustomer', 'customers') }} as customer
cross join {{ members_of('customer.custom') }} as field
where field.value is not null
