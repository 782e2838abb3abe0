select id as campaign_id, 'campaign' as kind, name, cast(null as text) as status
from {{ living('persistiq', 'campaigns') }} as campaign
