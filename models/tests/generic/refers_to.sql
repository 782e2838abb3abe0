{# Every value of a column is in the column of that name, or of another, of another model; in the mart within its system. #}
{% test refers_to(model, column_name, to, field='') %}
    {%- set columns = adapter.get_columns_in_relation(to) | map(attribute='name') | list if execute else [] %}
    select distinct {{ column_name }}
    from (select * from {{ model }}) as one
    where {{ column_name }} is not null
      and not exists (
          select 1
          from {{ to }} as other
          where other.{{ field or column_name }} = one.{{ column_name }}
            {%- if 'system' in columns %} and other.system = one.system{% endif %}
      )
{% endtest %}
