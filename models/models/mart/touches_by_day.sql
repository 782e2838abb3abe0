-- Touches by day (UTC), channel, direction and user; `users.name` is `user_name`.
select
    touch.system,
    cast(touch.happened_at at time zone 'UTC' as date) as day,
    touch.channel,
    touch.direction,
    touch.user_id,
    "user".name as user_name,
    count(*) as touches,
    count(distinct touch.account_id) as accounts,
    count(distinct touch.person_id) as people
from {{ ref('touches') }} as touch
left join {{ ref('users') }} as "user" on "user".system = touch.system and "user".user_id = touch.user_id
group by 1, 2, 3, 4, 5, 6
