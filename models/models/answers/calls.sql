-- Who called how often, week by week? The twelve busiest users in the newest twelve weeks.
with calls as (
    select
        system,
        user_id,
        user_name,
        cast(date_trunc('week', cast(day as timestamp)) as date) as week,
        touches
    from {{ ref('touches_by_day') }}
    where channel = 'call' and user_id is not null
),

recent as (
    select * from calls where week > (select max(week) from calls) - 84
),

busiest as (
    select system, user_id from recent group by 1, 2 order by sum(touches) desc, 1, 2 limit 12
)

select recent.user_name as "user", recent.week, sum(recent.touches) as calls
from recent
join busiest on busiest.system = recent.system and busiest.user_id = recent.user_id
group by recent.user_name, recent.user_id, recent.week
order by 1, 2
