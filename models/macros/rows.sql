{# The rows of a stream without those of deleted records.

   Close tells of deletions in `deleted_records`, where that is loaded; a warehouse keeps the rows. Kustomer marks the
   record itself, so its models ask for `deleted`. PersistIQ and Outreach tell nothing. #}
{% macro present(system, stream) -%}
    {%- if system == 'closeio' -%}
        {%- set feed = source(system, 'deleted_records') -%}
        {%- set deletions = load_relation(feed) if execute -%}
    {%- endif -%}
    (
        select *
        from {{ source(system, stream) }} as stored
        {%- if deletions %}
        where not exists (select 1 from {{ deletions }} as deletion where deletion.object_id = stored.id)
        {%- endif %}
    )
{%- endmacro %}

{# One table of several systems, of those that are loaded: `system` and the columns. #}
{% macro union_of(table, systems, columns) -%}
    {%- for system in loaded(systems) %}
    {% if not loop.first %}union all{% endif %}
    select '{{ system }}' as system, {{ columns | join(', ') }} from {{ ref(system ~ '_' ~ table) }}
    {%- endfor %}
{%- endmacro %}

{# Those of the systems that are loaded. #}
{% macro loaded(systems) %}
    {{ return(systems | select('in', var('systems', systems)) | list) }}
{% endmacro %}
