-- PersistIQ tells no deletion.
{{ deletions_of('persistiq', ['campaign_leads', 'campaign_replies', 'campaigns', 'leads', 'users']) }}
