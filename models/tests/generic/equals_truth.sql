{# An aggregate of the model is the figure that the emulated account has under the model's name. Runs where figures are
   given (`truth`); a figure that is missing fails. #}
{% test equals_truth(model, of='', found='count(*)') %}
    {{ config(enabled=var('truth') | length > 0) }}
    {%- set figure = model.identifier ~ ('.' ~ of if of else '') %}
    select found
    from (select {{ found }} as found from {{ model }}) as aggregated
    where found is distinct from {{ var('truth').get(figure, 'null') }}
{% endtest %}
