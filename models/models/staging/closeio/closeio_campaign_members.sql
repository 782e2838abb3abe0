select
    subscription.id as member_id,
    subscription.sequence_id as campaign_id,
    subscription.contact_id as person_id,
    subscription.date_created as added_at
from {{ living('closeio', 'sequence_subscriptions') }} as subscription
where not {{ is_deleted('closeio', 'contacts', 'subscription.contact_id') }}
    and not {{ is_deleted('closeio', 'email_sequences', 'subscription.sequence_id') }}
