select person.id as person_id, 'email' as kind, point.position, point.item ->> 'type' as label, point.item ->> 'email' as address
from {{ source('kustomer', 'customers') }} as person, {{ items_of('person.emails') }} as point
where not coalesce(person.deleted, false)
union all
select person.id, 'phone', point.position, point.item ->> 'type', point.item ->> 'phone'
from {{ source('kustomer', 'customers') }} as person, {{ items_of('person.phones') }} as point
where not coalesce(person.deleted, false)
