-- What is in the pipelines now.
{{ config(enabled=loaded(['closeio', 'outreach']) | length > 0) }}
{{ union_of('opportunities', [
    'opportunity_id', 'account_id', 'owner_id', 'pipeline', 'stage', 'outcome', 'value', 'value_per_year', 'currency',
    'probability', 'closed_on', 'created_at', 'updated_at',
], ['closeio', 'outreach']) }}
