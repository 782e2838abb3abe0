-- How many people reply, by campaign?
{{ config(enabled=loaded(['persistiq']) | length > 0) }}
select
    name as campaign,
    people,
    people_who_replied as replied,
    people_who_replied_positively as positive,
    round(100.0 * people_who_replied / people, 1) as reply_percent
from {{ ref('campaigns') }}
where kind = 'campaign' and people > 0
order by reply_percent desc, campaign
