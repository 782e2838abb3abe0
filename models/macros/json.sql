{# What differs between DuckDB and PostgreSQL: objects and lists of JSON as rows. All else is SQL that both speak. #}

{# The members of an object, to be joined: `name`, `value` as text (null for null). Nothing of what is no object. #}
{% macro members_of(json) %}{{ adapter.dispatch('members_of')(json) }}{% endmacro %}

{% macro duckdb__members_of(json) -%}
    lateral (
        select key as name, (value ->> '$') as value
        from json_each(case when json_type({{ json }}) = 'OBJECT' then {{ json }} end)
    )
{%- endmacro %}

{% macro postgres__members_of(json) -%}
    lateral (
        select key as name, value
        from json_each_text(case when json_typeof({{ json }}) = 'object' then {{ json }} end)
    )
{%- endmacro %}

{# The items of a list, to be joined: `position` from 1 on, `item`, and the item as `text`. Nothing of what is no list. #}
{% macro items_of(json) %}{{ adapter.dispatch('items_of')(json) }}{% endmacro %}

{% macro duckdb__items_of(json) -%}
    lateral (
        select cast(key as integer) + 1 as position, value as item, (value ->> '$') as text
        from json_each(case when json_type({{ json }}) = 'ARRAY' then {{ json }} end)
    )
{%- endmacro %}

{% macro postgres__items_of(json) -%}
    lateral (
        select cast(ordinality as integer) as position, value as item, value #>> '{}' as text
        from json_array_elements(case when json_typeof({{ json }}) = 'array' then {{ json }} end) with ordinality
    )
{%- endmacro %}
