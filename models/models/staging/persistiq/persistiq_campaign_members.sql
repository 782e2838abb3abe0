select id as member_id, campaign_id, lead_id as person_id, cast(null as timestamptz) as added_at
from {{ living('persistiq', 'campaign_leads') }} as member
where not {{ is_deleted('persistiq', 'campaigns', 'campaign_id') }}
    and not {{ is_deleted('persistiq', 'leads', 'lead_id') }}
