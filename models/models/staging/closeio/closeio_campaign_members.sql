select
    subscription.id as member_id,
    subscription.sequence_id as campaign_id,
    person.person_id,
    subscription.date_created as added_at
from {{ source('closeio', 'sequence_subscriptions') }} as subscription
join {{ ref('closeio_people') }} as person on person.person_id = subscription.contact_id
