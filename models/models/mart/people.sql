with people as (
    {{ union_of('people', [
        'person_id', 'account_id', 'name', 'title', 'email', 'owner_id', 'created_at', 'updated_at',
    ]) }}
),

touches as (
    select system, person_id, count(*) as touches, max(happened_at) as last_touch_at
    from {{ ref('touches') }}
    group by 1, 2
)

select people.*, coalesce(touches.touches, 0) as touches, touches.last_touch_at
from people
left join touches on touches.system = people.system and touches.person_id = people.person_id
