{# Columns of a stream whose names begin so, to be joined as rows: `name`, `value` as text. Unlike `members_of` on a whole
   row this makes no JSON of it first: with Outreach's 400 columns that is thirty times as fast. #}
{% macro columns_of(stream, alias, beginning) -%}
    {%- set columns = adapter.get_columns_in_relation(stream) | map(attribute='name') | list if execute else [] -%}
    lateral (
        values
        {%- for column in columns if column.startswith(beginning) %}
            ('{{ column }}', cast({{ alias }}.{{ column }} as text)),
        {%- endfor %}
            (null, null)  -- where there is none
    )
{%- endmacro %}
