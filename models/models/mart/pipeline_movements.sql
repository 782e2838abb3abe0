-- How it came there: each entry into the pipeline (`from_stage` is null) and each change of stage.
{{ config(enabled=loaded(['closeio', 'outreach']) | length > 0) }}
{{ union_of('pipeline_movements', [
    'movement_id', 'opportunity_id', 'account_id', 'user_id', 'moved_at', 'from_stage', 'to_stage', 'to_outcome',
], ['closeio', 'outreach']) }}
