-- `users` has those who are in the organisation, `memberships` those who have left as well.
select
    coalesce(present.id, membership.user_id) as user_id,
    coalesce(
        nullif(trim(concat(present.first_name, ' ', present.last_name)), ''),
        membership.user_full_name,
        present.email,
        membership.user_email
    ) as name,
    coalesce(present.email, membership.user_email) as email,
    present.id is not null and not {{ is_deleted('closeio', 'users', 'present.id') }} as is_active
from {{ source('closeio', 'users') }} as present
full join {{ source('closeio', 'memberships') }} as membership on membership.user_id = present.id
