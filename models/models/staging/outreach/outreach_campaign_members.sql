select
    cast(id as text) as member_id,
    cast(sequenceid as text) as campaign_id,
    cast(prospectid as text) as person_id,
    createdat as added_at
from {{ living('outreach', 'sequence_states') }} as member
where sequenceid is not null and not {{ is_deleted('outreach', 'sequences', 'sequenceid') }}
    and prospectid is not null and not {{ is_deleted('outreach', 'prospects', 'prospectid') }}
