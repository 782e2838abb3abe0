select
    cast(prospect.id as text) as person_id,
    'email' as kind,
    point.position,
    cast(null as text) as label,
    point.text as address
from {{ living('outreach', 'prospects') }} as prospect
cross join {{ items_of('prospect.emails') }} as point
{%- for label in ('home', 'mobile', 'other', 'voip', 'work') %}
union all
select cast(prospect.id as text), 'phone', point.position, '{{ label }}', point.text
from {{ living('outreach', 'prospects') }} as prospect
cross join {{ items_of('prospect.' ~ label ~ 'phones') }} as point
{%- endfor %}
