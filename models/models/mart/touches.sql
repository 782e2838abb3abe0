-- One row for each call, message or meeting: with whom, by whom, which way.
{{ union_of('touches', [
    'touch_id', 'channel', 'direction', 'happened_at', 'user_id', 'account_id', 'person_id', 'campaign_id',
    'conversation_id', 'is_automatic', 'sentiment',
]) }}
