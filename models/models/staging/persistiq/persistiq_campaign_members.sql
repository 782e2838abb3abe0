select id as member_id, campaign_id, lead_id as person_id, cast(null as timestamptz) as added_at
from {{ source('persistiq', 'campaign_leads') }}
