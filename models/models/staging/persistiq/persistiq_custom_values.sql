-- All fields of a lead, those that every account has and one's own.
select
    'person' as belongs_to,
    lead.id as record_id,
    field.name as field_id,
    field.name as field,
    field.value
from {{ living('persistiq', 'leads') }} as lead
cross join {{ members_of('lead.data') }} as field
where field.value is not null
