select
    lead.id as person_id,
    field.name as kind,
    1 as position,
    cast(null as text) as label,
    field.value as address
from {{ living('persistiq', 'leads') }} as lead
cross join {{ members_of('lead.data') }} as field
where field.name in ('email', 'phone') and field.value is not null
