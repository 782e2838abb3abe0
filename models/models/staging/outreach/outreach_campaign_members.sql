select
    cast(id as text) as member_id,
    cast(sequenceid as text) as campaign_id,
    cast(prospectid as text) as person_id,
    createdat as added_at
from {{ source('outreach', 'sequence_states') }}
where sequenceid is not null and prospectid is not null
