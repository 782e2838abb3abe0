select id as campaign_id, 'sequence' as kind, name, status
from {{ living('closeio', 'email_sequences') }} as sequence
