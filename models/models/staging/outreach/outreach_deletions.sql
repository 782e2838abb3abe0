-- Outreach tells no deletion.
{{ deletions_of('outreach', [
    'accounts', 'calls', 'mailings', 'opportunities', 'opportunity_stages', 'prospects', 'sequence_states', 'sequences',
    'users',
]) }}
