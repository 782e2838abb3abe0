-- How long do customers wait for a first response?
with waits as (
    select
        hours,
        case
            when hours < 1 then 1
            when hours < 4 then 2
            when hours < 8 then 3
            when hours < 24 then 4
            when hours < 48 then 5
            else 6
        end as place
    from {{ ref('response_times') }}
    where answered_by = 'team'
),

quantiles as (
    select
        percentile_cont(0.5) within group (order by hours) as median_hours,
        percentile_cont(0.9) within group (order by hours) as ninetieth_percentile_hours
    from waits
)

select
    place,
    case place
        when 1 then 'under 1 h' when 2 then '1 to 4 h' when 3 then '4 to 8 h' when 4 then '8 to 24 h'
        when 5 then '1 to 2 days' else 'longer'
    end as waited,
    count(*) as conversations,
    min(median_hours) as median_hours,
    min(ninetieth_percentile_hours) as ninetieth_percentile_hours
from waits
cross join quantiles
group by 1, 2
order by 1
