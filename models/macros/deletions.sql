{# Whether Close has said that the record of this id is gone. A warehouse keeps its row.

   Deletions come as records of their own, in `deleted_records`; where that is not loaded nothing is known of them.
   Kustomer marks the record itself (`deleted`), PersistIQ and Outreach say nothing. #}
{% macro is_deleted(id) -%}
    {%- set feed = source('closeio', 'deleted_records') -%}
    {%- if execute and load_relation(feed) -%}
    exists (select 1 from {{ feed }} as deletion where deletion.object_id = {{ id }})
    {%- else -%}
    false
    {%- endif -%}
{%- endmacro %}
