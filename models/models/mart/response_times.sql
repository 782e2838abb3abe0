-- How long the other side waited in a conversation for the first answer by a human being, in hours. The team answers
-- customers, and people answer what the team sent them.
with touches as (
    select * from {{ ref('touches') }} where conversation_id is not null
),

asked as (
    select
        system,
        conversation_id,
        direction,
        case direction when 'in' then 'team' else 'customer' end as answered_by,
        min(happened_at) as asked_at
    from touches
    group by 1, 2, 3
)

select
    asked.system,
    asked.conversation_id,
    asked.answered_by,
    min(answer.channel) as channel,
    asked.asked_at,
    min(answer.happened_at) as answered_at,
    extract(epoch from (min(answer.happened_at) - asked.asked_at)) / 3600 as hours
from asked
join touches as answer
    on answer.system = asked.system
    and answer.conversation_id = asked.conversation_id
    and answer.direction <> asked.direction
    and answer.happened_at > asked.asked_at
    and not answer.is_automatic
group by 1, 2, 3, 5
