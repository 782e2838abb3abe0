select id as campaign_id, 'sequence' as kind, name, status
from {{ source('closeio', 'email_sequences') }}
