-- What is in the pipeline, by stage? What is open counts with its probability, what is won in full.
{{ config(enabled=loaded(['closeio', 'outreach']) | length > 0) }}
select
    system,
    coalesce(stage, 'no stage') as stage,
    outcome,
    currency,
    count(*) as opportunities,
    coalesce(sum(coalesce(value_per_year, value)), 0) as value,
    coalesce(sum(
        coalesce(value_per_year, value) * case outcome when 'open' then probability when 'won' then 1 else 0 end
    ), 0) as expected_value
from {{ ref('opportunities') }}
group by 1, 2, 3, 4
order by value desc, system, stage
limit 12
