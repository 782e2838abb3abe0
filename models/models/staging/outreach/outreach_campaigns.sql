select cast(id as text) as campaign_id, 'sequence' as kind, name, case when enabled then 'active' else 'paused' end as status
from {{ living('outreach', 'sequences') }} as sequence
