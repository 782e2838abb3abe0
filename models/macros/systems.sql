{# One table of all systems that are loaded and have it: `system`, and the columns. #}
{% macro union_of(table, columns, systems=['closeio', 'persistiq', 'kustomer', 'outreach']) -%}
    {%- for system in loaded(systems) %}
    {% if not loop.first %}union all{% endif %}
    select '{{ system }}' as system, {{ columns | join(', ') }} from {{ ref(system ~ '_' ~ table) }}
    {%- endfor %}
{%- endmacro %}

{# Those of the systems that are loaded. #}
{% macro loaded(systems) %}
    {{ return(systems | select('in', var('systems', systems)) | list) }}
{% endmacro %}
