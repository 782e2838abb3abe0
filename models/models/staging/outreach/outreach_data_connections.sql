-- Links of records to a CRM, a row for each. Outreach documents no form of an entry: `entry` keeps it as it came, and the
-- columns beside it are what entries are known to have. Streams that were loaded without the column have none.
select
    cast(null as text) as belongs_to,
    cast(null as text) as record_id,
    cast(null as integer) as position,
    cast(null as text) as crm,
    cast(null as text) as crm_object,
    cast(null as text) as crm_id,
    cast(null as json) as entry
where false
{%- for belongs_to, stream in (
    ('account', 'accounts'), ('call', 'calls'), ('mailing', 'mailings'), ('opportunity', 'opportunities'),
    ('person', 'prospects'), ('stage', 'opportunity_stages'), ('user', 'users'),
) %}
    {%- set present = living('outreach', stream) %}
    {%- set columns = adapter.get_columns_in_relation(source('outreach', stream)) | map(attribute='name') if execute else [] %}
    {%- if 'dataconnections' in columns %}
union all
select
    '{{ belongs_to }}',
    cast(stored.id as text),
    link.position,
    (link.item ->> 'type'),
    (link.item ->> 'objectType'),
    coalesce((link.item ->> 'externalId'), (link.item ->> 'id')),
    link.item
from {{ present }} as stored
cross join {{ items_of('stored.dataconnections') }} as link
    {%- endif %}
{%- endfor %}
