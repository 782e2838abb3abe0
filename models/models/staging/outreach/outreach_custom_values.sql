-- The columns custom1 to custom150. What each means is known in Outreach only.
{%- for belongs_to, stream in (('account', 'accounts'), ('person', 'prospects'), ('opportunity', 'opportunities')) %}
{% if not loop.first %}union all{% endif %}
select
    '{{ belongs_to }}' as belongs_to,
    cast(stored.id as text) as record_id,
    field.name as field_id,
    field.name as field,
    field.value
from {{ living('outreach', stream) }} as stored
cross join {{ columns_of(source('outreach', stream), 'stored', 'custom') }} as field (name, value)
where field.name similar to 'custom[0-9]+' and field.value is not null
{%- endfor %}
