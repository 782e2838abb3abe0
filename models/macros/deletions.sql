{# Deletions. A warehouse keeps the rows of what is gone: `<system>_deletions` names them, and all other models leave
   them out. A row goes when it is deleted itself; a reference to what is deleted becomes null. #}

{# What is known to be gone: `stream` (null where the id says enough), `record_id`, `told_by`, and `told_at`, when it was
   gone at the latest. `streams` are those that the models read. It is told by

   - `deleted_records`, a feed of deletions (`feed`: the system has one). Its ids are unique over all streams;
   - the record itself, in a column that is true (`flag`);
   - `record_ids`: the ids that exist. The rows of a stream's newest `seen_at` are its newest listing, whatever older ones
     have left in the table. A record that came before that listing began, and is not in it, is gone; one that came
     later is not, for it may be younger than the listing.

   Feed and listing count where they are loaded. #}
{% macro deletions_of(system, streams, feed=false, flag='') -%}
    {{ config(materialized='table') }}
    {%- set deletions = source(system, 'deleted_records') if feed -%}
    {%- set ids = source(system, 'record_ids') -%}
    {%- set listed = execute and load_relation(ids) -%}
    {%- if listed %}
with newest as (
    select stream, max(seen_at) as seen_at from {{ ids }} group by stream
),

listed as (
    select listing.stream, cast(listing.id as text) as id
    from {{ ids }} as listing
    join newest on newest.stream = listing.stream and newest.seen_at = listing.seen_at
)
    {% endif %}
select
    cast(null as text) as stream,
    cast(null as text) as record_id,
    cast(null as text) as told_by,
    cast(null as timestamptz) as told_at
where false  -- where nothing is told
    {%- if feed and execute and load_relation(deletions) %}
union all
select null, object_id, 'deleted_records', min(deleted_at)
from {{ deletions }}
where object_id is not null
group by object_id
    {%- endif %}
    {%- for stream in streams %}
        {%- set table = source(system, stream) %}
        {%- if flag %}
union all
select distinct '{{ stream }}', cast(id as text), 'the record', updated_at
from {{ table }}
where {{ flag }}
        {%- endif %}
        {%- if listed %}
union all
select distinct '{{ stream }}', cast(stored.id as text), 'record_ids', newest.seen_at
from {{ table }} as stored
join newest on newest.stream = '{{ stream }}' and stored._airbyte_extracted_at < newest.seen_at at time zone 'UTC'
where not exists (
    select 1 from listed where listed.stream = '{{ stream }}' and listed.id = cast(stored.id as text)
)
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Whether the record of that id, in that stream, is gone. #}
{% macro is_deleted(system, stream, id) -%}
    exists (
        select 1
        from {{ ref(system ~ '_deletions') }} as gone
        where gone.record_id = cast({{ id }} as text) and coalesce(gone.stream, '{{ stream }}') = '{{ stream }}'
    )
{%- endmacro %}

{# A reference: the id, or null where its record is gone. #}
{% macro unless_deleted(system, stream, id) -%}
    case when not {{ is_deleted(system, stream, id) }} then {{ id }} end
{%- endmacro %}

{# A stream without the records that are gone. #}
{% macro living(system, stream) -%}
    (select stored.* from {{ source(system, stream) }} as stored where not {{ is_deleted(system, stream, 'stored.id') }})
{%- endmacro %}
