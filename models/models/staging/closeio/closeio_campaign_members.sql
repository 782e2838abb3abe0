select
    subscription.id as member_id,
    subscription.sequence_id as campaign_id,
    subscription.contact_id as person_id,
    subscription.date_created as added_at
from {{ source('closeio', 'sequence_subscriptions') }} as subscription
where not {{ is_deleted('subscription.contact_id') }}
