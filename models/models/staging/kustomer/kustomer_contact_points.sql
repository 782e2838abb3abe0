{% for kind in ('email', 'phone') %}
{% if not loop.first %}union all{% endif %}
select
    customer.id as person_id,
    '{{ kind }}' as kind,
    point.position,
    (point.item ->> 'type') as label,
    (point.item ->> '{{ kind }}') as address
from {{ living('kustomer', 'customers') }} as customer
cross join {{ items_of('customer.' ~ kind ~ 's') }} as point
{% endfor %}
