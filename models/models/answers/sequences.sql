-- Which sequences are used and answered most?
{{ config(enabled=loaded(['closeio', 'outreach']) | length > 0) }}
select
    campaign_id as sequence,
    coalesce(name, '') as name,
    messages,
    replies,
    round(100.0 * replies / messages, 1) as reply_percent
from {{ ref('campaigns') }}
where kind = 'sequence' and messages > 0
order by messages desc, sequence
limit 12
