-- Custom fields are columns, `custom_` and the id of the field in lower case.
with fields as (
    select id, name from {{ source('closeio', 'lead_custom_fields') }}
    union
    select id, name from {{ source('closeio', 'shared_custom_fields') }}
)

select
    'account' as belongs_to,
    lead.id as record_id,
    coalesce(fields.id, stored.name) as field_id,
    fields.name as field,
    stored.value
from {{ living('closeio', 'leads') }} as lead
cross join {{ columns_of(source('closeio', 'leads'), 'lead', 'custom_') }} as stored (name, value)
left join fields on 'custom_' || lower(fields.id) = stored.name
where stored.value is not null
