-- Close tells deletions for thirty days, to a role that may see the event log.
{{ deletions_of('closeio', [
    'call_activities', 'contacts', 'email_activities', 'email_sequences', 'leads', 'meeting_activities', 'opportunities',
    'opportunity_status_change_activities', 'sequence_subscriptions', 'sms_activities', 'users',
    'whatsapp_message_activities',
], feed=true) }}
