{% for kind in ('email', 'phone') %}
{% if not loop.first %}union all{% endif %}
select
    contact.id as person_id,
    '{{ kind }}' as kind,
    point.position,
    (point.item ->> 'type') as label,
    (point.item ->> '{{ kind }}') as address
from {{ living('closeio', 'contacts') }} as contact
cross join {{ items_of('contact.' ~ kind ~ 's') }} as point
{% endfor %}
