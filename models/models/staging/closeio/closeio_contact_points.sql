select person.id as person_id, 'email' as kind, point.position, point.item ->> 'type' as label, point.item ->> 'email' as address
from {{ present('closeio', 'contacts') }} as person, {{ items_of('person.emails') }} as point
union all
select person.id, 'phone', point.position, point.item ->> 'type', point.item ->> 'phone'
from {{ present('closeio', 'contacts') }} as person, {{ items_of('person.phones') }} as point
