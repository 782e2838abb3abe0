with accounts as (
    {{ union_of('accounts', [
        'account_id', 'name', 'status', 'owner_id', 'created_at', 'updated_at',
    ]) }}
),

people as (
    select system, account_id, count(*) as people from {{ ref('people') }} group by 1, 2
),

touches as (
    select system, account_id, count(*) as touches, max(happened_at) as last_touch_at
    from {{ ref('touches') }}
    group by 1, 2
)

select
    accounts.*,
    coalesce(people.people, 0) as people,
    coalesce(touches.touches, 0) as touches,
    touches.last_touch_at
from accounts
left join people on people.system = accounts.system and people.account_id = accounts.account_id
left join touches on touches.system = accounts.system and touches.account_id = accounts.account_id
