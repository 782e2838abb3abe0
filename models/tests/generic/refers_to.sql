{# Every value of a column is in the column of that name (or of another) of another model, within the same system. #}
{% test refers_to(model, column_name, to, field='') %}
    select distinct {{ column_name }}
    from {{ model }} as one
    where {{ column_name }} is not null
      and not exists (
          select 1
          from {{ to }} as other
          where other.{{ field or column_name }} = one.{{ column_name }}
            {%- if to.schema == model.schema and model.schema.endswith('_mart') %} and other.system = one.system{% endif %}
      )
{% endtest %}
